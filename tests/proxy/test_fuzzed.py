"""Bytes that nobody would send, from both sides: no fault of ours, no hang, nothing left."""

import asyncio
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.scripted import END, Do, ScriptedProvider, begin_stream, chunk, whole
from tests.fakes.stand import Stand, eventually
from tests.proxy.conftest import MakeScripted, MakeStand

ROUNDS = int(os.environ.get("AGENTBOX_FUZZ_ROUNDS", "30"))
SEED = int(os.environ.get("AGENTBOX_FUZZ_SEED", "7"))
PATIENCE = 10.0
# After that nobody waits for the rest of a request that was cut off.
IMPATIENCE = 0.3
AT_ONCE = 20
# Connections to the simulated providers stay open, and both of their ends are in this process.
KEPT = 3 * AT_ONCE
PATHS = (
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/images/generations",
    "/v1/audio/transcriptions",
    "/v1/files",
    "/v1/responses/resp_a",
    "/v1/models/default",
    "/agentbox/limits/reset",
    "/agentbox/links/pause",
    "/agentbox/requests/x",
    "/agentbox/usage?since=1d&by=model",
    "/v1beta/models/default:generateContent?key=x",
    "/v1beta/models/default:streamGenerateContent?alt=sse",
    "/v1beta/models/default:streamGenerateContent",
    "/v1beta/models/claude%2f..%2fdefault:countTokens",
    "/v1beta/models?pageSize=0",
)
HEADERS = (
    b"content-type: multipart/form-data; boundary=x",
    b"content-type: multipart/form-data; boundary=" + b"y" * 200,
    b"content-type: application/json; charset=utf-16",
    b"content-encoding: deflate",
    b"accept-encoding: gzip;q=nan, *",
    b"anthropic-version: \xff\xfe",
    b"anthropic-beta: context-1m, \xc2\x9b31m",
    b"user-agent: \xc3\xa4\xe2\x80\xae()<>'\"",
    b"x-agentbox-project: \xff",
    b"x-forwarded-for: 1.2.3.4",
    b"expect: 100-continue",
    b"upgrade: websocket",
    b"idempotency-key: " + b"k" * 4_000,
    b"authorization: Bearer \xff",
    b"range: bytes=0-",
)
# What stands where a value of another kind is meant.
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    10**30,
    "",
    "x" * 3_000,
    "\ud800\u202e\x00",
    [],
    {},
    [[]],
    [None, 1, "x"],
    {"type": None},
    {"type": "image_url", "id": {}, "content": [{}]},
    [{"role": "user", "content": [{"type": "file", "file_id": 7}]}],
    [{"type": "reasoning", "encrypted_content": 1}],
    [{"role": 1, "parts": [{"text": 1}, {"inlineData": []}, {"functionCall": {"args": 1}}]}],
    {"parts": {"functionResponse": {"name": None, "response": "x"}}, "role": "model"},
    [{"functionDeclarations": [{"name": 1, "parameters": {"type": 5, "properties": [1]}}]}],
    {"responseSchema": {"type": "OBJECT", "items": 1, "anyOf": {}}, "stopSequences": 1},
)
CLOSE = b"connection: close"
VECTORS = "openai/text-embedding-3-small"
FIELDS = (
    *("model", "stream", "messages", "input", "prompt", "system", "tools", "stream_options", "n"),
    *("max_tokens", "previous_response_id", "conversation", "container", "store", "truncation"),
    *("contents", "systemInstruction", "generationConfig", "toolConfig", "cachedContent"),
    *("metadata", "name", "dry_run", "input_file_id", "response_format", "thinking"),
)


def odd_body(dice: random.Random) -> bytes:
    fields = dict.fromkeys(dice.sample(FIELDS, dice.randint(0, 6)))
    told = {name: dice.choice(ODD) for name in fields}
    if dice.random() < 0.8:
        told["model"] = dice.choice(["default", "claude", "answers", "vectors", "nobody"])
    text = json.dumps(told).encode()
    return text if dice.random() < 0.8 else spoilt(dice, text)


