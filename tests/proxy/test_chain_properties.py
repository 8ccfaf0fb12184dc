"""Whatever happens, in whatever order, on up to four requests at once."""

from collections import Counter
from dataclasses import dataclass, field

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Chain, KeyState, Router, Toggles
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
    leaks,
    link,
    memory,
    provider,
    spec,
)

WALKS = 4
# More steps than any four requests can take.
MOST_STEPS = 600
TRANSIENT = {ErrorKind.SERVER, ErrorKind.TIMEOUT, ErrorKind.CONNECTION}

PROVIDERS = st.builds(
    lambda name, scope, windows, key: provider(spec(name, scope=scope, windows=windows), key=key),
    st.sampled_from(["alpha", "beta"]),
    st.sampled_from(RateLimitScope),
    st.sampled_from([(), (MINUTE, DAY)]),
    st.sampled_from([KeyState.SET, KeyState.SET, KeyState.NOT_NEEDED, KeyState.MISSING]),
)


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    shared = {each.name: each for each in draw(st.lists(PROVIDERS, min_size=1, max_size=2))}
    number = draw(st.integers(1, 5))
    return chain(
        *(
            link(
                1,
                deployment(
                    draw(st.sampled_from(list(shared.values()))), draw(st.sampled_from("abcde"))
                ),
                timeout=draw(st.sampled_from([1.0, 30.0, 120.0])),
            )
            for _ in range(number)
        )
    )


FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(ErrorKind),
    status=st.none(),
    message=st.just("it failed"),
    retry_after=st.sampled_from([None, 0.0, 1.0, 5.0, 30.0, 1e5]),
    sent=st.booleans(),
    reused_closed=st.booleans(),
)
EVENTS = st.one_of(
    st.just("answer"), st.just("abandon"), st.just("break"), FAILURES, FAILURES, FAILURES
)
TOGGLES = st.builds(
    Toggles,
    on_rate_limit=st.booleans(),
    on_context_window=st.booleans(),
    on_error=st.booleans(),
    on_content_policy=st.booleans(),
)
ROUTERS = st.builds(
    Router,
    num_retries=st.integers(0, 10),
    total_timeout=st.sampled_from([None, 3.0, 200.0]),
)
SCENES = st.builds(
    Scene,
    chain=chains(),
    toggles=TOGGLES,
    router=ROUTERS,
    memory=st.sampled_from([0.0, 3.0, 60.0, 3_600.0]).map(memory),
)
# Which request goes on, what becomes of its call, what passes until then, what quota is told.
MOVES = st.lists(
    st.tuples(
        st.integers(0, WALKS - 1),
        EVENTS,
        st.sampled_from([0.0, 0.0, 0.1, 1.0, 5.0, 61.0, 700.0]),
        st.sampled_from([None, None, None, 0, 1, 2]),
    ),
    min_size=40,  # by itself, Hypothesis prefers lists in which hardly anything happens
    max_size=80,
)


@dataclass
class Request:
    """A request under way, as its client's handler sees it."""

    walk: Walk
    call: Call | None = None
    calls: Counter[int] = field(default_factory=Counter)
    over: bool = False


class Watched:
    """Drives requests, and checks every call that is made."""

    def __init__(self, scene: Scene, *, repeatable: bool) -> None:
        self.scene = scene
        self.needs = msgspec.structs.replace(CHAT, repeatable=repeatable)
        self.requests = [Request(scene.walk(self.needs)) for _ in range(WALKS)]
        self.unsure: set[int] = set()

    def go_on(self, number: int, event: str | Failure) -> None:
        request = self.requests[number]
        if request.over:
            request = self.requests[number] = Request(self.scene.walk(self.needs))
            self.unsure.discard(number)
        if request.call is not None:
            self.end_call(number, request, event)
        if not request.over:
            self.begin_call(number, request)

    def end_call(self, number: int, request: Request, event: str | Failure) -> None:
        call, request.call = request.call, None
        assert call is not None
        if isinstance(event, Failure):
            request.walk.failed(event, self.scene.now)
            if event.sent and event.kind in TRANSIENT and not self.needs.repeatable:
                self.unsure.add(number)
            return
        request.over = True
        if event == "abandon":
            request.walk.abandoned()
            return
        request.walk.answered()
        if event == "break":
            broken = Failure(kind=ErrorKind.SERVER, status=None, message="it broke")
            request.walk.broke(call.link, broken, self.scene.now)

    def begin_call(self, number: int, request: Request) -> None:
        now = self.scene.now
        before = {
            key: (entry.kind, entry.until)
            for key, entry in self.scene.memory.cooldowns._entries.items()
            if entry.kind is not None
        }
        step = request.walk.next(now)
        if isinstance(step, Verdict):
            request.over = True
            return
        request.call = step
        request.calls[step.link.number] += 1
        assert number not in self.unsure
        assert request.calls[step.link.number] <= self.most_calls
        assert step.link.deployment.provider.usable
        assert 0 < step.timeout <= step.link.timeout
        at = step.link.deployment
        for kind, until in filter(None, map(before.get, (at.name, at.provider.name))):
            assert until <= now + step.delay or kind in TRANSIENT
        self.check_probes(step)

    def check_probes(self, step: Call) -> None:
        if self.scene.memory.cooldowns.pause(step.link.deployment, self.scene.now) is not None:
            assert step.probe
        held = [key for each in self.requests if each.call for key in each.call.probe]
        assert len(held) == len(set(held))

    @property
    def most_calls(self) -> int:
        # The first, its retries or one wait, and one for a reused connection.
        return 1 + max(self.scene.router.num_retries, 1) + 1


