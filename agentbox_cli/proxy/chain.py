"""The way of one request down its chain: who is called next, how long, how often, and the end.

Pure decisions: a `Walk` is asked for the next step, told what came of it, and never waits or calls
by itself. It shares `Memory` (cooldowns, quotas, warnings) with the other requests.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol as Shape

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.providers.resolved import Chain, Lane, Link, Router, Toggles
from agentbox_cli.proxy.cooldown import NO_PROBE, TRANSIENT, Cooldowns, Probe
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.verdict import (
    COOLING,
    EXHAUSTED,
    HEALS,
    KEY_MISSING,
    PAUSED,
    PINNED,
    UNFIT,
    Outcome,
    Verdict,
    cause_of,
    judge,
    too_long,
)

FIRST_BACKOFF = 0.1
LONGEST_WAIT_FOR_LAST_LINK = 5.0
# An estimate this much over a window is no matter of how tokens are counted.
SURELY = 1.2
# A link that hangs this long has had its time. The total is by default the sum of the timeouts,
# and a few milliseconds of it are always gone when the last link's turn comes.
NEARLY = 0.9


# Failovers that somebody has to mend: a silently used second link can cost money.
NEEDS_MENDING = frozenset({ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA})


class Needs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request asks of a link.

    Args:
        protocol: what the client speaks.
        capabilities: of `tools` and `vision`, what the request uses.
        input_tokens: a low estimate of the prompt's tokens; 0 if not estimated.
        repeatable: whether it may be sent again once it may have been processed.
        untranslated: whether only a provider that speaks the protocol itself can serve it.
        pinned: the numbers of the links that may serve it; None for any.
    """

    protocol: Protocol
    capabilities: frozenset[str] = frozenset()
    input_tokens: int = 0
    repeatable: bool = True
    untranslated: bool = False
    pinned: frozenset[int] | None = None


@dataclass(slots=True)
class Memory:
    """What requests learn for each other, and the deployments that somebody has paused."""

    cooldowns: Cooldowns
    quotas: Quotas = field(default_factory=Quotas)
    warnings: dict[str, str] = field(default_factory=dict)
    last_errors: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Call this link, after a pause of `delay` seconds, and give it `timeout` seconds.

    Args:
        link: whom to call.
        number: the attempt's number within the request, from 1.
        delay: seconds to wait before.
        timeout: seconds until its first content, or for a unary call its whole answer.
        whole_timeout: whether that is (nearly) all the time this link may have, and not a rest of
            the whole chain's time that says nothing about the link.
        probe: what it holds of the link's probe.
        fresh: whether it must not reuse a connection.
    """

    link: Link
    number: int
    delay: float = 0.0
    timeout: float
    whole_timeout: bool = True
    probe: Probe = NO_PROBE
    fresh: bool = False


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


class Spending(Shape):
    """What a request may spend on the links of its chain."""

    def forbids(self, link: Link) -> Outcome | None:
        """Why a link may not be called; None if it may."""

    def reserve(self, link: Link) -> None:
        """Set aside what a call may cost."""


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
        self._wall = wall
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
            skipped = self._misfit(link) or self._kept_from(link, now) or self._too_dear(link)
            if skipped is None:
                return link
            self._outcomes[link.number] = skipped
        # Nobody answered: a link that cools for a fault of its own may be tried all the same.
        for outcome in self.outcomes:
            early = outcome.label == COOLING and not self._kept_from(outcome.link, now, early=True)
            if early and self._too_dear(outcome.link) is None:
                return self._outcomes.pop(outcome.link.number).link
        return None

    def _may_call_again(self, again: _Again, now: float) -> bool:
        link, delay = again.call.link, again.delay
        in_time = now + delay < self._deadline
        return in_time and not self._kept_from(link, now, delay=delay, early=again.early)

    def _kept_from(
        self, link: Link, now: float, *, delay: float = 0.0, early: bool = False
    ) -> Outcome | None:
        """What keeps a link from being called after `delay` seconds, if anything does."""
        if link.deployment.name in self._memory.paused:
            return Outcome(link=link, label=PAUSED)
        pause = self._memory.cooldowns.pause(link.deployment, now + delay)
        if pause is not None and not (early and pause.transient):
            return Outcome(
                link=link, label=COOLING, failure=cause_of(pause), recovers_in=pause.remaining
            )
        wait = self._memory.quotas.exhausted_for(link.deployment, self._wall() + delay)
        if wait is not None:
            return Outcome(link=link, label=EXHAUSTED, recovers_in=wait)
        return None

    def _too_dear(self, link: Link) -> Outcome | None:
        return self._spending.forbids(link) if self._spending else None

    def _misfit(self, link: Link) -> Outcome | None:
        """What keeps a link from serving this request at all, if anything does."""
        pinned = self._needs.pinned
        if pinned is not None and link.number not in pinned:
            return Outcome(link=link, label=PINNED)
        if not link.deployment.provider.usable:
            return Outcome(link=link, label=KEY_MISSING)
        if not self._fits(link):
            return Outcome(link=link, label=UNFIT)
        window, tokens = link.max_input_tokens, self._needs.input_tokens
        too_small = window is not None and tokens > SURELY * window
        if too_small and self._toggles.on_context_window:
            return Outcome(link=link, label=UNFIT, failure=too_long([link], tokens))
        return None

    def _fits(self, link: Link) -> bool:
        deployment, needs = link.deployment, self._needs
        lane = deployment.lane(needs.protocol)
        if lane is Lane.NONE or (needs.untranslated and lane is not Lane.DIRECT):
            return False
        capabilities = deployment.model.capabilities
        return capabilities is None or needs.capabilities <= capabilities

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


def warning(provider: str, kind: ErrorKind) -> str:
    """What somebody has to mend when calls go to the next link instead of this provider."""
    what = {
        ErrorKind.AUTH: "refuses the key",
        ErrorKind.PAYMENT: "asks for payment",
        ErrorKind.QUOTA: "says that the quota is used up",
    }[kind]
    return f"{provider} {what}: calls go to the next link"
