"""One request: who is called, how often, and what the client gets."""

from dataclasses import replace

import msgspec
import pytest

from agentbox_cli.providers.model import ErrorKind, ModelKind, ModelSpec, Protocol
from agentbox_cli.providers.resolved import Deployment, KeyState, Router, Toggles
from agentbox_cli.proxy.call import Call, Needs
from agentbox_cli.proxy.chain import Walk
from agentbox_cli.proxy.cooldown import NO_PROBE
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.verdict import Verdict
from tests.proxy.builders import (
    CHAT,
    REFUSED,
    REUSED_CLOSED,
    Scene,
    chain,
    deployment,
    failure,
    leaks,
    link,
    provider,
    spec,
)

TOGGLE_OF = {
    ErrorKind.THROTTLE: "on_rate_limit",
    ErrorKind.QUOTA: "on_rate_limit",
    ErrorKind.CONTEXT_WINDOW: "on_context_window",
    ErrorKind.CONTENT_POLICY: "on_content_policy",
}
ON, OFF = True, False
LATE = replace(REUSED_CLOSED, reused_closed=False)


def toggles(kind: ErrorKind, *, on: bool) -> Toggles:
    """All toggles the other way round, so that the wrong one shows."""
    name = TOGGLE_OF.get(kind, "on_error")
    return Toggles(
        **{
            each: on if each == name else not on
            for each in ("on_rate_limit", "on_context_window", "on_error", "on_content_policy")
        }
    )


def two(**given: object) -> Scene:
    return Scene(chain("first", "second"), **given)  # type: ignore[arg-type]  # fields of Scene


# The calls that the first link's failure leads to with its toggle on, and off.
CALLS = {
    ErrorKind.THROTTLE: ([1, 2], [1]),
    ErrorKind.QUOTA: ([1, 2], [1]),
    ErrorKind.CONTEXT_WINDOW: ([1, 2], [1]),
    ErrorKind.SERVER: ([1, 1, 2], [1, 1]),
    ErrorKind.TIMEOUT: ([1, 2], [1]),
    ErrorKind.CONNECTION: ([1, 2], [1]),
    ErrorKind.AUTH: ([1, 2], [1]),
    ErrorKind.FORBIDDEN: ([1, 2], [1]),
    ErrorKind.NOT_FOUND: ([1, 2], [1]),
    ErrorKind.PAYMENT: ([1, 2], [1]),
    ErrorKind.UNSUPPORTED: ([1, 2], [1]),
    ErrorKind.BAD_REQUEST: ([1, 2], [1]),
    ErrorKind.CONTENT_POLICY: ([1, 2], [1]),
}
# What then rests: the link, after so many calls, and another model of its provider.
RESTS = {
    ErrorKind.THROTTLE: (1, 60.0, None),
    ErrorKind.QUOTA: (1, 600.0, 600.0),
    ErrorKind.SERVER: (2, 5.0, None),
    ErrorKind.TIMEOUT: (1, 5.0, None),
    ErrorKind.CONNECTION: (2, 5.0, None),
    ErrorKind.AUTH: (1, 600.0, 600.0),
    ErrorKind.FORBIDDEN: (1, 600.0, None),
    ErrorKind.NOT_FOUND: (1, 600.0, None),
    ErrorKind.PAYMENT: (1, 600.0, 600.0),
}


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_failure_moves_on_when_its_toggle_is_on(kind: ErrorKind) -> None:
    story = two(toggles=toggles(kind, on=ON)).ask({1: kind})
    assert story.called == CALLS[kind][0]
    assert story.served_by == 2
    assert story.labels == [kind.label]


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_failure_that_moves_on_pauses_what_it_speaks_for(kind: ErrorKind) -> None:
    scene = two(toggles=toggles(kind, on=ON))
    sibling = deployment("first", "sibling")
    needed, link_rests, account_rests = RESTS.get(kind, (1, None, None))
    calls = 0
    while calls < needed:
        assert scene.pause(1) is None
        calls += scene.ask({1: kind}).called.count(1)
    assert scene.pause(1) == link_rests
    pause = scene.memory.cooldowns.pause(sibling, scene.now)
    assert (pause.remaining if pause else None) == account_rests
    assert (1 in scene.ask().called) is (link_rests is None)


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_failure_goes_to_the_client_and_pauses_nothing_when_its_toggle_is_off(
    kind: ErrorKind,
) -> None:
    scene = two(toggles=toggles(kind, on=OFF))
    told = failure(kind, retry_after=30.0)
    for _ in range(3):
        story = scene.ask({1: told})
        assert story.called == CALLS[kind][1]
        assert story.end.passed_on is told
        assert scene.pause(1) is None
    assert scene.memory.warnings == {}


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_middle_link_moves_on_like_the_first(kind: ErrorKind) -> None:
    scene = Scene(chain("first", "second", "third"))
    story = scene.ask({1: ErrorKind.AUTH, 2: kind})
    assert (story.called[0], story.called[-1], story.served_by) == (1, 3, 3)
    assert story.labels == ["auth", kind.label]


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_switched_off_class_ends_the_chain_wherever_it_happens(kind: ErrorKind) -> None:
    scene = Scene(chain("first", "second", "third"), toggles=toggles(kind, on=OFF))
    before = ErrorKind.CONTEXT_WINDOW if scene.toggles.on_context_window else ErrorKind.UNSUPPORTED
    story = scene.ask({1: before, 2: kind})
    assert set(story.called) == {1, 2}
    assert story.passed_on is kind