def spoilt(dice: random.Random, text: bytes) -> bytes:
    """The same with a few bytes changed, or cut off."""
    found = bytearray(text)
    for _ in range(dice.randint(1, 4)):
        if found:
            found[dice.randrange(len(found))] = dice.randrange(256)
    return bytes(found[: dice.randrange(len(found) + 1)] if dice.random() < 0.3 else found)


def odd_request(dice: random.Random) -> tuple[bytes, float]:
    """A request, and how long its answer may take."""
    body, method = odd_body(dice), dice.choice(["POST", "POST", "POST", "GET", "DELETE", "PUT"])
    lines = [f"{method} {dice.choice(PATHS)} HTTP/1.1".encode(), b"host: localhost", CLOSE]
    lines += dice.sample(HEADERS, dice.randint(0, 4))
    if dice.random() < 0.3:
        lines.append(b"transfer-encoding: chunked")
        body = chunk(body) + END if body else END
    else:
        lines.append(b"content-length: %d" % len(body))
    request = b"\r\n".join((*lines, b"", b"")) + body
    return (request, PATIENCE) if dice.random() < 0.8 else (spoilt(dice, request), IMPATIENCE)


async def sent(stand: Stand, request: bytes, seconds: float = PATIENCE) -> bytes:
    """Send bytes, and give what comes back until the proxy closes the connection."""
    async with stand.connected() as (reader, writer):
        writer.write(request)
        try:
            async with asyncio.timeout(seconds):
                return await reader.read()
        except TimeoutError:
            assert seconds < PATIENCE, f"it hangs: {request!r}"
        except ConnectionError:
            pass
    return b""


def assert_sound(answers: list[bytes], log: str) -> None:
    assert "a fault of ours" not in log
    assert "Traceback" not in log
    assert not [one for one in answers if b"agentbox_bug" in one or b"Traceback" in one]


