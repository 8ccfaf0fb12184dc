"""What became of each link, and what the client gets when none of them answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.cooldown import RATE_LIMITED, TRANSIENT, Pause
from agentbox_cli.proxy.failure import Failure

COOLING = "skipped-cooling"
EXHAUSTED = "skipped-exhausted"
KEY_MISSING = "skipped-key-missing"
UNFIT = "skipped-unfit"
BUDGET = "skipped-budget"
PAUSED = "skipped-paused"
PINNED = "skipped-pinned"
_SKIPPED = frozenset({COOLING, EXHAUSTED, KEY_MISSING, UNFIT, BUDGET, PAUSED, PINNED})

# Coding agents know Anthropic's words and OpenAI's code, and make their prompt shorter.
CONTEXT_WORDS = "prompt is too long"
CONTEXT_CODE = "context_length_exceeded"

# What passes by itself, without anybody mending it.
HEALS = TRANSIENT | {ErrorKind.THROTTLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a link.

    Args:
        link: which one.
        label: as in `x-agentbox-attempts`.
        failure: how it failed, or what it cools after.
        recovers_in: seconds for which it is paused; None if that is not known.
        why: the reason in words, where the label does not say enough.
    """

    link: Link
    label: str
    failure: Failure | None = None
    recovers_in: float | None = None
    why: str | None = None

    @property
    def skipped(self) -> bool:
        """Whether the link was passed over without a call."""
        return self.label in _SKIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of a chain that did not answer.

    Args:
        passed_on: the failure that the client gets as it is; None if we speak for the chain.
        rate_limited: whether a rate limit or a budget had a part in it.
        retry_after: seconds until the earliest link recovers; None if none will by itself.
        outcomes: what became of each link.
        to_mend: what the first link cools after, if no link was called and none will recover by
            itself; else None.
    """

    passed_on: Failure | None
    rate_limited: bool
    retry_after: float | None
    outcomes: tuple[Outcome, ...]
    to_mend: ErrorKind | None = None


def judge(
    outcomes: tuple[Outcome, ...], passed_on: Failure | None, input_tokens: int = 0
) -> Verdict:
    """The verdict on a chain in which no link answered.

    Args:
        outcomes: what became of each link.
        passed_on: the failure that the client gets in any case; None if the outcomes decide.
        input_tokens: the estimate of the prompt.
    """
    told = passed_on or _speaks_for_all(outcomes, input_tokens)
    return Verdict(
        passed_on=told,
        rate_limited=any(_is_rate_limit(outcome) for outcome in outcomes),
        retry_after=_earliest(outcomes),
        outcomes=outcomes,
        to_mend=None if told else _to_mend(outcomes),
    )


def cause_of(pause: Pause | None) -> Failure | None:
    """The failure that a cooling link stands for."""
    if pause is None:
        return None
    return Failure(kind=pause.kind, status=None, message=f"cooling after {pause.kind}")


def too_long(links: Sequence[Link], tokens: int) -> Failure:
    """The failure of links whose windows are surely too small, without having asked them."""
    largest = max(link.max_input_tokens or 0 for link in links)
    windows = ", ".join(f"{link.max_input_tokens} for {link.deployment.name}" for link in links)
    return Failure(
        kind=ErrorKind.CONTEXT_WINDOW,
        status=400,
        message=f"{CONTEXT_WORDS}: {tokens} tokens > {largest} maximum"
        f" (a low estimate; the maximum context length is {windows})",
        code=CONTEXT_CODE,
    )


def _speaks_for_all(outcomes: tuple[Outcome, ...], input_tokens: int) -> Failure | None:
    """The failure that the client gets when no link will recover by itself."""
    if any(_recovers(outcome) for outcome in outcomes):
        return None
    called = [o.failure for o in outcomes if o.failure and o.label not in {COOLING, UNFIT}]
    told = next((each for each in called if each.kind is ErrorKind.CONTEXT_WINDOW), None)
    too_small = [o.link for o in outcomes if o.label == UNFIT and o.failure]
    if told is None and too_small:
        return too_long(too_small, input_tokens)
    # A provider has counted the tokens; it knows better than an estimate.
    return told or next(iter(called), None)


def needs_mending(outcome: Outcome) -> bool:
    """Whether a link cools for a reason that does not pass by itself.

    While somebody probes it, it may be well in a moment.
    """
    return outcome.label == COOLING and bool(outcome.recovers_in) and not _recovers(outcome)


def _to_mend(outcomes: tuple[Outcome, ...]) -> ErrorKind | None:
    if any(_recovers(outcome) for outcome in outcomes):
        return None
    kinds = (each.failure.kind for each in outcomes if each.failure and needs_mending(each))
    return next(kinds, None)


def _recovers(outcome: Outcome) -> bool:
    if outcome.recovers_in is None:
        return False
    probed = outcome.label == COOLING and outcome.recovers_in == 0
    return probed or outcome.failure is None or outcome.failure.kind in HEALS


def _earliest(outcomes: tuple[Outcome, ...]) -> float | None:
    """Seconds until a link recovers that does so by itself."""
    healing = (each.recovers_in for each in outcomes if _recovers(each))
    return min((seconds for seconds in healing if seconds is not None), default=None)


def _is_rate_limit(outcome: Outcome) -> bool:
    if outcome.label == EXHAUSTED or (outcome.label == BUDGET and outcome.recovers_in):
        return True
    return outcome.failure is not None and outcome.failure.kind in RATE_LIMITED
