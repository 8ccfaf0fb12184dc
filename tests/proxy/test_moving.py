"""Stories are made anew, and say the same."""

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.providers.resolved import Lane
from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.explaining import document
from agentbox_cli.proxy.moving import move
from agentbox_cli.proxy.spares import renew
from agentbox_cli.proxy.story import Attempt, End, Stories, Story
from agentbox_cli.proxy.verdict import COOLING, Outcome
from tests.proxy.builders import chain, failure

CHAIN = chain("alpha", "beta")
SPENT = Spent(protocol=Protocol.OPENAI_CHAT, usage={"prompt_tokens": 4, "completion_tokens": 2})


def told(stories: Stories, name: str, *, ended: bool = True) -> Story:
    """A story in which everything happens that can."""
    story = stories.begin(name, CHAT, "tests")
    story.asks("default", stream=True)
    story.chain = CHAIN
    first, _ = CHAIN.links
    known = failure(ErrorKind.THROTTLE)
    skipped = Outcome(link=first, label=COOLING, failure=known, recovers_in=9.0)
    story.passed_over([skipped], now=story.began)
    called(story, 1).ended(failure=failure(ErrorKind.SERVER))
    attempt = called(story, 2)
    if ended:
        attempt.has_content()
        attempt.ended(status=200, spent=SPENT)
        story.ends(End.ANSWERED, 200)
    return story


def called(story: Story, number: int) -> Attempt:
    link, probe = CHAIN.links[number - 1], frozenset({"alpha"})
    return story.attempt(Call(link=link, number=number, timeout=9.0, probe=probe), Lane.DIRECT)


async def test_a_story_that_ended_is_replaced_by_one_that_says_the_same() -> None:
    stories = Stories()
    originals = [told(stories, f"req_{number}") for number in range(250)]
    said = [document(story, stories) for story in originals]
    await move(stories)
    copies = list(stories.latest())[::-1]
    assert [document(story, stories) for story in copies] == said
    assert all(copy is not story for copy, story in zip(copies, originals, strict=True))
    assert msgspec.structs.asdict(copies[7]) == msgspec.structs.asdict(originals[7])


async def test_what_comes_from_the_config_is_still_the_same_thing() -> None:
    stories = Stories()
    told(stories, "req_1")
    await move(stories)
    (copy,) = stories.latest()
    assert copy.chain is CHAIN
    assert copy.endpoint is CHAT
    assert [attempt.call.link for attempt in copy.attempts] == list(CHAIN.links)
    assert copy.attempts[1].call.link is CHAIN.links[1]
    assert copy.skips[0].link is CHAIN.links[0]


async def test_a_story_that_goes_on_is_left_to_its_request() -> None:
    stories = Stories(kept=2)
    for name in ("req_1", "req_2"):
        told(stories, name)
    going_on = told(stories, "req_3", ended=False)
    await move(stories)
    assert next(iter(stories.latest())) is going_on
    told(stories, "req_4")
    assert [story.request_id for story in stories.latest()] == ["req_4", "req_3"]


async def test_kept_objects_are_renewed_without_a_trace() -> None:
    # A new version of aiohttp may make its messages otherwise; then this says so.
    await renew()
