"""Several requests at once, in any order, with cancellations, while the clock moves."""

import math
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Deployment, Router, Toggles
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.chain import Walk
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.verdict import Verdict
from tests.proxy.builders import (
    CHAT,
    DAY,
    MINUTE,
    Scene,
    chain,
    deployment,
    failure,
    leaks,
    provider,
    spec,
)

AT_ONCE = 6
LONGEST = 600.0
USUAL = 60.0
MOMENT = 1e-6
BY_ACCOUNT = provider(spec("beta", scope=RateLimitScope.ACCOUNT, windows=(MINUTE, DAY)))
BY_MODEL = provider(spec("alpha", windows=(MINUTE,)))
DEPLOYMENTS = [deployment(at, model) for at in (BY_MODEL, BY_ACCOUNT) for model in "xyz"]
ALONE_BY_PROVIDER = {ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA}
ALONE_BY_MODEL = {ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND}

FAILURES = st.builds(
    failure,
    kind=st.sampled_from(ErrorKind),
    retry_after=st.sampled_from([None, 1.0, 5.0, 30.0, 1e5]),
    sent=st.booleans(),
)
OFTEN = st.sampled_from(
    [
        failure(ErrorKind.THROTTLE, retry_after=5.0),
        failure(ErrorKind.THROTTLE, retry_after=30.0),
        failure(ErrorKind.TIMEOUT),
        failure(ErrorKind.SERVER),
        failure(ErrorKind.AUTH),
        failure(ErrorKind.CONNECTION, reused_closed=True),
    ]
)
MOSTLY = st.sampled_from([True, True, True, False])
WHICH = st.integers(0, AT_ONCE - 1)


@dataclass
class Request:
    """A request under way."""

    walk: Walk
    call: Call | None
    begins: float = 0.0
    called: list[int] = field(default_factory=list)

    @property
    def under_way(self) -> Call:
        assert self.call is not None
        return self.call


