"""What requests learn for each other: cooldowns, probes, quotas, warnings."""

import pytest

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import KeyState, Toggles
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.verdict import Verdict
from tests.proxy.builders import (
    DAY,
    MINUTE,
    Scene,
    chain,
    deployment,
    failure,
    leaks,
    memory,
    spec,
)

TO_MEND = [ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA]
SHARED = spec("saia", scope=RateLimitScope.ACCOUNT, windows=(MINUTE, DAY))


def two() -> Scene:
    return Scene(chain("first", "second"))


def down(scene: Scene, *numbers: int) -> None:
    """Let links cool for 5 seconds."""
    for number in numbers:
        at = scene.chain.links[number - 1].deployment
        scene.memory.cooldowns.failed(at, ErrorKind.TIMEOUT, scene.now)


def throttle(scene: Scene, number: int, seconds: float) -> None:
    at = scene.chain.links[number - 1].deployment
    scene.memory.cooldowns.failed(at, ErrorKind.THROTTLE, scene.now, retry_after=seconds)


def observe(scene: Scene, number: int, **left: int) -> None:
    headers = {f"x-ratelimit-remaining-{name}": str(count) for name, count in left.items()}
    at = scene.chain.links[number - 1].deployment
    scene.memory.quotas.observe(at, headers, scene.wall())


# Cooling, half-open, and the probe.


def test_a_cooling_link_gets_no_call_while_another_answers() -> None:
    scene = two()
    down(scene, 1)
    for scene.now in (0.0, 2.5, 4.9):
        story = scene.ask()
        assert story.called == [2]
        assert story.labels == ["skipped-cooling"]


def test_when_the_pause_ends_one_request_probes_and_the_others_go_on_skipping() -> None:
    scene = two()
    down(scene, 1)
    scene.now = 5.0
    walks = [scene.walk() for _ in range(4)]
    calls = [scene.call(walk) for walk in walks]
    assert [call.link.number for call in calls] == [1, 2, 2, 2]
    assert [bool(call.probe) for call in calls] == [True, False, False, False]
    walks[0].answered()
    assert scene.ask().called == [1]
    assert not leaks(scene.memory)


def test_a_failed_probe_pauses_at_once_and_for_longer() -> None:
    scene = two()
    down(scene, 1)
    scene.now = 5.0
    story = scene.ask({1: ErrorKind.SERVER})
    assert story.called == [1, 2]
    assert scene.pause(1) == 10.0


@pytest.mark.parametrize("kind", [ErrorKind.CONTEXT_WINDOW, ErrorKind.BAD_REQUEST])
def test_a_probe_that_finds_nothing_out_leaves_the_next_one_to_another(kind: ErrorKind) -> None:
    scene = two()
    down(scene, 1)
    scene.now = 5.0
    assert scene.ask({1: kind}).called == [1, 2]
    walk = scene.walk()
    assert scene.call(walk).probe
    walk.abandoned()
    assert not leaks(scene.memory)


def test_a_probe_whose_class_is_switched_off_is_given_back() -> None:
    scene = Scene(chain("first", "second"), toggles=Toggles(on_error=False))
    down(scene, 1)
    scene.now = 5.0
    scene.ask({1: ErrorKind.AUTH})
    assert not leaks(scene.memory)
    assert scene.pause(1) is None


def test_an_abandoned_call_frees_its_probe_and_its_reservation() -> None:
    scene = Scene(chain(deployment(SHARED), "second"))
    observe(scene, 1, minute=1)
    down(scene, 1)
    scene.now = 5.0
    walk = scene.walk()
    assert scene.call(walk).probe
    assert leaks(scene.memory)
    walk.abandoned()
    assert not leaks(scene.memory)
    assert scene.ask().called == [1]


def test_an_answer_to_an_older_call_does_not_end_a_pause() -> None:
    scene = two()
    walk = scene.walk()
    scene.call(walk)
    down(scene, 1)
    walk.answered()
    assert scene.pause(1) == 5.0


# All links cooling.


def test_when_all_are_down_one_request_probes_each_in_order() -> None:
    scene = two()
    down(scene, 1, 2)
    walk, other, third = scene.walk(), scene.walk(), scene.walk()
    assert scene.call(walk).link.number == 1
    assert scene.call(other).link.number == 2
    verdict = scene.verdict(third)
    assert [outcome.label for outcome in verdict.outcomes] == ["skipped-cooling"] * 2
    assert (verdict.rate_limited, verdict.retry_after) == (False, 5.0)
    walk.answered()
    other.abandoned()
    assert scene.ask().called == [1]


