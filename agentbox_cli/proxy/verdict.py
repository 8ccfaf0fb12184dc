"""What became of each link, and what the client gets when none of them answered."""

from dataclasses import dataclass

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.cooldown import RATE_LIMITED, TRANSIENT, Pause
from agentbox_cli.proxy.failure import Failure

COOLING = "skipped-cooling"
EXHAUSTED = "skipped-exhausted"
KEY_MISSING = "skipped-key-missing"
UNFIT = "skipped-unfit"

# What passes by itself, without anybody mending it.
HEALS = TRANSIENT | {ErrorKind.THROTTLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a link: the label in `x-agentbox-attempts`, and how long it is paused."""

    link: Link
    label: str
    failure: Failure | None = None
    recovers_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of a chain that did not answer.

    Args:
        passed_on: the failure that the client gets as it is; None if we speak for the chain.
        rate_limited: whether a rate limit had a part in it.
        retry_after: seconds until the earliest link recovers; None if none will by itself.
        outcomes: what became of each link.
    """

    passed_on: Failure | None
    rate_limited: bool
    retry_after: float | None
    outcomes: tuple[Outcome, ...]


def judge(outcomes: tuple[Outcome, ...], passed_on: Failure | None) -> Verdict:
    """The verdict on a chain in which no link answered.

    Args:
        outcomes: what became of each link.
        passed_on: the failure that the client gets in any case; None if the outcomes decide.
    """
    return Verdict(
        passed_on=passed_on or _speaks_for_all(outcomes),
        rate_limited=any(_is_rate_limit(outcome) for outcome in outcomes),
        retry_after=_earliest(outcomes),
        outcomes=outcomes,
    )


def cause_of(pause: Pause | None) -> Failure | None:
    """The failure that a cooling link stands for."""
    if pause is None:
        return None
    return Failure(kind=pause.kind, status=None, message=f"cooling after {pause.kind}")


def too_long(link: Link, tokens: int) -> Failure:
    """The failure of a link whose window is surely too small, without having asked it."""
    # Coding agents know Anthropic's words and OpenAI's code, and make their prompt shorter.
    return Failure(
        kind=ErrorKind.CONTEXT_WINDOW,
        status=400,
        message=f"prompt is too long: {tokens} tokens > {link.max_input_tokens} maximum"
        f" (estimated, for {link.deployment.name})",
        code="context_length_exceeded",
    )


def _speaks_for_all(outcomes: tuple[Outcome, ...]) -> Failure | None:
    """The failure that the client gets when no link will recover by itself."""
    if any(_recovers(outcome) for outcome in outcomes):
        return None
    failures = [o.failure for o in outcomes if o.failure and o.label != COOLING]
    for failure in failures:
        if failure.kind is ErrorKind.CONTEXT_WINDOW:
            return failure
    return failures[0] if failures else None


def _recovers(outcome: Outcome) -> bool:
    if outcome.recovers_in is None:
        return False
    return outcome.failure is None or outcome.failure.kind in HEALS


def _earliest(outcomes: tuple[Outcome, ...]) -> float | None:
    times = [outcome.recovers_in for outcome in outcomes if outcome.recovers_in is not None]
    return min(times, default=None)


def _is_rate_limit(outcome: Outcome) -> bool:
    if outcome.label == EXHAUSTED:
        return True
    return outcome.failure is not None and outcome.failure.kind in RATE_LIMITED
