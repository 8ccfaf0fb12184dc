"""What a hostile provider can make the proxy keep has a limit."""

import json
from typing import Any

import pytest

from agentbox_cli.proxy import upstream
from agentbox_cli.proxy.bounded import bounded
from tests.fakes.scripted import Do, whole
from tests.proxy.conftest import MakeScripted, MakeStand

USUAL: dict[str, Any] = {
    "prompt_tokens": 5,
    "cost": 0.1,
    "service_tier": "default",
    "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": None},
    "iterations": [{"type": "message", "input_tokens": 4}],
}
HUGE = 100_000


def deep(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = {"a": found}
    return found


def test_a_usual_usage_object_is_kept_as_it_is() -> None:
    assert bounded(USUAL) is USUAL


@pytest.mark.parametrize(
    "more",
    [
        {"text": "x" * HUGE},
        {"x" * HUGE: 1},
        {str(number): number for number in range(HUGE)},
        {"list": list(range(HUGE))},
        {"deep": deep(900)},
        {"wide": {str(number): {"x" * 50: number} for number in range(HUGE)}},
        {"inner": {str(number): number for number in range(HUGE)}},
    ],
    ids=["text", "name", "entries", "list", "deep", "wide", "inner"],
)
def test_of_a_huge_one_the_numbers_are_kept(more: dict[str, Any]) -> None:
    kept = bounded(USUAL | more)
    assert len(json.dumps(kept)) < 10_000
    assert kept["prompt_tokens"] == 5
    assert kept["prompt_tokens_details"]["cached_tokens"] == 1


@pytest.mark.parametrize("status", [b"200 OK", b"500 X"])
async def test_no_story_keeps_a_huge_usage_object(
    make_stand: MakeStand, make_scripted: MakeScripted, status: bytes
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "text": "x" * HUGE}
    message = {"role": "assistant", "content": "hi"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"choices": [choice], "usage": usage, "service_tier": "x" * HUGE}
    provider = await make_scripted([whole(json.dumps(body).encode(), status=status)])
    chains = {"default": ("openai/gpt-4o",)}
    stand = await make_stand(chains=chains, bases={"openai": f"{provider.base}/v1"})
    async with stand.chat() as answer:
        await answer.read()
    [story] = stand.proxy.stories.latest()
    assert len(repr(story)) < 20_000
    assert status != b"200 OK" or story.attempts[0].tokens.input == 5  # type: ignore[union-attr] # it ended


async def test_an_answer_without_end_is_a_failure_and_the_next_link_is_asked(
    make_stand: MakeStand, make_scripted: MakeScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "LARGEST_ANSWER", 1024 * 1024)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"
    provider = await make_scripted([head, *[b" " * 65_536] * 20, Do.HANG])
    bases = {"openai": f"{provider.base}/v1"}
    stand = await make_stand(bases=bases, section={"router": {"num_retries": 0}})
    async with stand.chat() as answer:
        assert answer.headers["x-agentbox-attempts"] == "openai/gpt-4o=server"
        assert answer.status == 200
    [story] = stand.proxy.stories.latest()
    assert story.attempts[0].message == "the answer is over 1 MiB"