# All links failed in the same way: what the client gets.
ENDS = [
    (ErrorKind.THROTTLE, None, True, 60.0),
    (ErrorKind.QUOTA, ErrorKind.QUOTA, True, None),
    (ErrorKind.CONTEXT_WINDOW, ErrorKind.CONTEXT_WINDOW, False, None),
    (ErrorKind.SERVER, None, False, 4.9),
    (ErrorKind.TIMEOUT, None, False, 5.0),
    (ErrorKind.CONNECTION, None, False, 0.0),
    (ErrorKind.AUTH, ErrorKind.AUTH, False, None),
    (ErrorKind.FORBIDDEN, ErrorKind.FORBIDDEN, False, None),
    (ErrorKind.NOT_FOUND, ErrorKind.NOT_FOUND, False, None),
    (ErrorKind.PAYMENT, ErrorKind.PAYMENT, False, None),
    (ErrorKind.UNSUPPORTED, ErrorKind.UNSUPPORTED, False, None),
    (ErrorKind.BAD_REQUEST, ErrorKind.BAD_REQUEST, False, None),
    (ErrorKind.CONTENT_POLICY, ErrorKind.CONTENT_POLICY, False, None),
]


@pytest.mark.parametrize(("kind", "passed_on", "limited", "retry_after"), ENDS)
def test_when_all_links_fail_alike(
    kind: ErrorKind, passed_on: ErrorKind | None, limited: bool, retry_after: float | None
) -> None:
    first, second = failure(kind, message="first"), failure(kind, message="second")
    story = two().ask({1: first, 2: second})
    assert story.passed_on is passed_on
    if passed_on is not None:
        assert story.end.passed_on is first
    assert story.end.rate_limited is limited
    assert story.end.retry_after == pytest.approx(retry_after)
    assert story.labels == [kind.label, kind.label]