async def assert_nothing_is_left(stand: Stand, tasks: int, files: int) -> None:
    await eventually(lambda: stand.in_flight() == 0, "reservations are given back")
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks + KEPT, "tasks have ended")
    await eventually(lambda: open_files() <= files + KEPT, "files are closed")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_no_request_makes_the_proxy_fail_or_hang(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(SEED)  # noqa: S311 - the same dice each time
    async with stand.http.get(f"{stand.url}/health") as answer:
        await answer.read()
    tasks, files = len(asyncio.all_tasks()), open_files()
    answers: list[bytes] = []
    for _ in range(ROUNDS):
        some = [odd_request(dice) for _ in range(AT_ONCE)]
        answers += await asyncio.gather(*(sent(stand, *each) for each in some))
    assert sum(one.startswith(b"HTTP/1.1 ") for one in answers) > len(answers) / 2
    assert_sound(answers, caplog.text)
    await assert_nothing_is_left(stand, tasks, files)


EVENTS = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1}},
    {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
    {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
    {"type": "response.output_text.delta", "delta": "x", "sequence_number": 3},
    {"type": "response.completed", "response": {"id": "r", "status": "completed", "usage": {}}},
    {"error": {"message": "no", "code": "overloaded"}},
)


def odd_events(dice: random.Random) -> Iterator[bytes]:
    for _ in range(dice.randint(0, 8)):
        told: dict[str, Any] = dict(dice.choice(EVENTS))
        if dice.random() < 0.4:
            told[dice.choice(list(told))] = dice.choice(ODD)
        event = b"event: %b\ndata: %b\n\n" % (
            str(told.get("type"))[:40].encode("utf-8", "replace"),
            json.dumps(told).encode(),
        )
        yield event if dice.random() < 0.8 else spoilt(dice, event)
    if dice.random() < 0.5:
        yield b"data: [DONE]\n\n"


def odd_answer(dice: random.Random) -> list[bytes | Do]:
    how = dice.random()
    if how < 0.6:
        chunks = [chunk(event) for event in odd_events(dice) if event]
        head = dice.choice([(), (b"content-encoding: gzip",), (b"content-encoding: br",)])
        return [begin_stream(*head), *chunks, *([END] if dice.random() < 0.7 else []), Do.CLOSE]
    body = json.dumps(dice.choice([*EVENTS, *ODD])).encode()
    status = dice.choice([b"200 OK", b"200 OK", b"204 X", b"301 X", b"400 X", b"429 X", b"500 X"])
    odd = (b"retry-after: nan", b"retry-after: -1", b"retry-after: " + b"9" * 300)
    plain = whole(body, dice.choice(odd), status=status)
    return [plain if dice.random() < 0.7 else spoilt(dice, plain), Do.CLOSE]


async def test_no_answer_of_a_provider_makes_the_proxy_fail_or_hang(
    make_stand: MakeStand, make_scripted: MakeScripted, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(SEED)  # noqa: S311 - the same dice each time
    provider: ScriptedProvider = await make_scripted([Do.CLOSE])
    chains = {
        "default": ("openai/gpt-4o",),
        "claude": ("anthropic/claude-sonnet-4-5",),
        "vectors": (VECTORS,),
    }
    section = {
        "router": {"num_retries": 0, "timeout": 5},
        "fallbacks": {"on_error": False, "on_rate_limit": False},
    }
    bases = {"openai": f"{provider.base}/v1", "anthropic": provider.base}
    stand = await make_stand(chains=chains, bases=bases, section=section)
    asks: list[tuple[str, dict[str, Any]]] = [
        ("/v1/chat/completions", {"model": "default", "messages": []}),
        ("/v1/responses", {"model": "default", "input": "x"}),
        ("/v1/messages", {"model": "claude", "messages": [], "max_tokens": 1}),
        ("/v1/messages/count_tokens", {"model": "claude", "messages": []}),
        ("/v1/embeddings", {"model": "vectors", "input": "x"}),
        ("/v1/audio/speech", {"model": "default", "input": "x"}),
        ("/v1/files", {}),
    ]
    tasks, files, answers = len(asyncio.all_tasks()), open_files(), []
    for _ in range(ROUNDS * 4):
        provider.will(odd_answer(dice))
        path, body = dice.choice(asks)
        text = json.dumps({**body, "stream": dice.random() < 0.7}).encode()
        told = (f"POST {path} HTTP/1.1".encode(), b"host: localhost", CLOSE)
        length = b"content-length: %d" % len(text)
        answers.append(await sent(stand, b"\r\n".join((*told, length, b"", text))))
    assert_sound(answers, caplog.text)
    assert all(one.startswith(b"HTTP/1.1 ") for one in answers)
    await assert_nothing_is_left(stand, tasks, files)


async def test_a_stream_of_embeddings_is_no_answer_and_no_fault_of_ours(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    provider = await make_scripted([begin_stream(), chunk(b"data: {}\n\n"), END])
    bases = {"openai": f"{provider.base}/v1"}
    section = {"router": {"num_retries": 0}}
    stand = await make_stand(chains={"v": (VECTORS,)}, bases=bases, section=section)
    async with stand.post("/v1/embeddings", model="v", input="x", stream=True) as answer:
        assert answer.status == 503
        assert answer.headers["x-agentbox-attempts"] == f"{VECTORS}=server"


async def test_an_error_whose_type_cannot_be_sent_on_is_told_all_the_same(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    body = b'{"error": {"message": "no"}}'
    head = b"HTTP/1.1 400 X\r\ncontent-type: a\xc2\x9b/b\r\ncontent-length: %d\r\n\r\n"
    provider = await make_scripted([head % len(body) + body])
    bases = {"openai": f"{provider.base}/v1"}
    stand = await make_stand(chains={"default": ("openai/gpt-4o",)}, bases=bases)
    async with stand.chat() as answer:
        assert (answer.status, await answer.read()) == (400, body)
        assert answer.headers["content-type"] == "application/json"
