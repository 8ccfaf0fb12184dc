import asyncio
import gzip
import json
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from agentbox_cli.simulate.faults import CONTEXT_TOO_LONG, HANGING, Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.simulate.conftest import Served, eventually

LINK = "openai/gpt-4o"
HI: Any = [{"role": "user", "content": "hi"}]
GAVE_UP = aiohttp.ClientTimeout(total=0.3)


async def given_up(served: Served, deployment: str) -> None:
    """Wait until the server has noticed that its caller left."""
    journal = served.providers.journal
    await eventually(lambda: journal.count_cancelled(deployment) == 1)


async def events_until_the_end(response: aiohttp.ClientResponse) -> tuple[int, bool]:
    """Count the events, and tell whether the body ended well."""
    text = b""
    try:
        async for piece in response.content.iter_any():
            text += piece
    except aiohttp.ClientPayloadError:
        return text.count(b"\n\n"), False
    return text.count(b"\n\n"), True


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 429, 500, 502, 503, 529])
async def test_a_status_comes_with_headers_and_a_body(served: Served, status: int) -> None:
    served.providers.faults.put(LINK, Fault(status=status, headers={"retry-after": "7"}))
    async with served.chat(LINK) as response:
        assert (response.status, response.headers["retry-after"]) == (status, "7")
        assert (await response.json())["error"]["message"]
    served.providers.faults.put("anthropic/claude", Fault(status=status))
    async with served.messages("anthropic/claude", stream=True) as response:
        assert response.status == status
        assert (await response.json())["type"] == "error"


async def test_a_context_error_is_worded_as_each_provider_does(served: Served) -> None:
    served.providers.faults.put(LINK, CONTEXT_TOO_LONG)
    async with served.chat(LINK) as response:
        assert (await response.json())["error"]["code"] == "context_length_exceeded"
    served.providers.faults.put("anthropic/claude", CONTEXT_TOO_LONG)
    async with served.messages("anthropic/claude") as response:
        assert "prompt is too long" in (await response.json())["error"]["message"]
    vllm = Fault(status=400, wording=Wording.VLLM_CONTEXT_WINDOW)
    served.providers.faults.put("gwdg_saia/llama", vllm)
    async with served.chat("gwdg_saia/llama") as response:
        document = await response.json()
    assert (document["object"], document["code"]) == ("error", 400)
    assert document["message"].startswith("This model's maximum context length is")


async def test_a_page_of_a_web_server_in_front(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(status=502, wording=Wording.HTML))
    async with served.chat(LINK) as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "502 Bad Gateway" in await response.text()


async def test_a_given_body_is_sent_as_it_stands(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(status=418, body='{"odd":1}'))
    async with served.chat(LINK) as response:
        assert (response.status, await response.text()) == (418, '{"odd":1}')


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hanging_call_is_noticed_when_it_is_given_up(served: Served, stream: bool) -> None:
    served.providers.faults.put(LINK, HANGING)
    url = f"{served.base}/openai/v1/chat/completions"
    document = {"model": "gpt-4o", "messages": HI, "stream": stream}
    with pytest.raises(TimeoutError):
        async with served.http.post(url, json=document, timeout=GAVE_UP):
            pass
    await given_up(served, LINK)
    assert served.providers.journal.count(LINK) == 1


async def test_the_model_hang_never_answers(served: Served) -> None:
    url = f"{served.base}/simulated/v1/chat/completions"
    document = {"model": "hang", "messages": HI}
    with pytest.raises(TimeoutError):
        async with served.http.post(url, json=document, timeout=GAVE_UP):
            pass
    await given_up(served, "simulated/hang")


@pytest.mark.parametrize("after", [0, 2])
async def test_a_stalled_stream_sends_its_events_and_no_more(served: Served, after: int) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.STALL, after_events=after))
    got = b""
    with pytest.raises(TimeoutError):  # noqa: PT012 - the headers must come first
        async with served.chat(LINK, stream=True) as response:
            assert response.status == 200
            async with asyncio.timeout(0.3):
                async for piece in response.content.iter_any():
                    got += piece
    assert got.count(b"\n\n") == after
    await given_up(served, LINK)


async def test_a_body_can_stall_in_its_middle(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.STALL))
    with pytest.raises(TimeoutError):  # noqa: PT012 - the headers must come first
        async with served.chat(LINK) as response:
            assert response.status == 200
            assert response.content_length is not None
            async with asyncio.timeout(0.3):
                await response.read()
    await given_up(served, LINK)


@pytest.mark.parametrize("after", [0, 3])
async def test_a_cut_stream_breaks_off(served: Served, after: int) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.CUT, after_events=after))
    async with served.chat(LINK, stream=True) as response:
        assert await events_until_the_end(response) == (after, False)


