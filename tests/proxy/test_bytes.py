"""On the direct lane a provider gets the client's bytes, and the client the provider's."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.fakes.clients import CHAT, MESSAGES, STREAMING, Tongue
from tests.fakes.scripted import END, begin_stream, chunk, whole
from tests.proxy.conftest import MakeScripted, MakeStand

# Odd on purpose: blanks, order, numbers, escapes, keys that come twice, fields of tomorrow.
BODIES = Path(__file__).parent / "bodies"
CASES = [
    pytest.param(tongue, file.read_bytes(), id=file.stem)
    for tongue in STREAMING
    for file in sorted(BODIES.glob(f"{tongue.name}-*.json"))
]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_model(body: bytes, model: str) -> bytes:
    """What the provider must get, made by hand: only the alias replaced."""
    told = body.replace(b'"default"', b'"%b"' % model.encode())
    return told.replace(b'"fast"', b'"%b"' % model.encode())


@pytest.mark.parametrize(("tongue", "body"), CASES)
async def test_a_provider_gets_the_clients_bytes_but_for_the_model(
    make_stand: MakeStand, make_scripted: MakeScripted, tongue: Tongue, body: bytes
) -> None:
    told = ANSWERS[tongue.name]
    provider = await make_scripted([whole(told)])
    stand = await make_stand(
        chains={"default": tongue.chain[:1]}, bases=_bases(tongue, provider.base)
    )
    async with stand.send(tongue.path, body) as answer:
        assert answer.status == 200, await answer.text()
        assert sha(await answer.read()) == sha(told)
    got = provider.requests[0].partition(b"\r\n\r\n")[2]
    model = tongue.first.partition("/")[2]
    assert sha(got) == sha(with_model(body, model)), got


async def test_a_stream_gets_its_stream_options_and_nothing_else(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    answer = [begin_stream(), chunk(CHAT_STREAM), END]
    provider = await make_scripted(answer)
    stand = await make_stand(chains={"default": CHAT.chain[:1]}, bases=_bases(CHAT, provider.base))
    body = b'{ "stream" : true, "messages":[ ], "model":"default", "seed":1.0 }'
    async with stand.send(CHAT.path, body) as reply:
        assert sha(await reply.read()) == sha(CHAT_STREAM)
    got = provider.requests[0].partition(b"\r\n\r\n")[2]
    assert got == (
        b'{ "stream" : true, "messages":[ ], "model":"gpt-4o", "seed":1.0'
        b',"stream_options":{"include_usage":true} }'
    )


@pytest.mark.parametrize("tongue", STREAMING[1:], ids=lambda tongue: tongue.name)
async def test_a_stream_passes_to_the_byte_both_ways(
    make_stand: MakeStand, make_scripted: MakeScripted, tongue: Tongue
) -> None:
    stream = STREAMS[tongue.name]
    provider = await make_scripted([begin_stream(), chunk(stream), END])
    stand = await make_stand(
        chains={"default": tongue.chain[:1]}, bases=_bases(tongue, provider.base)
    )
    body = b'{ "stream" : true, "x":1.0, "model":"default", "max_tokens":9, "messages":[ ] }'
    async with stand.send(tongue.path, body) as reply:
        assert sha(await reply.read()) == sha(stream)
    got = provider.requests[0].partition(b"\r\n\r\n")[2]
    assert sha(got) == sha(with_model(body, tongue.first.partition("/")[2]))


async def test_the_query_goes_along(make_stand: MakeStand, make_scripted: MakeScripted) -> None:
    provider = await make_scripted([whole(ANSWERS["messages"])])
    stand = await make_stand(
        chains={"default": MESSAGES.chain[:1]}, bases=_bases(MESSAGES, provider.base)
    )
    async with stand.post(f"{MESSAGES.path}?beta=true&x=%20a", model="default", **MESSAGES.body):
        pass
    assert provider.requests[0].startswith(b"POST /v1/messages?beta=true&x=%20a HTTP/1.1\r\n")


PASSED_BACK = {
    "request-id": "req_1",
    "x-request-id": "req-2",
    "openai-processing-ms": "12",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "5000",
    "x-ratelimit-remaining-tokens": "159976",
    "x-ratelimit-reset-requests": "12ms",
    "anthropic-ratelimit-requests-remaining": "999",
    "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:00Z",
    "retry-after": "7",
    "retry-after-ms": "7000",
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_the_headers_that_clients_use_pass_back(
    make_stand: MakeStand, make_scripted: MakeScripted, tongue: Tongue, status: int
) -> None:
    lines = [f"{name}: {value}".encode() for name, value in PASSED_BACK.items()]
    told = (
        ANSWERS[tongue.name]
        if status == 200
        else json.dumps({"error": {"message": "no"}}).encode()
    )
    provider = await make_scripted([whole(told, *lines, status=b"%d Told" % status)])
    stand = await make_stand(
        chains={"default": tongue.chain[:1]}, bases=_bases(tongue, provider.base)
    )
    async with tongue.post(stand) as answer:
        assert answer.status == status
        assert sha(await answer.read()) == sha(told)
        told_back = {name: answer.headers.get(name) for name in PASSED_BACK}
    assert told_back == PASSED_BACK


def _bases(tongue: Tongue, base: str) -> dict[str, str]:
    name = tongue.first.partition("/")[0]
    return {name: base if tongue is MESSAGES else f"{base}/v1"}


ANSWERS = {
    "chat": b'{ "id":"c1","object":"chat.completion","x":1.0,"choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"\\u00e9","annotations":[]},"logprobs":null,'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1},"new":{"b":1,"a":2}}\n',
    "messages": b'{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"thinking",'
    b'"thinking":"h","signature":"Eq+/="},{"type":"text","text":"\\u00e9"}],"model":"m",'
    b'"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1},"new": 1.0}',
    "responses": b'{"id":"resp_1","object":"response","output":[{"type":"reasoning","id":"rs_1",'
    b'"encrypted_content":"gA="},{"type":"message","id":"msg_1","role":"assistant","content":'
    b'[{"type":"output_text","text":"hi","annotations":[]}]}],"status":"completed","new": 1.0}',
}
CHAT_STREAM = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"\\u00e9"}}]}\n\n: a comment\n\n'
    b'data: {"x":1.0,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
# Odd as well: blanks, escapes, an event and a delta of tomorrow, a signature.
STREAMS = {
    "messages": b'event: message_start\ndata: {"type":"message_start","message":'
    b'{"id":"msg_1","x":1.0}}\n\n'
    b'event: ping\ndata: {"type": "ping"}\n\nevent: of_tomorrow\ndata: {"type":"of_tomorrow"}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"signature_delta","signature":"Eq+/="}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":'
    b'{"type":"text_delta","text":"\\u00e9"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop" }\n\n',
    "responses": b'event: response.created\ndata: {"type":"response.created","response":'
    b'{"id":"r"}}\n\n'
    b'event: response.of_tomorrow\ndata: {"type":"response.of_tomorrow","x":1.0}\n\n'
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta", '
    b'"delta":"\\u00e9"}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","response":{"id":"r","output":'
    b'[{"type":"reasoning","encrypted_content":"gA="}],"new": 1.0}}\n\n',
}
