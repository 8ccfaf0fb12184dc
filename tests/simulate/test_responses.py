from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

TOOL: Any = {
    "type": "function",
    "name": "look",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"paths": {"type": "array"}},
        "required": ["paths"],
    },
}


async def test_echo_answers_in_the_form_of_responses(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.responses.create(model="echo", input="hi")
    assert answer.output_text == "[simulated/echo] you said: hi"
    assert answer.status == "completed"
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (1, 4)


async def test_the_last_user_item_of_a_list_is_echoed(openai_sdk: AsyncOpenAI) -> None:
    said: Any = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "yes"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "last"}]},
    ]
    answer = await openai_sdk.responses.create(model="echo", input=said)
    assert answer.output_text == "[simulated/echo] you said: last"


async def test_a_stream_adds_up_to_the_answer(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.responses.stream(model="echo", input="hi") as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert answer.output_text == "[simulated/echo] you said: hi"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 5


async def test_the_tool_is_called_when_the_user_says_so(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.responses.create(model="echo", input="call the tool", tools=[TOOL])
    item = answer.output[0]
    assert item.type == "function_call"
    assert (item.name, item.arguments) == ("look", '{"paths":[]}')


async def test_a_streamed_tool_call_adds_up(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.responses.stream(
        model="echo", input="call the tool", tools=[TOOL]
    ) as stream:
        answer = await stream.get_final_response()
    item = answer.output[0]
    assert item.type == "function_call"
    assert (item.name, item.arguments) == ("look", '{"paths":[]}')


async def test_the_sdk_reads_the_built_in_failures(openai_sdk: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        await openai_sdk.responses.create(model="rate-limited", input="hi")