class Requests(RuleBasedStateMachine):
    """What six clients may do to one chain, and what must hold after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(chain("unused"))
        self.requests: dict[int, Request] = {}
        self.asked = 0
        # What was promised, kept by the test alone: key to the time, and who may break it.
        self.promised: dict[str, float] = {}

    @initialize(
        links=st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=3, unique_by=id),
        toggles=st.builds(Toggles, on_rate_limit=MOSTLY, on_error=MOSTLY),
        retries=st.integers(0, 3),
    )
    def begin(self, links: list[Deployment], toggles: Toggles, retries: int) -> None:
        self.scene = Scene(chain(*links), toggles=toggles, router=Router(num_retries=retries))

    @precondition(lambda self: len(self.requests) < AT_ONCE)
    @rule()
    def ask(self) -> None:
        number = self.asked = self.asked + 1
        self.requests[number] = Request(self.scene.walk(CHAT), None)
        self.go_on(number)

    @precondition(lambda self: len(self.requests) < AT_ONCE)
    @rule(how=OFTEN)
    def ask_and_fail(self, how: Failure) -> None:
        self.ask()
        if self.asked in self.requests:
            self.fail(len(self.requests) - 1, how)

    @precondition(lambda self: self.requests)
    @rule(which=WHICH)
    def answer(self, which: int) -> None:
        request = self.requests.pop(self.one_of(which))
        self.pass_the_delay(request)
        for key in request.under_way.probe:
            self.promised.pop(key, None)
        request.walk.answered()

    @precondition(lambda self: self.requests)
    @rule(which=WHICH, how=st.one_of(FAILURES, OFTEN))
    def fail(self, which: int, how: Failure) -> None:
        number = self.one_of(which)
        request = self.requests[number]
        self.pass_the_delay(request)
        call = request.under_way
        if not (how.reused_closed and not call.fresh):
            self.promise(call, how)
        request.walk.failed(how, self.scene.now)
        self.go_on(number)

    @precondition(lambda self: self.requests)
    @rule(which=WHICH)
    def hang_up(self, which: int) -> None:
        self.requests.pop(self.one_of(which)).walk.abandoned()

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.9, 5.0, 16.0, 29.0, 61.0, 601.0]))
    def wait(self, seconds: float) -> None:
        self.scene.now += seconds

    @rule(at=st.sampled_from(DEPLOYMENTS), left=st.sampled_from([0, 1, 2, 50, 50, 50]))
    def hear_of_quota(self, at: Deployment, left: int) -> None:
        told = {MINUTE.remaining_header: str(left)}
        self.scene.memory.quotas.observe(at, told, self.scene.wall())

    def pass_the_delay(self, request: Request) -> None:
        """No call ends before it began."""
        self.scene.now = max(self.scene.now, request.begins)

    def one_of(self, which: int) -> int:
        return list(self.requests)[which % len(self.requests)]

    def go_on(self, number: int) -> None:
        request = self.requests[number]
        step = request.walk.next(self.scene.now)
        if isinstance(step, Verdict):
            del self.requests[number]
            return
        request.call, request.begins = step, self.scene.now + step.delay
        request.called.append(step.link.number)
        self.check(step)
        # The first, its retries or the one wait, and the one on a fresh connection.
        most = 2 + max(self.scene.router.num_retries, 1)
        assert request.called.count(step.link.number) <= most

    def promise(self, call: Call, how: Failure) -> None:
        """Note until when nobody may call what just failed; only for what is no passing fault."""
        toggles, kind, now = self.scene.toggles, how.kind, self.scene.now
        limited = kind in {ErrorKind.THROTTLE, ErrorKind.QUOTA}
        if not (toggles.on_rate_limit if limited else toggles.on_error):
            return
        at = call.link.deployment
        by_account = at.provider.spec.rate_limit_scope is RateLimitScope.ACCOUNT
        if kind is ErrorKind.THROTTLE:
            asked = USUAL if how.retry_after is None else how.retry_after
            key, seconds = at.provider.name if by_account else at.name, min(asked, LONGEST)
        elif kind in ALONE_BY_PROVIDER or kind in ALONE_BY_MODEL:
            key = at.provider.name if kind in ALONE_BY_PROVIDER else at.name
            seconds = LONGEST
        else:
            return
        before = 0.0 if key in call.probe else self.promised.get(key, 0.0)
        self.promised[key] = max(before, now + seconds)

    def check(self, call: Call) -> None:
        at, begins = call.link.deployment, self.scene.now + call.delay
        for key in (at.name, at.provider.name):
            assert self.promised.get(key, -math.inf) <= begins + MOMENT
        # Nobody follows where another one probes.
        probed = {
            key
            for each in self.requests.values()
            if each.call is not None and each.call is not call
            for key in each.call.probe
        }
        assert probed.isdisjoint({at.name, at.provider.name})
        paused = self.scene.memory.cooldowns.pause(at, begins - MOMENT)
        assert paused is None or call.probe or call.delay

    @invariant()
    def one_probe_at_most_is_in_flight(self) -> None:
        held = [key for each in self.requests.values() for key in each.under_way.probe]
        assert len(held) == len(set(held))
        probing = {k for k, e in self.scene.memory.cooldowns._entries.items() if e.probing}
        assert probing == set(held)

    @invariant()
    def reservations_are_the_calls_in_flight(self) -> None:
        in_flight = self.scene.memory.quotas._in_flight
        assert sum(in_flight.values()) == len(self.requests)

    @precondition(lambda self: not self.requests)
    @invariant()
    def nothing_is_held_when_nobody_asks(self) -> None:
        assert leaks(self.scene.memory) == []

    def teardown(self) -> None:
        for request in self.requests.values():
            request.walk.abandoned()
        assert leaks(self.scene.memory) == []


Requests.TestCase.settings = settings(max_examples=400, stateful_step_count=60, deadline=None)
test_whatever_many_requests_do_what_was_promised_holds = Requests.TestCase
