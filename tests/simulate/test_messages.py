from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from tests.simulate.conftest import Served

HI: Any = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
CALL_IT: Any = [{"role": "user", "content": "Call the tool!"}]
TOOL: Any = {
    "name": "look",
    "input_schema": {
        "type": "object",
        "properties": {"depth": {"type": "integer"}, "how": {"enum": ["far", "near"]}},
        "required": ["depth", "how"],
    },
}


async def test_echo_answers_in_anthropics_form(anthropic_sdk: AsyncAnthropic) -> None:
    answer = await anthropic_sdk.messages.create(
        model="echo", max_tokens=9, messages=HI, system="be brief"
    )
    block = answer.content[0]
    assert block.type == "text"
    assert block.text == "[simulated/echo] you said: hi"
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 4)


async def test_a_stream_adds_up_to_the_answer(anthropic_sdk: AsyncAnthropic) -> None:
    async with anthropic_sdk.messages.stream(model="echo", max_tokens=9, messages=HI) as stream:
        texts = [text async for text in stream.text_stream]
        answer = await stream.get_final_message()
    assert "".join(texts) == "[simulated/echo] you said: hi"
    assert len(texts) > 3
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1, 4)


async def test_the_raw_stream_has_every_event(served: Served) -> None:
    async with served.messages("anthropic/claude", stream=True) as response:
        lines = (await response.text()).splitlines()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names[:3] == ["message_start", "ping", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[3:-3]) == {"content_block_delta"}


async def test_the_tool_is_called_when_the_user_says_so(anthropic_sdk: AsyncAnthropic) -> None:
    answer = await anthropic_sdk.messages.create(
        model="echo", max_tokens=9, messages=CALL_IT, tools=[TOOL]
    )
    block = answer.content[0]
    assert block.type == "tool_use"
    assert (block.name, block.input) == ("look", {"depth": 1, "how": "far"})
    assert answer.stop_reason == "tool_use"


async def test_a_streamed_tool_call_adds_up(anthropic_sdk: AsyncAnthropic) -> None:
    async with anthropic_sdk.messages.stream(
        model="echo", max_tokens=9, messages=CALL_IT, tools=[TOOL]
    ) as stream:
        answer = await stream.get_final_message()
    block = answer.content[0]
    assert block.type == "tool_use"
    assert (block.name, block.input) == ("look", {"depth": 1, "how": "far"})
    assert answer.stop_reason == "tool_use"


async def test_tokens_are_counted_in_words(anthropic_sdk: AsyncAnthropic) -> None:
    messages: Any = [{"role": "user", "content": "one two three"}]
    counted = await anthropic_sdk.messages.count_tokens(model="echo", messages=messages)
    assert counted.input_tokens == 3


async def test_the_sdk_reads_the_built_in_failures(anthropic_sdk: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.RateLimitError) as limited:
        await anthropic_sdk.messages.create(model="rate-limited", max_tokens=9, messages=HI)
    assert limited.value.response.headers["retry-after"] == "30"
    assert limited.value.body == {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "This request would exceed your rate limit.",
        },
    }
    with pytest.raises(anthropic.APIStatusError) as down:
        await anthropic_sdk.messages.create(model="down", max_tokens=9, messages=HI)
    assert down.value.status_code == 503


async def test_max_tokens_is_required_as_anthropic_requires_it(served: Served) -> None:
    async with served.messages("anthropic/claude", max_tokens=None) as response:
        assert response.status == 400
        assert (await response.json())["error"]["type"] == "invalid_request_error"
