"""Streams that break, clients that leave, and the records of both."""

import asyncio
import json
from typing import Any

import aiohttp
import anthropic
import openai
import pytest

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.usage.record import Tokens
from tests.fakes.clients import (
    CHAT,
    EMBEDDINGS,
    MESSAGES,
    RESPONSES,
    STREAMING,
    TONGUES,
    Tongue,
    anthropic_sdk,
    openai_sdk,
)
from tests.fakes.scripted import END, Do, begin_stream, chunk
from tests.fakes.stand import HELLO, Stand, eventually
from tests.proxy.conftest import MakeScripted, MakeStand

# How many events a simulated stream sends up to its first content and a little more.
SOME = {"chat": 3, "messages": 4, "responses": 6}
ALL_BUT_THE_END = 99
BREAKS = {
    "cut": (Fault(kind=FaultKind.CUT), ErrorKind.CONNECTION, "the answer was cut"),
    "stall": (
        Fault(kind=FaultKind.STALL),
        ErrorKind.TIMEOUT,
        "the stream paused for more than 0.3 seconds",
    ),
    "clean-cut": (
        Fault(kind=FaultKind.CLEAN_CUT),
        ErrorKind.SERVER,
        "the stream ended before it was complete",
    ),
    "error-event": (Fault(kind=FaultKind.ERROR_EVENT), ErrorKind.SERVER, None),
}


async def break_first(stand: Stand, tongue: Tongue, fault: Fault) -> None:
    after = ALL_BUT_THE_END if fault.kind is FaultKind.CLEAN_CUT else SOME[tongue.name]
    stand.fault(tongue.first, Fault(kind=fault.kind, after_events=after))


async def broken_stand(make_stand: MakeStand, tongue: Tongue, how: str) -> Stand:
    stand = await make_stand(
        chains={"default": tongue.chain}, section={"router": {"stream_timeout": 0.3}}
    )
    await break_first(stand, tongue, BREAKS[how][0])
    return stand


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_a_stream_that_breaks_after_content_ends_with_the_protocols_own_error(
    make_stand: MakeStand, tongue: Tongue, how: str
) -> None:
    stand = await broken_stand(make_stand, tongue, how)
    _, kind, message = BREAKS[how]

    async with tongue.post(stand, stream=True) as answer:
        assert answer.status == 200
        hint = f" (`agentbox litellm explain {answer.headers['x-agentbox-request-id']}`)"
        body = await answer.read()  # the body itself ends well

    events = body.split(b"\n\n")
    assert events.pop() == b""
    last = events.pop()
    told = json.loads(last.rpartition(b"data: ")[2])
    said = told["error"]["message"]
    assert said.startswith(f"{tongue.first}: ")
    assert said.endswith(hint)
    assert message is None or said == f"{tongue.first}: {message}{hint}"
    assert last == terminal(tongue, told, said)
    assert events, "the content before the break was passed on"
    assert not any(mark in body for mark in (b"[DONE]", b"message_stop", b"response.completed"))
    assert stand.calls(tongue.second) == 0

    [record] = stand.records
    assert (record.failure, record.complete, record.cancelled) == (kind, False, False)
    assert record.maybe_charged
    assert record.first_content_ms is not None
    assert record.first_content_ms <= record.elapsed_ms
    assert stand.in_flight() == 0


def terminal(tongue: Tongue, told: dict[str, Any], said: str) -> bytes:
    """The exact last event of the protocol."""
    text = json.dumps(said)
    if tongue is CHAT:
        return (
            f'data: {{"error":{{"message":{text},"type":"server_error","param":null,'
            '"code":"upstream_stream_error"}}'
        ).encode()
    if tongue is MESSAGES:
        return (
            'event: error\ndata: {"type":"error","error":'
            f'{{"type":"api_error","message":{text}}}}}'
        ).encode()
    response = told["response"]
    assert response["id"].startswith("resp_")
    assert response["created_at"] > 0
    assert response["model"] == "gpt-4.1"
    return (
        f'event: response.failed\ndata: {{"type":"response.failed",'
        f'"sequence_number":{told["sequence_number"]},'
        f'"response":{{"id":"{response["id"]}","object":"response",'
        f'"created_at":{response["created_at"]},"status":"failed","model":"gpt-4.1","output":[],'
        '"parallel_tool_calls":true,"tool_choice":"auto","tools":[],'
        f'"error":{{"code":"server_error","message":{text}}},"incomplete_details":null,'
        '"instructions":null,"metadata":null,"temperature":null,"top_p":null,'
        f'"usage":null}},"error":{{"code":"server_error","message":{text}}}}}'
    ).encode()