def test_an_early_probe_that_answers_was_not_skipped() -> None:
    scene = two()
    down(scene, 1, 2)
    story = scene.ask({1: ErrorKind.TIMEOUT})
    assert story.served_by == 2
    assert story.labels == ["timeout"]


def test_an_early_probe_that_fails_is_made_once_for_each_link() -> None:
    scene = two()
    down(scene, 1, 2)
    story = scene.ask({1: ErrorKind.SERVER, 2: ErrorKind.SERVER})
    assert story.called == [1, 2]
    assert story.labels == ["server", "server"]
    assert story.end.retry_after == 10.0


@pytest.mark.parametrize(
    ("kind", "limited"),
    [
        (ErrorKind.THROTTLE, True),
        (ErrorKind.QUOTA, True),
        (ErrorKind.AUTH, False),
        (ErrorKind.PAYMENT, False),
        (ErrorKind.FORBIDDEN, False),
        (ErrorKind.NOT_FOUND, False),
    ],
)
def test_no_link_is_called_that_cools_for_a_reason_of_somebody(
    kind: ErrorKind, limited: bool
) -> None:
    scene = two()
    for each in scene.chain.links:
        scene.memory.cooldowns.failed(each.deployment, kind, 0.0)
    story = scene.ask()
    assert story.called == []
    assert story.passed_on is None
    assert story.end.rate_limited is limited
    heals = kind is ErrorKind.THROTTLE
    assert story.end.retry_after == (60.0 if heals else None), "nothing else passes by itself"
    assert story.end.to_mend is (None if heals else kind)
    failures = [outcome.failure for outcome in story.end.outcomes]
    assert [told.kind for told in failures if told] == [kind, kind]


def test_retry_after_is_the_earliest_recovery_of_all_links() -> None:
    scene = two()
    throttle(scene, 1, 40.0)
    throttle(scene, 2, 25.0)
    scene.now = 5.0
    end = scene.ask().end
    assert end.retry_after == 20.0
    assert [outcome.recovers_in for outcome in end.outcomes] == [35.0, 20.0]


def test_a_throttled_link_among_links_that_are_down_makes_it_a_rate_limit() -> None:
    scene = two()
    throttle(scene, 1, 40.0)
    down(scene, 2)
    story = scene.ask({2: ErrorKind.TIMEOUT})
    assert story.called == [2]
    assert story.end.rate_limited
    assert story.end.retry_after == 10.0


def test_a_link_that_is_down_is_not_probed_while_its_provider_refuses_the_key() -> None:
    scene = Scene(chain(deployment("one", "a"), deployment("one", "b")), memory=memory(3_600.0))
    scene.memory.cooldowns.failed(scene.chain.links[1].deployment, ErrorKind.AUTH, 0.0)
    cooling, at = scene.memory.cooldowns, scene.chain.links[0].deployment
    cooling.failed(at, ErrorKind.TIMEOUT, 0.0)
    for now in (5.0, 15.0, 35.0, 75.0, 155.0, 315.0):
        cooling.failed(at, ErrorKind.TIMEOUT, now, probe=cooling.claim(at))
    scene.now = 315.0
    assert scene.ask().called == []


def test_a_link_that_is_down_is_not_probed_early_without_quota() -> None:
    scene = Scene(chain(deployment(SHARED)))
    down(scene, 1)
    observe(scene, 1, minute=0)
    story = scene.ask()
    assert story.called == []
    assert story.end.outcomes[0].label == "skipped-cooling"


# Streams that break.


def broken_stream(scene: Scene, how: ErrorKind) -> None:
    walk = scene.walk()
    call = scene.call(walk)
    walk.answered()
    walk.broke(call.link, failure(how), scene.now)


def test_a_stream_that_stops_pauses_its_link() -> None:
    scene = two()
    broken_stream(scene, ErrorKind.TIMEOUT)
    assert scene.pause(1) == 5.0
    assert scene.memory.last_errors == {"first/one": "timeout"}
    assert not leaks(scene.memory)


def test_a_stream_that_breaks_counts_as_one_failure() -> None:
    scene = two()
    broken_stream(scene, ErrorKind.SERVER)
    assert scene.pause(1) is None
    story = scene.ask({1: [ErrorKind.SERVER]})
    assert story.called == [1, 2]
    assert scene.pause(1) == 5.0


def test_a_broken_stream_pauses_nothing_when_its_class_is_switched_off() -> None:
    scene = Scene(chain("first", "second"), toggles=Toggles(on_error=False))
    broken_stream(scene, ErrorKind.TIMEOUT)
    assert scene.pause(1) is None


# Quotas.


