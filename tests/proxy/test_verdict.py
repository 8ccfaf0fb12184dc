"""The end of a chain in which no link answered."""

from dataclasses import replace

import pytest

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.verdict import COOLING, EXHAUSTED, UNFIT, Outcome, judge
from tests.proxy.builders import Scene, chain, failure, link

ENGINE_STARTS = replace(failure(retry_after=5.0, sent=False), ours=True, status=503)
ENGINE_IS_GONE = replace(failure(sent=False), ours=True, status=503)


def outcome(label: str, number: int = 1, **given: object) -> Outcome:
    return Outcome(link=link(number), label=label, **given)  # type: ignore[arg-type] # its fields


def test_what_the_chain_has_settled_is_passed_on() -> None:
    settled = failure(ErrorKind.BAD_REQUEST)
    assert judge((outcome("server", recovers_in=3.0),), settled).passed_on is settled


def test_the_earliest_recovery_is_told() -> None:
    verdict = judge((outcome(COOLING, recovers_in=9.0), outcome(EXHAUSTED, recovers_in=4.0)), None)
    assert (verdict.retry_after, verdict.rate_limited, verdict.passed_on) == (4.0, True, None)


def test_without_any_failure_nothing_is_passed_on() -> None:
    verdict = judge((outcome(UNFIT),), None)
    assert (verdict.retry_after, verdict.passed_on) == (None, None)


@pytest.mark.parametrize("ours", [ENGINE_STARTS, ENGINE_IS_GONE])
def test_a_failure_of_the_engine_moves_on_at_once_and_cools_nothing(ours: object) -> None:
    scene = Scene(chain("first", "second"))
    for _ in range(5):
        story = scene.ask({1: ours})  # type: ignore[dict-item] # a failure
        assert story.called == [1, 2]
        assert scene.pause(1) is None


def test_an_engine_that_is_starting_is_told_with_a_retry_after() -> None:
    story = Scene(chain("first", "second")).ask({1: ENGINE_STARTS, 2: ENGINE_STARTS})
    assert (story.end.passed_on, story.end.retry_after, story.end.rate_limited) == (
        None,
        5.0,
        False,
    )


def test_an_engine_that_will_not_come_back_is_told_as_it_is() -> None:
    story = Scene(chain("first", "second")).ask({1: ENGINE_IS_GONE, 2: ENGINE_IS_GONE})
    assert story.end.retry_after is None
    assert story.end.passed_on is not None
    assert story.end.passed_on.status == 503


def cooling(kind: ErrorKind, seconds: float, number: int = 1) -> Outcome:
    return outcome(COOLING, number, failure=failure(kind), recovers_in=seconds)


def test_what_somebody_has_to_mend_is_told_as_the_first_links_kind_and_never_with_a_time() -> None:
    verdict = judge((cooling(ErrorKind.PAYMENT, 9.0), cooling(ErrorKind.AUTH, 4.0, 2)), None)
    assert (verdict.to_mend, verdict.retry_after) == (ErrorKind.PAYMENT, None)


def test_a_link_that_recovers_by_itself_decides_and_alone_says_when() -> None:
    verdict = judge((cooling(ErrorKind.AUTH, 4.0), cooling(ErrorKind.THROTTLE, 9.0, 2)), None)
    assert (verdict.to_mend, verdict.retry_after) == (None, 9.0)


def test_a_link_that_is_probed_just_now_may_be_well_in_a_moment() -> None:
    verdict = judge((cooling(ErrorKind.AUTH, 0.0), cooling(ErrorKind.AUTH, 9.0, 2)), None)
    assert (verdict.to_mend, verdict.retry_after) == (None, 0.0)


def test_a_failure_of_now_says_more_than_a_cooldown_that_somebody_has_to_end() -> None:
    now = failure(ErrorKind.CONTENT_POLICY)
    verdict = judge(
        (cooling(ErrorKind.AUTH, 4.0), outcome("content_policy", 2, failure=now)), None
    )
    assert (verdict.passed_on, verdict.to_mend, verdict.retry_after) == (now, None, None)