@pytest.mark.parametrize("how", BREAKS)
async def test_the_openai_sdk_raises_when_a_chat_stream_breaks(
    make_stand: MakeStand, how: str
) -> None:
    stand = await broken_stand(make_stand, CHAT, how)
    with pytest.raises(openai.APIError, match="openai/gpt-4o"):
        await CHAT.sdk(stand, True)


@pytest.mark.parametrize("how", BREAKS)
async def test_the_openai_sdk_raises_when_a_responses_stream_breaks(
    make_stand: MakeStand, how: str
) -> None:
    stand = await broken_stand(make_stand, RESPONSES, how)
    with pytest.raises(openai.APIError, match="openai/gpt-4"):
        await RESPONSES.sdk(stand, True)


@pytest.mark.parametrize("how", BREAKS)
async def test_the_openai_sdk_raises_when_a_raw_responses_stream_breaks(
    make_stand: MakeStand, how: str
) -> None:
    stand = await broken_stand(make_stand, RESPONSES, how)
    async with openai_sdk(stand) as sdk:
        events = await sdk.responses.create(model="default", input="hi there", stream=True)
        with pytest.raises(openai.APIError, match="openai/gpt-4"):
            async for _ in events:
                pass


@pytest.mark.parametrize("how", BREAKS)
async def test_the_anthropic_sdk_raises_when_a_stream_breaks(
    make_stand: MakeStand, how: str
) -> None:
    stand = await broken_stand(make_stand, MESSAGES, how)
    with pytest.raises(anthropic.APIStatusError, match="anthropic/claude"):
        await MESSAGES.sdk(stand, True)


@pytest.mark.parametrize("how", BREAKS)
async def test_the_anthropic_sdk_raises_when_a_raw_stream_breaks(
    make_stand: MakeStand, how: str
) -> None:
    stand = await broken_stand(make_stand, MESSAGES, how)
    async with anthropic_sdk(stand) as sdk:
        events = await sdk.messages.create(
            model="default",
            max_tokens=9,
            messages=HELLO,  # type: ignore[arg-type]  # plain dicts are fine
            stream=True,
        )
        assert isinstance(events, anthropic.AsyncStream)
        with pytest.raises(anthropic.APIStatusError, match="anthropic/claude"):
            async for _ in events:
                pass


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", TONGUES, ids=lambda tongue: tongue.name)
async def test_an_answer_leaves_one_record_with_the_tokens_that_were_reported(
    make_stand: MakeStand, tongue: Tongue, stream: bool
) -> None:
    stand = await make_stand(chains={"default": tongue.chain})
    await tongue.sdk(stand, stream)

    [record] = stand.records
    assert (record.attempt, record.link, record.alias) == (1, 1, "default")
    assert f"{record.provider}/{record.model}" == tongue.first
    assert (record.lane, record.endpoint, record.status) == ("direct", tongue.path, 200)
    assert record.stream is (stream and tongue is not EMBEDDINGS)
    assert (record.failure, record.complete, record.cancelled) == (None, True, False)
    assert not record.maybe_charged
    assert record.tokens.input == 2
    assert record.tokens.output == (None if tongue is EMBEDDINGS else 5)
    assert record.raw_usage
    assert record.first_content_ms is not None
    assert 0 < record.first_content_ms <= record.elapsed_ms
    assert record.caller in {"openai-python", "anthropic-python"}


async def test_every_call_leaves_a_record(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=500))
    async with CHAT.post(stand) as answer:
        request_id = answer.headers["x-agentbox-request-id"]

    assert [
        (record.attempt, record.link, record.status, record.failure, record.maybe_charged)
        for record in stand.records
    ] == [
        (1, 1, 500, ErrorKind.SERVER, True),
        (2, 1, 500, ErrorKind.SERVER, True),
        (3, 2, 200, None, False),
    ]
    assert {record.request_id for record in stand.records} == {request_id}
    assert stand.records[0].tokens == Tokens()
    assert stand.records[0].first_content_ms is None


async def test_a_stream_that_stalled_cools_its_link(make_stand: MakeStand) -> None:
    stand = await broken_stand(make_stand, CHAT, "stall")
    for served_by in CHAT.chain:
        async with CHAT.post(stand, stream=True) as answer:
            await answer.read()
            assert answer.headers["x-agentbox-served-by"] == served_by


