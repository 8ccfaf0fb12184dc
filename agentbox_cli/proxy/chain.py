"""The way of one request down its chain: who is called next, how long, how often, and the end.

Pure decisions: a `Walk` is asked for the next step, told what came of it, and never waits or calls
by itself. It shares `Memory` (cooldowns, quotas, warnings) with the other requests.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.providers.resolved import Chain, Deployment, Lane, Link, Router, Toggles
from agentbox_cli.proxy.cooldown import RATE_LIMITED, TRANSIENT, Cooldowns
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.quota import Quotas

FIRST_BACKOFF = 0.1
LONGEST_WAIT_FOR_LAST_LINK = 5.0

COOLING = "skipped-cooling"
EXHAUSTED = "skipped-exhausted"
KEY_MISSING = "skipped-key-missing"
UNFIT = "skipped-unfit"

# Failovers that somebody has to mend: a silently used second link can cost money.
_NEEDS_MENDING = frozenset({ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA})
_HEALS = TRANSIENT | {ErrorKind.THROTTLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a request asks of a link.

    Args:
        protocol: what the client speaks.
        capabilities: of `tools` and `vision`, what the request uses.
        input_tokens: a low estimate of the prompt's tokens; 0 if not estimated.
        repeatable: whether it may be sent again once it may have been processed.
    """

    protocol: Protocol
    capabilities: frozenset[str] = frozenset()
    input_tokens: int = 0
    repeatable: bool = True


