"""A simulated provider that costs next to nothing: HTTP/1.1 on a bare asyncio protocol.

It answers chat calls, and at `/v1/messages` those of Anthropic's protocol. Run as
`python -m benchmarks.provider`; it prints its port. How a model fails its name tells: see
`REFUSALS`. Streams of `slow` take seconds, those of `cut` too and then break. `GET /counts` tells
how often each model was called.
"""

import asyncio
import json
import re
from collections import Counter
from typing import cast

import uvloop

from benchmarks import claude

BRIEF_SECONDS = 1
# The rest of a stream comes later, so that its first content is not its end.
PAUSE_SECONDS = 0.004
SLOW = "slow"
CUT = "cut"
# So long that a thousand streams are open at once.
SLOW_SECONDS = 5.0

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model":\s*"([^"]*)"')
_STREAM = re.compile(rb'"stream":\s*true')
_MESSAGES = b"POST /v1/messages"


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, calls: Counter[str]) -> None:
        self._calls = calls
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's by shape only.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while size := request_size(self._buffer):
            request, self._buffer = self._buffer[:size], self._buffer[size:]
            self._answer(request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._transport = None

    def _answer(self, request: bytes) -> None:
        if request.startswith(b"GET "):
            self._send(whole(b"200 OK", json.dumps(self._calls).encode()))
            return
        found = _MODEL.search(request)
        model = found[1] if found else b""
        self._calls[model.decode()] += 1
        refusal = REFUSALS.get(model.partition(b"-")[0])
        if refusal is not None:
            self._send(refusal)
        elif request.startswith(_MESSAGES):
            self._answer_message(request)
        elif _STREAM.search(request):
            self._stream(model.decode(), ending(request))
        else:
            self._send(ANSWER)

    def _answer_message(self, request: bytes) -> None:
        if _STREAM.search(request):
            self._send(STREAM_HEAD + CLAUDE_BEGINNING)
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._send, CLAUDE_REST)
        else:
            self._send(CLAUDE_ANSWER)

    def _stream(self, model: str, rest: bytes) -> None:
        self._send(STREAM_HEAD + BEGINNING)
        later = asyncio.get_running_loop().call_later
        pause = SLOW_SECONDS if model in {SLOW, CUT} else PAUSE_SECONDS
        if model == CUT:
            later(pause, self._hang_up)
        else:
            later(pause, self._send, rest)

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def request_size(buffer: bytes) -> int:
    """Bytes of the first whole request in the buffer; 0 if it is not whole."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    length = _LENGTH.search(buffer, 0, head + 2)
    size = head + 4 + (int(length[1]) if length else 0)
    return size if len(buffer) >= size else 0


def whole(status: bytes, body: bytes, *headers: bytes) -> bytes:
    """An answer with its length."""
    lines = (
        b"HTTP/1.1 " + status,
        b"content-type: application/json",
        *headers,
        b"content-length: %d" % len(body),
        b"",
        body,
    )
    return b"\r\n".join(lines)


def ending(request: bytes) -> bytes:
    """The rest of a stream, with the token counts if the request asks for them."""
    counts = chunk({"choices": [], "usage": USAGE}) if b'"include_usage"' in request else b""
    return MIDDLE + counts + DONE


def chunk(fields: dict[str, object]) -> bytes:
    """One event of a stream, in a chunk of its own."""
    return _framed(b"data: " + json.dumps({**STREAM_FIELDS, **fields}).encode() + b"\n\n")


def _framed(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


def _delta(delta: dict[str, str], finish: str | None = None) -> bytes:
    return chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


TEXT = "A provider that answers at once, so that what is measured is the way to it."
WORDS = TEXT.split()
USAGE = {"prompt_tokens": 42, "completion_tokens": 17, "total_tokens": 59}
FIELDS = {"id": "chatcmpl-bench", "created": 1767225600, "model": "echo"}
STREAM_FIELDS = {**FIELDS, "object": "chat.completion.chunk"}

ANSWER = whole(
    b"200 OK",
    json.dumps(
        {
            **FIELDS,
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": TEXT},
                    "finish_reason": "stop",
                }
            ],
            "usage": USAGE,
        }
    ).encode(),
)


def _refusal(status: bytes, kind: str, *headers: bytes) -> bytes:
    error = {"message": "Not now.", "type": kind, "param": None, "code": kind}
    return whole(status, json.dumps({"error": error}).encode(), *headers)


# By what a model's name begins with, up to the dash.
REFUSALS = {
    b"limited": _refusal(b"429 Too Many Requests", "rate_limit_exceeded", b"retry-after: 600"),
    b"brief": _refusal(
        b"429 Too Many Requests", "rate_limit_exceeded", b"retry-after: %d" % BRIEF_SECONDS
    ),
    b"steady": _refusal(b"429 Too Many Requests", "rate_limit_exceeded", b"retry-after: 600"),
    b"all": _refusal(b"429 Too Many Requests", "rate_limit_exceeded", b"retry-after: 600"),
    b"broken": _refusal(b"500 Internal Server Error", "server_error"),
}
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
BEGINNING = _delta({"role": "assistant", "content": ""}) + _delta({"content": WORDS[0]})
MIDDLE = b"".join(_delta({"content": f" {word}"}) for word in WORDS[1:]) + _delta({}, "stop")
DONE = _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"

CLAUDE_ANSWER = whole(b"200 OK", claude.whole_message(TEXT))
CLAUDE_BEGINNING = claude.beginning(WORDS[0])
CLAUDE_REST = claude.rest(WORDS[1:])


async def serve() -> None:
    """Serve until the process is ended."""
    calls: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(calls), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