async def test_the_client_does_not_see_usage_that_it_did_not_ask_for(stand: Stand) -> None:
    async with CHAT.post(stand, stream=True) as answer:
        body = await answer.read()
    assert b"prompt_tokens" not in body
    assert body.endswith(b"data: [DONE]\n\n")
    [call] = stand.seen(CHAT.first)
    assert call.document["stream_options"] == {"include_usage": True}
    assert stand.records[0].tokens.input == 2


async def test_the_client_sees_usage_that_it_asked_for(stand: Stand) -> None:
    options = {"include_usage": True, "include_obfuscation": False}
    async with CHAT.post(stand, stream=True, stream_options=options) as answer:
        assert b'"prompt_tokens":2' in await answer.read()
    [call] = stand.seen(CHAT.first)
    assert call.document["stream_options"] == options
    assert stand.records[0].tokens.input == 2


async def test_a_client_that_leaves_amid_a_stream_ends_the_call_upstream(stand: Stand) -> None:
    stand.fault(CHAT.first, Fault(kind=FaultKind.SLOW, delay_s=0.05))
    async with CHAT.post(stand, stream=True) as answer:
        await answer.content.readany()

    await eventually(lambda: bool(stand.records), "the attempt is recorded")
    [record] = stand.records
    assert (record.cancelled, record.complete, record.failure) == (True, False, None)
    assert record.maybe_charged
    await eventually(lambda: stand.cancelled(CHAT.first) == 1, "the provider sees it")
    assert stand.in_flight() == 0
    assert stand.calls(CHAT.second) == 0


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_a_client_that_leaves_before_the_first_byte_ends_the_call_upstream(
    make_stand: MakeStand, stream: bool
) -> None:
    # SAIA counts reservations; a cooled link makes the call a probe.
    router = {"num_retries": 0, "retry_after_seconds": 0.05}
    stand = await make_stand(
        chains={"default": ["gwdg_saia/llama-3.3-70b"]}, section={"router": router}
    )
    saia = "gwdg_saia/llama-3.3-70b"
    stand.fault(saia, Fault(status=503, times=2), Fault(kind=FaultKind.HANG))
    for _ in range(2):
        async with CHAT.post(stand) as answer:
            assert answer.status == 503

    client = asyncio.create_task(CHAT.post(stand, stream=stream)._coro)
    await eventually(lambda: stand.calls(saia) == 3, "the provider is called")
    assert stand.in_flight() == 2, "a reservation and a probe"
    client.cancel()

    await eventually(lambda: stand.cancelled(saia) == 1, "the provider sees it")
    await eventually(lambda: len(stand.records) == 3, "the attempt is recorded")
    record = stand.records[-1]
    assert (record.cancelled, record.complete, record.failure) == (True, False, None)
    assert record.status is None
    assert stand.in_flight() == 0