@dataclass(slots=True)
class Memory:
    """What requests learn for each other."""

    cooldowns: Cooldowns
    quotas: Quotas = field(default_factory=Quotas)
    warnings: dict[str, str] = field(default_factory=dict)
    last_errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Call this link, after a pause of `delay` seconds, and give it `timeout` seconds.

    Args:
        link: whom to call.
        number: the attempt's number within the request, from 1.
        delay: seconds to wait before.
        timeout: seconds until its first content, or for a unary call its whole answer.
        whole_timeout: whether that is all the time this link may have, not what is left of it.
        probe: whether the call holds the link's probe.
        fresh: whether it must not reuse a connection.
    """

    link: Link
    number: int
    delay: float = 0.0
    timeout: float
    whole_timeout: bool = True
    probe: bool = False
    fresh: bool = False


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


class Walk:
    """One request's way down a chain.

    Ask `next` for a step; after a `Call` say `failed`, `answered` or `abandoned`, then ask again.

    Args:
        chain: the links in order.
        needs: what the request asks of a link.
        router: retries and times.
        toggles: which failures move on to the next link.
        memory: what earlier requests learned.
        now: the time, in seconds of a clock that never goes back.
        wall: gives seconds since the epoch, for quota windows.
        jitter: gives a factor for each back-off.
    """

    def __init__(  # noqa: PLR0913 - a walk depends on all that decides
        self,
        chain: Chain,
        needs: Needs,
        *,
        router: Router,
        toggles: Toggles,
        memory: Memory,
        now: float,
        wall: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._chain = chain
        self._needs = needs
        self._router = router
        self._toggles = toggles
        self._memory = memory
        self._wall = wall
        self._jitter = jitter
        total = router.total_timeout or sum(link.timeout for link in chain.links)
        self._deadline = now + total
        self._outcomes: dict[int, Outcome] = {}
        self._remaining = list(chain.links)
        self._again: Call | None = None
        self._current: Call | None = None
        self._calls = 0
        self._retries = 0
        self._bad_request: Failure | None = None
        self._passed_on: Failure | None = None
        self._over = False

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each link so far, in the order of the chain."""
        return tuple(self._outcomes[number] for number in sorted(self._outcomes))

    def next(self, now: float) -> Call | Verdict:
        """Say what to do next."""
        if self._again is not None:
            self._current, self._again = self._again, None
            self._memory.quotas.reserve(self._current.link.deployment)
            return self._current
        if not self._over and now < self._deadline:
            for link in self._candidates(now):
                return self._call(link, now)
        return self._verdict(now)

    def answered(self) -> None:
        """Note the first content of the current call."""
        call = self._taken()
        deployment = call.link.deployment
        self._memory.cooldowns.succeeded(deployment, probe=call.probe)
        for name in (deployment.name, deployment.provider.name):
            self._memory.warnings.pop(name, None)

    def broke(self, link: Link, failure: Failure, now: float) -> None:
        """Note that a stream failed after its first content; it is too late to move on."""
        if self._moves_on(failure.kind):
            self._memory.cooldowns.failed(
                link.deployment, failure.kind, now, retry_after=failure.retry_after
            )
        self._memory.last_errors[link.deployment.name] = failure.kind.value

    def abandoned(self) -> None:
        """Note that the client went away before the current call found anything out."""
        call = self._taken()
        if call.probe:
            self._memory.cooldowns.release(call.link.deployment)

    def failed(self, failure: Failure, now: float) -> None:
        """Note how the current call failed, and decide whether the link is tried again."""
        call = self._taken()
        link, kind = call.link, failure.kind
        moves_on = self._moves_on(kind)
        if failure.reused_closed and not call.fresh:
            # The server had closed the connection before it saw us: no fault of the link.
            self._again = self._repeat(call, now, delay=0.0, fresh=True)
            if self._again is not None:
                return
        blamed = not failure.ours and (kind is not ErrorKind.TIMEOUT or call.whole_timeout)
        if moves_on and blamed:
            self._memory.cooldowns.failed(
                link.deployment, kind, now, retry_after=failure.retry_after, probe=call.probe
            )
        elif call.probe:
            self._memory.cooldowns.release(link.deployment)
        self._note(link, failure, now)
        self._again = self._retry(call, failure, now)
        if self._again is None:
            self._leave(failure, moves_on=moves_on)

    def _taken(self) -> Call:
        call, self._current = self._current, None
        if call is None:
            raise RuntimeError("no call is under way")
        self._memory.quotas.settle(call.link.deployment)
        return call

    def _candidates(self, now: float) -> Iterator[Link]:
        """The links that may be called now, in order; asks for each only when it is needed."""
        while self._remaining:
            link = self._remaining.pop(0)
            skipped = self._skip(link, now)
            if skipped is None:
                yield link
            else:
                self._outcomes[link.number] = skipped
        # Nobody answered: a link that is paused for a fault of its own may be tried all the same.
        for link in self._chain.links:
            outcome = self._outcomes.get(link.number)
            if outcome and outcome.label == COOLING and self._may_probe_early(link, now):
                yield link

    def _may_probe_early(self, link: Link, now: float) -> bool:
        pause = self._memory.cooldowns.pause(link.deployment, now)
        return pause is None or pause.transient

    def _skip(self, link: Link, now: float) -> Outcome | None:
        if not link.deployment.provider.usable:
            return Outcome(link=link, label=KEY_MISSING)
        if not self._fits(link):
            return Outcome(link=link, label=UNFIT)
        pause = self._memory.cooldowns.pause(link.deployment, now)
        if pause is not None:
            return Outcome(link=link, label=COOLING, recovers_in=pause.remaining)
        wait = self._memory.quotas.exhausted_for(link.deployment, self._wall())
        if wait is not None:
            return Outcome(link=link, label=EXHAUSTED, recovers_in=wait)
        return None

    def _fits(self, link: Link) -> bool:
        deployment, needs = link.deployment, self._needs
        if deployment.lane(needs.protocol) is Lane.NONE:
            return False
        capabilities = deployment.model.capabilities
        if capabilities is not None and not needs.capabilities <= capabilities:
            return False
        window = link.max_input_tokens
        too_small = window is not None and needs.input_tokens > 1.2 * window
        return not (too_small and self._toggles.on_context_window)

    def _call(self, link: Link, now: float) -> Call:
        self._calls += 1
        self._retries = 0
        left = self._deadline - now
        call = Call(
            link=link,
            number=self._calls,
            timeout=min(link.timeout, left),
            whole_timeout=link.timeout <= left,
            probe=self._memory.cooldowns.claim(link.deployment),
        )
        self._current = call
        self._memory.quotas.reserve(link.deployment)
        return call

    def _retry(self, call: Call, failure: Failure, now: float) -> Call | None:
        """The same link once more, if its failure allows that."""
        link = call.link
        if failure.kind is ErrorKind.THROTTLE:
            return self._wait_for_last(call, failure, now)
        if self._memory.cooldowns.pause(link.deployment, now) is not None:
            return None
        if failure.sent:
            repeatable = failure.kind is ErrorKind.SERVER and self._needs.repeatable
            allowed = min(1, self._router.num_retries) if repeatable else 0
        else:
            allowed = self._router.num_retries if failure.kind is ErrorKind.CONNECTION else 0
        if self._retries >= allowed:
            return None
        delay = FIRST_BACKOFF * 2**self._retries * self._jitter()
        self._retries += 1
        return self._repeat(call, now, delay=delay)

    def _wait_for_last(self, call: Call, failure: Failure, now: float) -> Call | None:
        wait = failure.retry_after
        is_last = call.link is self._chain.links[-1]
        if not is_last or self._retries or wait is None or wait > LONGEST_WAIT_FOR_LAST_LINK:
            return None
        self._retries += 1
        return self._repeat(call, now, delay=wait)

    def _repeat(self, call: Call, now: float, *, delay: float, fresh: bool = False) -> Call | None:
        left = self._deadline - now - delay
        if left <= 0:
            return None
        self._calls += 1
        deployment = call.link.deployment
        return Call(
            link=call.link,
            number=self._calls,
            delay=delay,
            timeout=min(call.link.timeout, left),
            whole_timeout=call.link.timeout <= left,
            probe=self._memory.cooldowns.claim(deployment) or (fresh and call.probe),
            fresh=fresh or call.fresh,
        )

    def _leave(self, failure: Failure, *, moves_on: bool) -> None:
        unsure = failure.sent and (failure.kind in TRANSIENT)
        if not moves_on or (unsure and not self._needs.repeatable):
            self._passed_on, self._over = failure, True
        elif self._bad_request is not None:
            self._over = True
        elif failure.kind is ErrorKind.BAD_REQUEST:
            self._bad_request = failure

    def _moves_on(self, kind: ErrorKind) -> bool:
        toggles = self._toggles
        if kind in RATE_LIMITED:
            return toggles.on_rate_limit
        if kind is ErrorKind.CONTEXT_WINDOW:
            return toggles.on_context_window
        if kind is ErrorKind.CONTENT_POLICY:
            return toggles.on_content_policy
        return toggles.on_error

    def _note(self, link: Link, failure: Failure, now: float) -> None:
        deployment, kind = link.deployment, failure.kind
        pause = self._memory.cooldowns.pause(deployment, now)
        heals = kind in _HEALS and self._moves_on(kind)
        recovers_in = pause.remaining if pause and heals else (0.0 if heals else None)
        self._outcomes[link.number] = Outcome(
            link=link, label=kind.label, failure=failure, recovers_in=recovers_in
        )
        self._memory.last_errors[deployment.name] = kind.value
        if kind in _NEEDS_MENDING and self._moves_on(kind):
            self._memory.warnings[deployment.provider.name] = _warning(deployment, failure)

    def _verdict(self, now: float) -> Verdict:
        outcomes = tuple(self._refreshed(outcome, now) for outcome in self.outcomes)
        return Verdict(
            passed_on=self._passed_on or self._bad_request or _speaks_for_all(outcomes),
            rate_limited=any(_is_rate_limit(outcome) for outcome in outcomes),
            retry_after=_earliest(outcomes),
            outcomes=outcomes,
        )

    def _refreshed(self, outcome: Outcome, now: float) -> Outcome:
        if outcome.label != COOLING:
            return outcome
        pause = self._memory.cooldowns.pause(outcome.link.deployment, now)
        if pause is None:
            return outcome
        failure = Failure(kind=pause.kind, status=None, message=f"cooling after {pause.kind}")
        return Outcome(
            link=outcome.link, label=COOLING, failure=failure, recovers_in=pause.remaining
        )


def _speaks_for_all(outcomes: tuple[Outcome, ...]) -> Failure | None:
    """The failure that the client gets when no link will recover by itself."""
    if _earliest(outcomes) is not None:
        return None
    called = [o.failure for o in outcomes if o.failure and not o.label.startswith("skipped")]
    for failure in called:
        if failure.kind is ErrorKind.CONTEXT_WINDOW:
            return failure
    return called[0] if called else None


def _earliest(outcomes: tuple[Outcome, ...]) -> float | None:
    times = [outcome.recovers_in for outcome in outcomes if outcome.recovers_in is not None]
    return min(times, default=None)


def _is_rate_limit(outcome: Outcome) -> bool:
    if outcome.label == EXHAUSTED:
        return True
    return outcome.failure is not None and outcome.failure.kind in RATE_LIMITED


def _warning(deployment: Deployment, failure: Failure) -> str:
    what = {
        ErrorKind.AUTH: "refuses the key",
        ErrorKind.PAYMENT: "asks for payment",
        ErrorKind.QUOTA: "says that the quota is used up",
    }[failure.kind]
    return f"{deployment.provider.name} {what}: calls go to the next link"