async def test_a_cut_body_breaks_off(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.CUT))
    async with served.chat(LINK) as response:
        assert response.status == 200
        assert response.content_length is not None
        half = await response.content.readexactly(response.content_length // 2)
        assert half.startswith(b"{")
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


async def test_a_clean_cut_ends_well_without_the_finish_marker(served: Served) -> None:
    fault = Fault(kind=FaultKind.CLEAN_CUT, after_events=99)
    calls = {
        served.chat: (b'"finish_reason":"stop"', b"[DONE]"),
        served.messages: (b"message_stop",),
        served.responses: (b"response.completed",),
    }
    for call, markers in calls.items():
        served.providers.faults.put("one/m", fault, fault)
        async with call("one/m", stream=True, stream_options={"include_usage": True}) as response:
            sent = await response.read()
        assert b"said:" in sent
        assert not any(marker in sent for marker in markers)


async def test_a_clean_cut_body_is_no_json(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.CLEAN_CUT))
    async with served.chat(LINK) as response:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await response.read())


async def test_a_closed_connection_sends_no_byte(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.CLOSE))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.base.split(":")[-1]))
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'
    head = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert served.providers.journal.count_cancelled(LINK) == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_garbage_comes_under_200(served: Served, stream: bool) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.GARBAGE))
    async with served.chat(LINK, stream=stream) as response:
        assert (response.status, response.content_type) == (200, "text/html")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_may_come_under_200(served: Served, stream: bool) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.ERROR_IN_200, status=429))
    async with served.chat(LINK, stream=stream) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        assert (await response.json())["error"]["code"] == "rate_limit_exceeded"


async def test_the_openai_sdk_meets_an_error_event(
    served: Served, openai_sdk: AsyncOpenAI
) -> None:
    for after in (0, 3):
        fault = Fault(kind=FaultKind.ERROR_EVENT, after_events=after)
        served.providers.faults.put("simulated/echo", fault)
        stream = await openai_sdk.chat.completions.create(model="echo", messages=HI, stream=True)
        seen = 0
        with pytest.raises(openai.APIError):  # noqa: PT012 - counts what comes before
            async for _ in stream:
                seen += 1
        assert seen == after


async def test_the_anthropic_sdk_meets_an_error_event(
    served: Served, anthropic_sdk: AsyncAnthropic
) -> None:
    for after in (0, 4):
        fault = Fault(kind=FaultKind.ERROR_EVENT, status=529, after_events=after)
        served.providers.faults.put("simulated/echo", fault)
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            async with anthropic_sdk.messages.stream(
                model="echo", max_tokens=9, messages=HI
            ) as stream:
                await stream.get_final_message()


async def test_responses_fail_by_an_event_of_their_own(
    served: Served, openai_sdk: AsyncOpenAI
) -> None:
    served.providers.faults.put(
        "simulated/echo", Fault(kind=FaultKind.ERROR_EVENT, after_events=2)
    )
    stream = await openai_sdk.responses.create(model="echo", input="hi", stream=True)
    events = [event async for event in stream]
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None


async def test_an_empty_stream_ends_at_once(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.EMPTY_STREAM))
    async with served.chat(LINK, stream=True) as response:
        assert response.content_type == "text/event-stream"
        assert await events_until_the_end(response) == (0, True)
    async with served.chat(LINK) as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_who_follows_a_redirect_is_seen(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.REDIRECT))
    async with served.chat(LINK, headers={"x": "y"}) as response:
        assert response.status == 200
    assert served.providers.journal.count("redirected/gpt-4o") == 1


async def test_a_slow_stream_is_whole(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.SLOW, delay_s=0.01))
    started = asyncio.get_running_loop().time()
    async with served.chat(LINK, stream=True) as response:
        count, well = await events_until_the_end(response)
    assert well
    assert asyncio.get_running_loop().time() - started >= 0.008 * count


@pytest.mark.parametrize("stream", [False, True])
async def test_gzip_holds_the_right_answer(served: Served, stream: bool) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.GZIP))
    async with aiohttp.ClientSession(auto_decompress=False) as raw:
        url = f"{served.base}/openai/v1/chat/completions"
        document = {"model": "gpt-4o", "messages": HI, "stream": stream}
        async with raw.post(url, json=document) as response:
            assert response.headers["content-encoding"] == "gzip"
            text = gzip.decompress(await response.read())
    assert b"said:" in text
    assert (b"[DONE]" in text) is stream


async def test_no_fault_can_still_add_headers(served: Served) -> None:
    quota = {"x-ratelimit-remaining-minute": "0"}
    served.providers.faults.put(LINK, Fault(kind=FaultKind.NONE, headers=quota))
    for stream in (False, True):
        async with served.chat(LINK, stream=stream) as response:
            assert response.status == 200
            assert response.headers["x-ratelimit-remaining-minute"] == "0"


async def test_a_client_that_leaves_a_running_stream_is_noticed(served: Served) -> None:
    served.providers.faults.put(LINK, Fault(kind=FaultKind.SLOW, delay_s=0.05))
    async with served.chat(LINK, stream=True) as response:
        await response.content.readany()
        response.close()
    await given_up(served, LINK)