async def test_a_client_that_leaves_during_a_back_off_makes_no_further_call(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(chains={"default": ["gwdg_saia/llama-3.3-70b"]})
    stand.fault("gwdg_saia/llama-3.3-70b", Fault(status=429, headers={"retry-after": "4"}))
    client = asyncio.create_task(CHAT.post(stand)._coro)
    await eventually(lambda: bool(stand.records), "the first call has failed")
    client.cancel()
    await eventually(lambda: stand.in_flight() == 0, "nothing is held")
    assert len(stand.records) == stand.calls("gwdg_saia/llama-3.3-70b") == 1


async def test_the_last_link_waits_out_a_short_retry_after(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": ["openai/gpt-4o"]})
    busy = Fault(status=429, headers={"retry-after-ms": "30"}, times=1)
    stand.fault("openai/gpt-4o", busy, Fault(kind=FaultKind.NONE))
    assert "openai/gpt-4o" in await CHAT.sdk(stand, True)
    assert [record.attempt for record in stand.records] == [1, 2]


CONTENT = b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
FAILED = b'data: {"error":{"message":"no more","type":"server_error","code":null}}\n\n'


async def scripted_chat(
    make_stand: MakeStand, make_scripted: MakeScripted, *script: bytes | Do, **plan: Any
) -> Stand:
    provider = await make_scripted([begin_stream(), *script])
    bases = {"openai": f"{provider.base}/v1"}
    return await make_stand(chains={"default": CHAT.chain}, bases=bases, **plan)


async def test_done_without_a_finish_is_a_cut(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    script = (chunk(CONTENT), chunk(DONE), END)
    stand = await scripted_chat(make_stand, make_scripted, *script)
    async with CHAT.post(stand, stream=True) as answer:
        body = await answer.read()
    assert body.startswith(CONTENT)
    assert b"upstream_stream_error" in body
    assert b"[DONE]" not in body
    with pytest.raises(openai.APIError):
        await CHAT.sdk(stand, True)


async def test_done_without_content_is_a_failed_attempt(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    stand = await scripted_chat(make_stand, make_scripted, chunk(DONE), END)
    assert "gwdg_saia" in await CHAT.sdk(stand, True)


async def test_content_and_error_in_one_piece_end_with_the_error(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    stand = await scripted_chat(make_stand, make_scripted, chunk(CONTENT + FAILED + DONE), END)
    async with CHAT.post(stand, stream=True) as answer:
        body = await answer.read()
    assert body.startswith(CONTENT)
    assert body.count(b"\n\n") == 2
    assert b"openai/gpt-4o: no more" in body


@pytest.mark.parametrize("first", [b"", b": hello\n\n"])
async def test_an_error_before_content_fails_over_even_if_content_follows_at_once(
    make_stand: MakeStand, make_scripted: MakeScripted, first: bytes
) -> None:
    script = (chunk(first + FAILED + CONTENT + FINISH), END)
    stand = await scripted_chat(make_stand, make_scripted, *script)
    assert "gwdg_saia" in await CHAT.sdk(stand, True)


async def test_after_an_error_before_content_nothing_is_waited_for(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    stand = await scripted_chat(make_stand, make_scripted, chunk(FAILED), Do.HANG)
    assert "gwdg_saia" in await CHAT.sdk(stand, True)


async def test_after_the_marker_nothing_is_waited_for(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    script = (chunk(CONTENT), chunk(FINISH + DONE), Do.HANG)
    stand = await scripted_chat(make_stand, make_scripted, *script)
    async with CHAT.post(stand, stream=True) as answer:
        assert await answer.read() == CONTENT + FINISH + DONE


@pytest.mark.parametrize(
    "script",
    [
        (chunk(CONTENT + FINISH + DONE), Do.CLOSE),
        (chunk(CONTENT), chunk(FINISH + DONE), Do.RESET),
        (chunk(CONTENT), chunk(FINISH + DONE), Do.HANG),
        (chunk(CONTENT), chunk(FINISH), Do.CLOSE),
        (chunk(CONTENT), chunk(FINISH), Do.HANG),
        (chunk(CONTENT), chunk(FINISH), END),
        (chunk(CONTENT), chunk(FINISH.removesuffix(b"\n\n")), END),
    ],
    ids=[
        "done-cut",
        "done-reset",
        "done-hang",
        "finish-cut",
        "finish-hang",
        "finish-only",
        "finish-without-blank-line",
    ],
)
async def test_what_goes_wrong_after_the_marker_does_no_harm(
    make_stand: MakeStand, make_scripted: MakeScripted, script: tuple[bytes | Do, ...]
) -> None:
    section = {"router": {"stream_timeout": 0.3}}
    stand = await scripted_chat(make_stand, make_scripted, *script, section=section)
    assert await CHAT.sdk(stand, True) == "hi"
    # The SDK hangs up as soon as it has seen the marker.
    await eventually(lambda: bool(stand.records), "the attempt is recorded")
    [record] = stand.records
    assert (record.complete, record.failure) == (True, None)


async def test_a_compressed_stream_is_read_and_passed_on_in_clear(stand: Stand) -> None:
    stand.fault(CHAT.first, Fault(kind=FaultKind.GZIP))
    async with CHAT.post(stand, stream=True) as answer:
        body = await answer.read()
        assert "content-encoding" not in answer.headers
        assert "content-length" not in answer.headers
    assert f"[{CHAT.first}]".encode() in body
    assert body.endswith(b"data: [DONE]\n\n")
    [call] = stand.seen(CHAT.first)
    assert call.headers["accept-encoding"] == "identity"


async def test_a_fault_of_ours_amid_a_stream_looks_like_a_cut(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand.fault(CHAT.first, Fault(kind=FaultKind.SLOW, delay_s=0.02))
    async with CHAT.post(stand, stream=True) as answer:
        await answer.content.readany()
        monkeypatch.setattr("agentbox_cli.proxy.sieve.Sieve.take", _breaks)
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert "a fault of ours" in caplog.text
    assert [record.complete for record in stand.records] == [False]


def _breaks(*_: object) -> bytes:
    raise RuntimeError("on purpose")