@pytest.mark.parametrize(
    ("first", "second", "passed_on"),
    [
        (ErrorKind.AUTH, ErrorKind.CONTEXT_WINDOW, ErrorKind.CONTEXT_WINDOW),
        (ErrorKind.CONTEXT_WINDOW, ErrorKind.AUTH, ErrorKind.CONTEXT_WINDOW),
        (ErrorKind.NOT_FOUND, ErrorKind.AUTH, ErrorKind.NOT_FOUND),
        (ErrorKind.AUTH, ErrorKind.THROTTLE, None),
        (ErrorKind.CONTEXT_WINDOW, ErrorKind.SERVER, None),
        (ErrorKind.BAD_REQUEST, ErrorKind.THROTTLE, ErrorKind.BAD_REQUEST),
        (ErrorKind.CONTEXT_WINDOW, ErrorKind.BAD_REQUEST, ErrorKind.BAD_REQUEST),
    ],
)
def test_when_all_links_fail_what_recovers_comes_first_then_the_context_then_the_first(
    first: ErrorKind, second: ErrorKind, passed_on: ErrorKind | None
) -> None:
    assert two().ask({1: first, 2: second}).passed_on is passed_on


def test_retry_after_is_what_is_left_when_the_chain_ends() -> None:
    scene = two()
    walk = scene.walk()
    scene.call(walk)
    scene.fail(walk, failure(ErrorKind.THROTTLE, retry_after=60.0))
    scene.call(walk)
    scene.now = 45.0
    scene.fail(walk, ErrorKind.CONTEXT_WINDOW)
    verdict = scene.verdict(walk)
    assert verdict.retry_after == 15.0
    assert [outcome.recovers_in for outcome in verdict.outcomes] == [15.0, None]


def test_a_link_whose_key_is_refused_does_not_recover_by_itself() -> None:
    scene = two()
    scene.ask({1: ErrorKind.AUTH})
    story = scene.ask({2: ErrorKind.CONTEXT_WINDOW})
    assert story.labels == ["skipped-cooling", "context_window"]
    assert story.passed_on is ErrorKind.CONTEXT_WINDOW


# bad_request: probably malformed for every link.


def test_a_bad_request_tries_at_most_one_more_link() -> None:
    first, second = failure(ErrorKind.BAD_REQUEST), failure(ErrorKind.BAD_REQUEST)
    story = Scene(chain("first", "second", "third")).ask({1: first, 2: second})
    assert story.called == [1, 2]
    assert story.end.passed_on is first


def test_a_bad_request_that_another_link_understands_is_answered() -> None:
    assert two().ask({1: ErrorKind.BAD_REQUEST}).served_by == 2


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.BAD_REQUEST])
@pytest.mark.parametrize("on", [ON, OFF])
def test_after_a_bad_request_any_other_failure_leads_to_the_first_400(
    kind: ErrorKind, on: bool
) -> None:
    switched = replace(toggles(kind, on=on), on_error=True)
    scene = Scene(chain("first", "second", "third"), toggles=switched)
    first = failure(ErrorKind.BAD_REQUEST)
    story = scene.ask({1: first, 2: kind})
    assert set(story.called) == {1, 2}
    assert story.end.passed_on is first


def test_the_one_more_link_is_the_next_that_can_be_called() -> None:
    scene = Scene(chain("first", deployment("second", key=KeyState.MISSING), "third", "fourth"))
    story = scene.ask({1: ErrorKind.BAD_REQUEST, 3: ErrorKind.SERVER})
    assert story.called == [1, 3, 3]
    assert story.passed_on is ErrorKind.BAD_REQUEST


# Retries on the same link.


def test_a_primary_that_answers_500_gets_two_calls_and_then_none() -> None:
    scene = two(router=Router(num_retries=3))
    assert scene.ask({1: ErrorKind.SERVER}).called == [1, 1, 2]
    assert scene.ask({1: ErrorKind.SERVER}).called == [2]


def test_nothing_was_sent_so_every_retry_may_be_made() -> None:
    scene = two(router=Router(num_retries=3), toggles=Toggles(on_error=False))
    story = scene.ask({1: REFUSED})
    assert story.called == [1, 1, 1, 1]
    assert [call.delay for call in story.calls] == [0.0, 0.1, 0.2, 0.4]
    assert [call.number for call in story.calls] == [1, 2, 3, 4]


