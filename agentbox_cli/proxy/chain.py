"""The way of one request down its chain: who is called next, how long, how often, and the end.

Pure decisions: a `Walk` is asked for the next step, told what came of it, and never waits or calls
by itself. It shares `Memory` (cooldowns, quotas, warnings) with the other requests.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Chain, Link, Router, Toggles
from agentbox_cli.proxy.call import Call, Needs
from agentbox_cli.proxy.cooldown import TRANSIENT
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.memory import NEEDS_MENDING, Memory, warning
from agentbox_cli.proxy.obstacles import Obstacles, Spending
from agentbox_cli.proxy.verdict import (
    COOLING,
    HEALS,
    Outcome,
    Verdict,
    cause_of,
    judge,
)

FIRST_BACKOFF = 0.1
LONGEST_WAIT_FOR_LAST_LINK = 5.0
# A link that hangs this long has had its time. The total is by default the sum of the timeouts,
# and a few milliseconds of it are always gone when the last link's turn comes.
NEARLY = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """The same link once more; if that cannot be any more, `failure` is its last word.

    Args:
        call: what failed.
        failure: how.
        delay: seconds to wait before.
        fresh: whether the next call must not reuse a connection.
    """

    call: Call
    failure: Failure
    delay: float
    fresh: bool

    @property
    def early(self) -> bool:
        """Whether it goes on with a probe of a link that is still cooling."""
        return bool(self.call.probe) and self.fresh and not self.call.fresh


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
        spending: what it may spend; None if nothing limits it.
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
        spending: Spending | None = None,
    ) -> None:
        self._chain = chain
        self._needs = needs
        self._router = router
        self._toggles = toggles
        self._memory = memory
        self._obstacles = Obstacles(
            needs=needs, toggles=toggles, memory=memory, wall=wall, spending=spending
        )
        self._jitter = jitter
        self._spending = spending
        total = router.total_timeout or sum(link.timeout for link in chain.links)
        self._deadline = now + total
        self._outcomes: dict[int, Outcome] = {}
        self._remaining = list(chain.links)
        self._again: _Again | None = None
        self._current: Call | None = None
        self._calls = 0
        self._retries = 0
        self._bad_request: Failure | None = None
        self._passed_on: Failure | None = None
        self._over = False

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each link so far, in the order of the chain."""
        known = self._outcomes
        return tuple(known[number] for number in sorted(known)) if known else ()

    def next(self, now: float) -> Call | Verdict:
        """Say what to do next."""
        again, self._again = self._again, None
        if again is not None:
            if self._may_call_again(again, now):
                return self._call(again.call.link, now, delay=again.delay, fresh=again.fresh)
            self._leave(again.call.link, again.failure)
        over = self._over or now >= self._deadline
        link = None if over else self._candidate(now)
        return self._verdict(now) if link is None else self._call(link, now)

    def answered(self) -> None:
        """Note the first content of the current call."""
        call = self._taken()
        deployment = call.link.deployment
        self._outcomes.pop(call.link.number, None)  # a retry answered
        self._memory.cooldowns.succeeded(deployment, probe=call.probe)
        if warnings := self._memory.warnings:
            for name in (deployment.name, deployment.provider.name):
                warnings.pop(name, None)

    def broke(self, link: Link, failure: Failure, now: float) -> None:
        """Note that a stream failed after its first content; it is too late to move on."""
        if self._toggles.move_on(failure.kind) and not failure.ours:
            self._memory.cooldowns.failed(
                link.deployment,
                failure.kind,
                now,
                retry_after=failure.retry_after,
                message=failure.message,
            )
        self._memory.last_errors[link.deployment.name] = failure.kind.label

    def abandoned(self) -> None:
        """Note that the client went away before the current call found anything out."""
        self._memory.cooldowns.release(self._taken().probe)

    def failed(self, failure: Failure, now: float) -> None:
        """Note how the current call failed, and decide whether the link is tried again."""
        call = self._taken()
        no_fault = failure.reused_closed and not call.fresh
        if no_fault:
            # The server had closed the connection before it saw us: no fault of the link.
            self._memory.cooldowns.release(call.probe)
            delay = 0.0 if self._may_repeat(failure) else None
        else:
            self._count(call, failure, now)
            delay = self._retry_delay(call, failure)
        if delay is None:
            self._leave(call.link, failure)
        else:
            fresh = call.fresh or no_fault
            self._again = _Again(call=call, failure=failure, delay=delay, fresh=fresh)

    def _taken(self) -> Call:
        call, self._current = self._current, None
        if call is None:
            raise RuntimeError("no call is under way")
        self._memory.quotas.settle(call.link.deployment)
        return call

    def _count(self, call: Call, failure: Failure, now: float) -> None:
        kind = failure.kind
        waited = kind is ErrorKind.TIMEOUT and failure.status is None and failure.sent
        cut_short = waited and not call.whole_timeout
        if self._toggles.move_on(kind) and not cut_short and not failure.ours:
            self._memory.cooldowns.failed(
                call.link.deployment,
                kind,
                now,
                retry_after=failure.retry_after,
                message=failure.message,
                probe=call.probe,
            )
        else:
            self._memory.cooldowns.release(call.probe)
        self._note(call.link, failure)

    def _candidate(self, now: float) -> Link | None:
        """The next link in order that may be called now."""
        while self._remaining:
            link = self._remaining.pop(0)
            skipped = self._obstacles.before(link, now)
            if skipped is None:
                return link
            self._outcomes[link.number] = skipped
        # Nobody answered: a link that cools for a fault of its own may be tried all the same.
        for outcome in self.outcomes:
            if outcome.label == COOLING and self._obstacles.gives_way(outcome.link, now):
                return self._outcomes.pop(outcome.link.number).link
        return None

    def _may_call_again(self, again: _Again, now: float) -> bool:
        link, delay = again.call.link, again.delay
        in_time = now + delay < self._deadline
        return in_time and not self._obstacles.kept_from(link, now, delay=delay, early=again.early)

    def _call(self, link: Link, now: float, *, delay: float = 0.0, fresh: bool = False) -> Call:
        self._calls += 1
        left = self._deadline - now - delay
        self._memory.quotas.reserve(link.deployment)
        if self._spending is not None:
            self._spending.reserve(link)
        self._current = Call(
            link=link,
            number=self._calls,
            delay=delay,
            timeout=min(link.timeout, left),
            whole_timeout=left >= NEARLY * link.timeout,
            probe=self._memory.cooldowns.claim(link.deployment),
            fresh=fresh,
        )
        return self._current

    def _retry_delay(self, call: Call, failure: Failure) -> float | None:
        """Seconds until the same link may be called again; None if it may not be."""
        if failure.ours:
            return None
        if failure.kind is ErrorKind.THROTTLE:
            return self._wait_for_last(call, failure)
        if failure.sent:
            repeated = failure.kind is ErrorKind.SERVER and self._needs.repeatable
            allowed = min(1, self._router.num_retries) if repeated else 0
        else:
            allowed = self._router.num_retries if failure.kind is ErrorKind.CONNECTION else 0
        if self._retries >= allowed:
            return None
        self._retries += 1
        return FIRST_BACKOFF * 2.0 ** (self._retries - 1) * self._jitter()

    def _wait_for_last(self, call: Call, failure: Failure) -> float | None:
        wait = failure.retry_after
        is_last = call.link is self._chain.links[-1]
        if not is_last or self._retries or wait is None or wait > LONGEST_WAIT_FOR_LAST_LINK:
            return None
        self._retries += 1
        return wait

    def _may_repeat(self, failure: Failure) -> bool:
        """Whether it does no harm if the provider had taken the request after all."""
        return self._needs.repeatable or not (failure.sent and failure.kind in TRANSIENT)

    def _leave(self, link: Link, failure: Failure) -> None:
        """Be done with a link: `failure` is its last word."""
        self._retries = 0
        self._note(link, failure)
        if self._bad_request is not None:
            self._over = True
        elif not self._toggles.move_on(failure.kind) or not self._may_repeat(failure):
            self._passed_on, self._over = failure, True
        elif failure.kind is ErrorKind.BAD_REQUEST:
            self._bad_request = failure

    def _note(self, link: Link, failure: Failure) -> None:
        deployment, kind = link.deployment, failure.kind
        self._outcomes[link.number] = Outcome(link=link, label=kind.label, failure=failure)
        self._memory.last_errors[deployment.name] = kind.label
        if kind in NEEDS_MENDING and self._toggles.move_on(kind):
            provider = deployment.provider.name
            self._memory.warnings[provider] = warning(provider, kind)

    def _verdict(self, now: float) -> Verdict:
        outcomes = tuple(self._refreshed(outcome, now) for outcome in self.outcomes)
        settled = self._passed_on or self._bad_request
        return judge(outcomes, settled, self._needs.input_tokens)

    def _refreshed(self, outcome: Outcome, now: float) -> Outcome:
        """An outcome with what is left of its link's cooldown by now."""
        pause = self._memory.cooldowns.pause(outcome.link.deployment, now)
        remaining = pause.remaining if pause else 0.0
        if outcome.label == COOLING:
            return replace(outcome, failure=cause_of(pause), recovers_in=remaining)
        if outcome.failure is not None and outcome.failure.ours:
            return replace(outcome, recovers_in=outcome.failure.retry_after)
        if outcome.failure is not None and outcome.failure.kind in HEALS:
            return replace(outcome, recovers_in=remaining)
        return outcome