def test_a_window_with_nothing_left_skips_the_link_before_a_429() -> None:
    scene = Scene(chain(deployment(SHARED), "second"))
    observe(scene, 1, minute=0)
    story = scene.ask()
    assert story.called == [2]
    assert story.labels == ["skipped-exhausted"]


def test_a_chain_that_is_exhausted_is_a_rate_limit_until_the_window_ends() -> None:
    scene = Scene(chain(deployment(SHARED, "a"), deployment(SHARED, "b")))
    observe(scene, 1, minute=0)
    story = scene.ask()
    assert story.called == []
    assert story.end.rate_limited
    assert story.end.retry_after == 40.0  # the clock says 20 s past the minute
    scene.now = 40.0
    assert scene.ask().called == [1]


def test_parallel_requests_do_not_share_the_last_of_a_quota() -> None:
    scene = Scene(chain(deployment(SHARED, "a"), deployment(SHARED, "b")))
    observe(scene, 1, minute=3, day=100)
    walks = [scene.walk() for _ in range(20)]
    steps = [scene.step(walk) for walk in walks]
    assert sum(isinstance(step, Call) for step in steps) == 3
    assert all(step.rate_limited for step in steps if isinstance(step, Verdict))
    for walk, step in zip(walks, steps, strict=True):
        if isinstance(step, Call):
            walk.answered()
    assert not leaks(scene.memory)


def test_a_retry_is_not_made_on_the_last_of_a_quota_that_another_took() -> None:
    scene = Scene(chain(deployment(SHARED), "second"))
    observe(scene, 1, minute=5)
    walk = scene.walk()
    scene.call(walk)
    observe(scene, 1, minute=0)
    scene.fail(walk, ErrorKind.SERVER)
    assert scene.call(walk).link.number == 2


@pytest.mark.parametrize(("left", "calls"), [({"minute": 0}, 2), ({"minute": 0, "day": 0}, 1)])
def test_the_last_link_waits_for_a_quota_that_will_be_there_by_then(
    left: dict[str, int], calls: int
) -> None:
    scene = Scene(chain(deployment(SHARED)), now=37.0)  # the minute ends in 3 seconds
    walk = scene.walk()
    scene.call(walk)
    observe(scene, 1, **left)
    scene.fail(walk, failure(ErrorKind.THROTTLE, retry_after=3.0))
    assert isinstance(scene.step(walk), Call) is (calls == 2)
    assert scene.wall() % 60 == 57.0


# Warnings and last errors.


@pytest.mark.parametrize("kind", TO_MEND)
def test_what_somebody_has_to_mend_warns_until_the_next_success(kind: ErrorKind) -> None:
    scene = two()
    scene.ask({1: kind})
    (warning,) = scene.memory.warnings.values()
    assert warning.startswith("first ")
    scene.ask()  # the second link's answer mends nothing
    assert scene.memory.warnings
    scene.now = 600.0
    assert scene.ask().served_by == 1
    assert scene.memory.warnings == {}


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind not in TO_MEND])
def test_nothing_else_warns(kind: ErrorKind) -> None:
    scene = two()
    scene.ask({1: kind})
    assert scene.memory.warnings == {}
    assert scene.memory.last_errors == {"first/one": kind.label}


def test_links_that_were_skipped_have_no_error() -> None:
    scene = Scene(chain(deployment("first", key=KeyState.MISSING), "second"))
    scene.ask()
    assert scene.memory.last_errors == {}


# Paused by hand.


def test_a_paused_link_is_passed_over_until_it_goes_on() -> None:
    scene = two()
    scene.memory.paused.add("first/one")
    story = scene.ask()
    assert (story.called, story.labels) == ([2], ["skipped-paused"])
    scene.memory.paused.discard("first/one")
    assert scene.ask().called == [1]


def test_a_paused_link_is_never_probed() -> None:
    scene = two()
    down(scene, 1, 2)
    scene.memory.paused.add("first/one")
    assert scene.ask().called == [2], "a cooling link is probed early, a paused one is not"
    scene.memory.paused.add("second/one")
    story = scene.ask()
    assert (story.called, story.labels) == ([], ["skipped-paused", "skipped-paused"])
    assert (story.end.rate_limited, story.end.retry_after) == (False, None)
    assert leaks(scene.memory) == []


def test_a_link_that_is_paused_meanwhile_is_not_tried_again() -> None:
    scene = two()
    walk = scene.walk()
    scene.call(walk)
    scene.memory.paused.add("first/one")
    scene.fail(walk, ErrorKind.SERVER)
    assert scene.call(walk).link.number == 2