def test_a_retry_stops_when_the_cooldown_begins() -> None:
    assert two(router=Router(num_retries=10)).ask({1: REFUSED}).called == [1, 1, 2]


def test_a_retry_stops_when_the_cooldown_was_begun_by_another_request() -> None:
    scene = two()
    walk, other = scene.walk(), scene.walk()
    scene.call(walk)
    scene.call(other)
    scene.fail(other, ErrorKind.TIMEOUT)
    scene.fail(walk, ErrorKind.SERVER)
    assert scene.call(walk).link.number == 2


@pytest.mark.parametrize(("num_retries", "calls"), [(0, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("on", [ON, OFF])
def test_a_server_error_after_sending_is_retried_once_at_most(
    num_retries: int, calls: int, on: bool
) -> None:
    scene = two(router=Router(num_retries=num_retries), toggles=Toggles(on_error=on))
    story = scene.ask({1: ErrorKind.SERVER})
    assert story.called.count(1) == calls
    assert [call.delay for call in story.calls if call.link.number == 1] == [0.0, 0.1][:calls]


@pytest.mark.parametrize("how", [ErrorKind.TIMEOUT, LATE])
def test_what_may_still_be_under_way_is_not_retried(how: ErrorKind | Failure) -> None:
    assert two(toggles=Toggles(on_error=False)).ask({1: how}).called == [1]


def test_a_retry_may_answer() -> None:
    story = two().ask({1: [ErrorKind.SERVER]})
    assert story.called == [1, 1]
    assert story.served_by == 1


def test_each_link_has_retries_of_its_own() -> None:
    assert two().ask({1: ErrorKind.SERVER, 2: ErrorKind.SERVER}).called == [1, 1, 2, 2]


# A reused connection that was closed without a byte.


def test_a_closed_reused_connection_is_tried_once_more_on_a_fresh_one_and_no_fault() -> None:
    scene = two(router=Router(num_retries=0))
    story = scene.ask({1: [REUSED_CLOSED]})
    assert story.called == [1, 1]
    assert [(call.fresh, call.delay) for call in story.calls] == [(False, 0.0), (True, 0.0)]
    assert story.labels == []
    assert scene.memory.last_errors == {}
    scene.ask({1: [LATE]})
    assert scene.pause(1) is None  # that was the first failure


def test_a_fresh_connection_that_closes_is_a_failure_like_others() -> None:
    story = two().ask({1: REUSED_CLOSED})
    assert story.called == [1, 1, 2]
    assert story.labels == ["connection"]


def test_a_closed_reused_connection_is_not_used_up_as_a_retry() -> None:
    story = two().ask({1: [REUSED_CLOSED, failure(ErrorKind.SERVER)]})
    assert story.called == [1, 1, 1]
    assert [call.fresh for call in story.calls] == [False, True, True]


def test_a_probe_stays_one_over_a_closed_reused_connection() -> None:
    scene = Scene(chain("only"))
    scene.ask({1: ErrorKind.TIMEOUT})
    for scene.now in (2.0, 5.0):  # early, and half-open
        walk = scene.walk()
        assert scene.call(walk).probe
        scene.fail(walk, REUSED_CLOSED)
        again = scene.call(walk)
        assert again.probe
        assert again.fresh
        assert scene.verdict(scene.walk()).outcomes[0].label == "skipped-cooling"
        walk.abandoned()
    assert not leaks(scene.memory)


def test_a_closed_reused_connection_is_not_tried_again_on_a_link_that_cools_by_now() -> None:
    scene = two()
    walk, other = scene.walk(), scene.walk()
    scene.call(walk)
    scene.call(other)
    scene.fail(other, failure(ErrorKind.THROTTLE, retry_after=300.0))
    scene.fail(walk, REUSED_CLOSED)
    assert scene.call(walk).link.number == 2


# The last link may wait out a short Retry-After.


@pytest.mark.parametrize("on", [ON, OFF])
def test_the_last_link_waits_out_a_short_retry_after_once(on: bool) -> None:
    scene = two(toggles=Toggles(on_rate_limit=on))
    throttled = failure(ErrorKind.THROTTLE, retry_after=5.0)
    story = scene.ask({1: ErrorKind.CONTEXT_WINDOW, 2: throttled})
    assert story.called == [1, 2, 2]
    assert story.calls[2].delay == 5.0
    assert story.end.rate_limited


@pytest.mark.parametrize(
    "throttled",
    [
        failure(ErrorKind.THROTTLE, retry_after=5.1),
        failure(ErrorKind.THROTTLE),
        failure(ErrorKind.QUOTA, retry_after=1.0),
    ],
)
def test_the_last_link_waits_out_nothing_else(throttled: Failure) -> None:
    assert Scene(chain("only")).ask({1: throttled}).called == [1]


def test_a_link_that_is_not_the_last_does_not_wait() -> None:
    throttled = failure(ErrorKind.THROTTLE, retry_after=1.0)
    assert two().ask({1: throttled}).called == [1, 2]


def test_no_wait_goes_past_the_total_time() -> None:
    scene = Scene(chain("only"), router=Router(total_timeout=3.0))
    assert scene.ask({1: failure(ErrorKind.THROTTLE, retry_after=3.0)}).called == [1]


def test_of_two_requests_that_were_throttled_one_waits_and_probes() -> None:
    scene = Scene(chain("only"))
    throttled = failure(ErrorKind.THROTTLE, retry_after=2.0)
    walk, other = scene.walk(), scene.walk()
    scene.call(walk)
    scene.call(other)
    scene.fail(walk, throttled)
    assert scene.call(walk).probe
    scene.fail(other, throttled)
    assert scene.verdict(other).retry_after == 2.0


# Time.


def test_each_call_has_its_links_own_time_and_all_together_their_sum() -> None:
    scene = Scene(chain(link(1, timeout=10.0), link(2, timeout=20.0)))
    walk = scene.walk()
    assert scene.call(walk).timeout == 10.0
    scene.now = 10.0
    scene.fail(walk, ErrorKind.TIMEOUT)
    assert scene.call(walk).timeout == 20.0
    scene.now = 30.0
    scene.fail(walk, ErrorKind.TIMEOUT)
    assert scene.verdict(walk).passed_on is None


def test_the_total_time_ends_the_chain() -> None:
    scene = two(router=Router(total_timeout=130.0))
    walk = scene.walk()
    scene.call(walk)
    scene.now = 100.0
    scene.fail(walk, ErrorKind.CONTEXT_WINDOW)
    call = scene.call(walk)
    assert call.timeout == 30.0
    scene.now = 130.0
    scene.fail(walk, ErrorKind.TIMEOUT)
    verdict = scene.verdict(walk)
    assert [outcome.label for outcome in verdict.outcomes] == ["context_window", "timeout"]


def test_links_that_nobody_had_time_for_are_not_called() -> None:
    scene = two(router=Router(total_timeout=100.0))
    walk = scene.walk()
    scene.call(walk)
    scene.now = 100.0
    scene.fail(walk, ErrorKind.AUTH)
    assert scene.verdict(walk).passed_on == failure(ErrorKind.AUTH)


def test_the_last_of_links_that_hang_cools_although_some_of_the_total_time_was_lost() -> None:
    scene = two()
    walk = scene.walk()
    for _ in range(2):
        scene.now += scene.call(walk).timeout + 0.005
        scene.fail(walk, ErrorKind.TIMEOUT)
    assert isinstance(scene.step(walk), Verdict)
    assert scene.pause(2) == 5.0


def test_a_call_cut_short_by_the_total_time_does_not_pause_its_link() -> None:
    scene = Scene(chain("only"), router=Router(total_timeout=30.0))
    walk = scene.walk()
    assert scene.call(walk).timeout == 30.0
    scene.now = 30.0
    scene.fail(walk, ErrorKind.TIMEOUT)
    assert isinstance(scene.step(walk), Verdict)
    assert scene.pause(1) is None


def test_a_link_whose_call_was_cut_short_may_be_asked_again_at_once() -> None:
    scene = two(router=Router(total_timeout=122.0))
    walk = scene.walk()
    for timeout in (120.0, 2.0):
        assert scene.call(walk).timeout == timeout
        scene.now += timeout
        scene.fail(walk, ErrorKind.TIMEOUT)
    assert scene.verdict(walk).retry_after == 0.0
    assert (scene.pause(1), scene.pause(2)) == (3.0, None)
    assert scene.call(scene.walk()).timeout == 120.0


def test_a_link_that_cannot_be_reached_pauses_however_little_time_was_left() -> None:
    scene = Scene(chain("only"), router=Router(total_timeout=30.0))
    walk = scene.walk()
    assert not scene.call(walk).whole_timeout
    scene.fail(walk, failure(ErrorKind.TIMEOUT, sent=False))
    assert scene.pause(1) == 5.0


def test_a_timeout_that_the_provider_tells_itself_pauses_all_the_same() -> None:
    scene = Scene(chain("only"), router=Router(total_timeout=30.0))
    walk = scene.walk()
    scene.call(walk)
    scene.fail(walk, failure(ErrorKind.TIMEOUT, status=408))
    assert scene.pause(1) == 5.0


# What may have been taken once must not be sent twice.

ONCE = msgspec.structs.replace(CHAT, repeatable=False)


@pytest.mark.parametrize(
    "unsure", [failure(ErrorKind.SERVER), failure(ErrorKind.TIMEOUT), LATE, REUSED_CLOSED]
)
def test_what_is_not_repeatable_is_never_repeated_once_sent(unsure: Failure) -> None:
    story = two().ask({1: unsure}, ONCE)
    assert story.called == [1]
    assert story.end.passed_on is unsure


@pytest.mark.parametrize("kind", [ErrorKind.THROTTLE, ErrorKind.AUTH, ErrorKind.CONTEXT_WINDOW])
def test_what_is_not_repeatable_moves_on_when_it_was_refused(kind: ErrorKind) -> None:
    assert two().ask({1: kind}, ONCE).served_by == 2


def test_what_is_not_repeatable_is_retried_while_nothing_was_sent() -> None:
    assert two().ask({1: REFUSED}, ONCE).called == [1, 1, 2]


# Links that are skipped.


def test_a_link_without_a_key_is_skipped() -> None:
    story = Scene(chain(deployment("first", key=KeyState.MISSING), "second")).ask()
    assert story.called == [2]
    assert story.labels == ["skipped-key-missing"]


def test_a_chain_without_any_key_has_nothing_to_wait_for() -> None:
    missing = deployment("first", key=KeyState.MISSING)
    story = Scene(chain(missing, missing)).ask()
    assert story.called == []
    assert (story.passed_on, story.end.retry_after, story.end.rate_limited) == (None, None, False)


def test_a_provider_that_needs_no_key_is_called() -> None:
    assert Scene(chain(deployment(key=KeyState.NOT_NEEDED))).ask().served_by == 1


SEES = ModelSpec(id="sees", capabilities=frozenset({"tools", "vision"}))
BLIND = ModelSpec(id="blind", capabilities=frozenset({"tools"}))
UNKNOWN = ModelSpec(id="unknown")


@pytest.mark.parametrize(
    ("model", "wanted", "served_by"),
    [
        (BLIND, {"vision"}, 2),
        (BLIND, {"tools"}, 1),
        (BLIND, set(), 1),
        (SEES, {"tools", "vision"}, 1),
        (UNKNOWN, {"tools", "vision"}, 1),
    ],
)
def test_a_link_that_is_known_to_lack_what_a_request_needs_is_skipped(
    model: ModelSpec, wanted: set[str], served_by: int
) -> None:
    scene = Scene(chain(deployment("first", model), deployment("second", SEES)))
    story = scene.ask(needs=msgspec.structs.replace(CHAT, capabilities=frozenset(wanted)))
    assert story.served_by == served_by
    assert story.labels == ["skipped-unfit"] * (served_by - 1)


def of_protocol(name: str, *protocols: Protocol, prefix: bool = False) -> Deployment:
    known = spec(name, protocols=protocols)
    return deployment(
        provider(replace(known, litellm_prefix={ModelKind.CHAT: "x"} if prefix else {}))
    )


def test_a_link_that_no_lane_leads_to_is_skipped() -> None:
    messages = Needs(protocol=Protocol.ANTHROPIC_MESSAGES)
    openai = of_protocol("first", Protocol.OPENAI_CHAT)
    translated = of_protocol("second", Protocol.OPENAI_CHAT, prefix=True)
    assert Scene(chain(openai, translated)).ask(needs=messages).called == [2]
    assert Scene(chain(openai)).ask(needs=CHAT).called == [1]


def long(tokens: int) -> Needs:
    return msgspec.structs.replace(CHAT, input_tokens=tokens)


def test_a_window_that_is_surely_too_small_is_skipped_when_its_toggle_is_on() -> None:
    links = chain(link(1, max_input_tokens=1_000), "second")
    assert Scene(links).ask(needs=long(1_200)).called == [1]
    story = Scene(links).ask(needs=long(1_201))
    assert story.called == [2]
    assert story.labels == ["skipped-unfit"]
    off = Toggles(on_context_window=False)
    assert Scene(links, toggles=off).ask(needs=long(9_999)).called == [1]


def test_a_prompt_too_long_for_every_link_is_told_as_a_context_error() -> None:
    links = chain(link(1, max_input_tokens=1_000), deployment("second", key=KeyState.MISSING))
    told = Scene(links).ask(needs=long(2_000)).end.passed_on
    assert told is not None
    assert (told.kind, told.status) == (ErrorKind.CONTEXT_WINDOW, 400)
    assert told.code == "context_length_exceeded"
    assert told.message.startswith("prompt is too long: 2000 tokens > 1000 maximum")


def test_a_throttled_link_counts_more_than_one_that_is_too_small() -> None:
    links = chain(link(1, max_input_tokens=1_000), "second")
    story = Scene(links).ask({2: failure(ErrorKind.THROTTLE, retry_after=30.0)}, long(2_000))
    assert story.passed_on is None
    assert story.end.retry_after == 30.0


# The walk itself.


def test_an_answer_of_the_first_link_needs_one_call() -> None:
    story = two().ask()
    assert [(c.link.number, c.number, c.delay, c.probe, c.fresh) for c in story.calls] == [
        (1, 1, 0.0, NO_PROBE, False)
    ]
    assert story.labels == []


@pytest.mark.parametrize("end", ["answered", "abandoned"])
def test_an_ending_without_a_call_is_a_bug_that_shows(end: str) -> None:
    walk = two().walk()
    with pytest.raises(RuntimeError, match="no call is under way"):
        getattr(walk, end)()


def test_backing_off_is_spread_by_the_jitter() -> None:
    scene = two()
    factors = iter([0.5, 0.75, 1.0])
    walk = Walk(
        scene.chain,
        CHAT,
        router=scene.router,
        toggles=Toggles(on_error=False),
        memory=scene.memory,
        now=0.0,
        wall=scene.wall,
        jitter=lambda: next(factors),
    )
    delays = []
    for _ in range(3):
        call = walk.next(0.0)
        assert isinstance(call, Call)
        delays.append(call.delay)
        walk.failed(REFUSED, 0.0)
    assert delays == pytest.approx([0.0, 0.05, 0.15])
