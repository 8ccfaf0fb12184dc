import io
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tests.simulate.conftest import Served

HI: Any = [{"role": "user", "content": "hi"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "look",
        "strict": True,  # the SDK's stream helper takes no other
        "parameters": {
            "type": "object",
            "properties": {"where": {"type": "string"}, "deep": {"type": "boolean"}},
            "required": ["where", "deep"],
        },
    },
}
CALL_IT: Any = [{"role": "user", "content": "please call the tool now"}]


async def test_echo_says_who_answers_and_what_it_heard(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.chat.completions.create(model="echo", messages=HI)
    assert answer.choices[0].message.content == "[simulated/echo] you said: hi"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (1, 4)
    assert answer.usage.total_tokens == 5


async def test_a_stream_adds_up_to_the_answer(openai_sdk: AsyncOpenAI) -> None:
    stream = await openai_sdk.chat.completions.create(model="echo", messages=HI, stream=True)
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    words = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(words) == "[simulated/echo] you said: hi"
    assert len(words) > 4
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_ends_with_usage_where_it_is_wanted(openai_sdk: AsyncOpenAI) -> None:
    stream = await openai_sdk.chat.completions.create(
        model="echo", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 5
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_the_raw_stream_ends_with_done(served: Served) -> None:
    async with served.chat("openai/gpt-4o", stream=True) as response:
        assert response.content_type == "text/event-stream"
        assert (await response.read()).endswith(b"}\n\ndata: [DONE]\n\n")


async def test_chunks_carry_an_empty_usage_where_one_will_come(served: Served) -> None:
    for options, seen in (({"include_usage": True}, True), ({}, False)):
        async with served.chat("openai/m", stream=True, stream_options=options) as response:
            assert (b'"usage":null' in await response.read()) is seen


async def test_the_tool_is_called_when_the_user_says_so(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.chat.completions.create(model="echo", messages=CALL_IT, tools=[TOOL])
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    called = choice.message.tool_calls[0]
    assert called.type == "function"
    assert called.function.name == "look"
    assert called.function.arguments == '{"where":"simulated","deep":true}'


async def test_a_streamed_tool_call_adds_up(openai_sdk: AsyncOpenAI) -> None:
    async with openai_sdk.chat.completions.stream(
        model="echo", messages=CALL_IT, tools=[TOOL]
    ) as stream:
        answer = await stream.get_final_completion()
    assert answer.choices[0].finish_reason == "tool_calls"
    calls = answer.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.name == "look"
    assert calls[0].function.arguments == '{"where":"simulated","deep":true}'


async def test_after_the_tool_has_answered_there_is_text(openai_sdk: AsyncOpenAI) -> None:
    done: Any = [
        *CALL_IT,
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "seen"},
    ]
    answer = await openai_sdk.chat.completions.create(model="echo", messages=done, tools=[TOOL])
    assert answer.choices[0].finish_reason == "stop"


async def test_text_completions_answer_too(openai_sdk: AsyncOpenAI) -> None:
    answer = await openai_sdk.completions.create(model="echo", prompt="hi")
    assert answer.choices[0].text == "[simulated/echo] you said: hi"
    stream = await openai_sdk.completions.create(model="echo", prompt="hi", stream=True)
    texts = [chunk.choices[0].text async for chunk in stream]
    assert "".join(texts) == answer.choices[0].text


async def test_the_sdk_reads_the_built_in_failures(openai_sdk: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        await openai_sdk.chat.completions.create(model="rate-limited", messages=HI)
    assert limited.value.response.headers["retry-after"] == "30"
    assert limited.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.InternalServerError) as down:
        await openai_sdk.chat.completions.create(model="down", messages=HI)
    assert down.value.status_code == 503
    with pytest.raises(openai.NotFoundError):
        await openai_sdk.chat.completions.create(model="no-such", messages=HI)


async def test_a_body_of_64_mib_is_taken(served: Served) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"' + b"x" * 2**26 + b'"}]}'
    url = f"{served.base}/openai/v1/chat/completions"
    async with served.http.post(url, data=io.BytesIO(body)) as response:
        assert response.status == 200
        assert len(await response.read()) < 10_000


async def test_what_is_no_request_gets_a_400(served: Served) -> None:
    url = f"{served.base}/openai/v1/chat/completions"
    for body in (b"", b"{", b"[]", b"\xff", b'{"model":"m"}', b'{"model":1,"messages":[1]}'):
        async with served.http.post(url, data=body) as response:
            assert response.status == 400
            assert (await response.json())["error"]["type"] == "invalid_request_error"


async def test_100_continue_is_given(served: Served) -> None:
    url = f"{served.base}/openai/v1/embeddings"
    document = {"model": "m", "input": "x"}
    async with served.http.post(url, json=document, expect100=True) as response:
        assert response.status == 200


async def test_no_other_path_and_method_is_served(served: Served) -> None:
    for path in ("/", "/openai/v1/files", "/openai/chat/completions", "/a/b/v1/messages"):
        async with served.http.post(f"{served.base}{path}") as response:
            assert response.status == 404
    async with aiohttp.request("GET", f"{served.base}/openai/v1/embeddings") as response:
        assert response.status == 405
