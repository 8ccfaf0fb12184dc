"""What a story takes down, and which stories are remembered."""

from typing import Any

import pytest

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Chain, Lane
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.story import Attempt, End, Skip, Stories, Story
from agentbox_cli.proxy.verdict import COOLING, Outcome
from tests.proxy.builders import chain, deployment, failure, link, provider, spec


def begin(stories: Stories | None = None, name: str = "req_1", of: Chain | None = None) -> Story:
    story = (stories or Stories()).begin(name, CHAT, "tests")
    story.chain = of or chain("alpha", "beta")
    return story


def call(story: Story, number: int = 1, **fields: Any) -> Attempt:
    assert story.chain is not None
    target = story.chain.links[number - 1]
    return story.attempt(Call(link=target, number=1, timeout=9.0, **fields), Lane.DIRECT)


def fail(attempt: Attempt, kind: ErrorKind, **fields: Any) -> None:
    told = failure(kind, **fields)
    attempt.ended(failure=told)


def complete(attempt: Attempt) -> None:
    attempt.has_content()
    attempt.ended(status=200)


def cooling(story: Story, cause: ErrorKind = ErrorKind.THROTTLE, number: int = 1) -> Skip:
    assert story.chain is not None
    outcome = Outcome(
        link=story.chain.links[number - 1],
        label=COOLING,
        failure=failure(cause),
        recovers_in=9.0,
    )
    story.passed_over([outcome], now=story.began + 1_000)
    return story.skips[-1]


def test_only_so_many_stories_are_kept_and_the_newest_come_first() -> None:
    stories = Stories(kept=3)
    for number in range(5):
        begin(stories, f"req_{number}")
    assert [story.request_id for story in stories.latest()] == ["req_4", "req_3", "req_2"]
    assert stories.named("req_1") == []


@pytest.mark.parametrize("start", ["req_ab1", "ab1", "req_ab12", "ab12"])
def test_a_story_is_found_by_the_beginning_of_its_id(start: str) -> None:
    stories = Stories()
    wanted = begin(stories, "req_ab12")
    begin(stories, "req_ab99")
    assert stories.named(start) == [wanted]
    assert len(stories.named("ab")) == 2


def test_only_the_first_end_counts() -> None:
    story = begin()
    story.ends(End.CUT, 200, "cut")
    story.client_left()
    assert (story.end, story.status, story.message) == (End.CUT, 200, "cut")


def test_a_client_that_hangs_up_after_a_whole_answer_was_answered() -> None:
    story = begin()
    complete(call(story))
    story.client_left()
    assert (story.end, story.status) == (End.ANSWERED, 200)


def test_a_client_that_hangs_up_before_has_left() -> None:
    story = begin()
    story.client_left()
    assert (story.end, story.status) == (End.CLIENT_LEFT, None)
    assert story.fell_over


@pytest.mark.parametrize(
    ("kind", "content", "sent", "charged"),
    [
        (ErrorKind.SERVER, False, True, True),
        (ErrorKind.TIMEOUT, False, True, True),
        (ErrorKind.CONNECTION, False, True, True),
        (ErrorKind.CONNECTION, False, False, False),
        (ErrorKind.THROTTLE, False, True, False),
        (ErrorKind.THROTTLE, True, True, True),
    ],
)
def test_what_may_have_cost_money_is_marked(
    kind: ErrorKind, content: bool, sent: bool, charged: bool
) -> None:
    attempt = call(begin())
    if content:
        attempt.has_content()
    fail(attempt, kind, sent=sent)
    assert attempt.maybe_charged is charged


def test_a_first_answer_is_nothing_to_tell_and_a_second_one_is() -> None:
    stories = Stories()
    smooth, rough = begin(stories), begin(stories)
    complete(call(smooth))
    fail(call(rough), ErrorKind.SERVER)
    complete(call(rough, 2))
    for story in (smooth, rough):
        story.ends(End.ANSWERED, 200)
    assert (smooth.fell_over, rough.fell_over) == (False, True)
    assert rough.answered_by is rough.chain.links[1]  # type: ignore[union-attr]  # it has one


def test_a_link_is_passed_over_once() -> None:
    story = begin()
    cooling(story)
    cooling(story)
    assert [(skip.label, skip.cause, skip.seconds) for skip in story.skips] == [
        (COOLING, ErrorKind.THROTTLE, 9.0)
    ]


def test_a_pause_leads_to_the_latest_call_that_can_have_begun_it() -> None:
    stories = Stories()
    for name in ("req_old", "req_new"):
        fail(call(begin(stories, name)), ErrorKind.THROTTLE)
    fail(call(begin(stories, "req_other_kind")), ErrorKind.SERVER)
    fail(call(begin(stories, "req_other_link"), 2), ErrorKind.THROTTLE)
    begun = stories.cause_of(cooling(begin(stories, "req_asks")))
    assert begun is not None
    assert begun[0].request_id == "req_new"


def test_a_call_that_ended_later_did_not_begin_the_pause() -> None:
    stories = Stories()
    story = begin(stories)
    skip = cooling(story)
    attempt = call(story)
    fail(attempt, ErrorKind.THROTTLE)
    attempt.began = skip.at + 1
    assert stories.cause_of(skip) is None


@pytest.mark.parametrize(
    ("kind", "scope", "found"),
    [
        (ErrorKind.AUTH, RateLimitScope.MODEL, True),
        (ErrorKind.THROTTLE, RateLimitScope.ACCOUNT, True),
        (ErrorKind.THROTTLE, RateLimitScope.MODEL, False),
        (ErrorKind.NOT_FOUND, RateLimitScope.ACCOUNT, False),
    ],
)
def test_what_speaks_for_a_whole_provider_pauses_its_other_models(
    kind: ErrorKind, scope: RateLimitScope, found: bool
) -> None:
    of = provider(spec("alpha", scope=scope))
    both = chain(link(1, deployment(of, "one")), link(2, deployment(of, "two")))
    stories = Stories()
    fail(call(begin(stories, of=both)), kind)
    skip = cooling(begin(stories, of=both), kind, number=2)
    assert (stories.cause_of(skip) is not None) is found