@given(scene=SCENES, moves=MOVES, repeatable=st.booleans())
def test_every_request_ends_holds_nothing_and_respects_what_cools(
    scene: Scene,
    moves: list[tuple[int, str | Failure, float, int | None]],
    repeatable: bool,
) -> None:
    watched = Watched(scene, repeatable=repeatable)
    for number, event, passed, left in moves:
        scene.now += passed
        if left is not None:
            at = scene.chain.links[number % len(scene.chain.links)].deployment
            scene.memory.quotas.observe(at, {MINUTE.remaining_header: str(left)}, scene.wall())
        watched.go_on(number, event)
    still = Failure(kind=ErrorKind.SERVER, status=None, message="it failed", sent=False)
    for number, request in enumerate(watched.requests):
        for _ in range(MOST_STEPS):
            if request.over:
                break
            watched.go_on(number, still)
        assert request.over
    assert leaks(scene.memory) == []


@given(scene=SCENES, how=st.lists(FAILURES, min_size=1, max_size=20))
def test_a_single_request_ends_whatever_fails(scene: Scene, how: list[Failure]) -> None:
    walk = scene.walk()
    steps = 0
    while isinstance(step := walk.next(scene.now), Call):
        scene.now += step.delay
        walk.failed(how[steps % len(how)], scene.now)
        steps += 1
        assert steps < MOST_STEPS
    assert [outcome.link.number for outcome in step.outcomes] == sorted(
        outcome.link.number for outcome in step.outcomes
    )
    assert step.retry_after is None or step.retry_after >= 0
    assert leaks(scene.memory) == []


# How long a call takes, as a part of the time it was given.
DURATIONS = st.sampled_from([0.0, 0.001, 0.5, 0.999, 1.0])
PATIENT = st.builds(
    Router,
    num_retries=st.integers(0, 10),
    total_timeout=st.sampled_from([None, 0.05, 3.0, 30.0, 200.0, 1_000.0]),
)


@given(
    scene=SCENES,
    router=PATIENT,
    how=st.lists(st.tuples(FAILURES, DURATIONS), min_size=1, max_size=20),
    answers_at=st.integers(0, 30),
    jitter=st.sampled_from([0.5, 0.75, 1.0]),
)
def test_no_request_takes_longer_than_its_total_time(
    scene: Scene,
    router: Router,
    how: list[tuple[Failure, float]],
    answers_at: int,
    jitter: float,
) -> None:
    scene.router, scene.jitter = router, jitter
    began = scene.now
    total = router.total_timeout or sum(link.timeout for link in scene.chain.links)
    walk, calls = scene.walk(), Counter[int]()
    while isinstance(step := walk.next(scene.now), Call):
        calls[step.link.number] += 1
        failed, part = how[sum(calls.values()) % len(how)]
        scene.now += step.delay + part * step.timeout
        assert scene.now - began <= total * (1 + 1e-9)
        if sum(calls.values()) > answers_at:
            walk.answered()
            break
        timed_out = Failure(kind=ErrorKind.TIMEOUT, status=None, message="no answer in time")
        walk.failed(timed_out if part == 1.0 else failed, scene.now)
    assert scene.now - began <= total * (1 + 1e-9)


@given(scene=SCENES, later=st.lists(st.sampled_from([0.0, 1.0, 4.9]), max_size=6))
def test_a_link_that_hangs_costs_its_own_time_once_and_then_nothing(
    scene: Scene, later: list[float]
) -> None:
    scene.toggles = Toggles()
    scene.router = Router(total_timeout=10_000.0)
    hangs = scene.chain.links[0].deployment
    waited = 0.0
    for pause in [0.0, *later]:
        scene.now += pause
        if waited and scene.memory.cooldowns.pause(hangs, scene.now) is None:
            return  # its cooldown is over: a probe is its right
        walk = scene.walk()
        while isinstance(step := walk.next(scene.now), Call):
            if step.link.deployment is not hangs:
                walk.answered()
                break
            waited += step.timeout
            scene.now += step.timeout
            walk.failed(Failure(kind=ErrorKind.TIMEOUT, status=None, message="hangs"), scene.now)
        else:
            return  # where no other can answer, it may be tried again
    assert waited <= max(link.timeout for link in scene.chain.links if link.deployment is hangs)
