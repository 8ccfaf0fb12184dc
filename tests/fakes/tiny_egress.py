"""A stand-in for the proxy's egress: it records what LiteLLM sends, and answers as it is told."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ATTEMPT = "x-agentbox-attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One call of LiteLLM's."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(slots=True)
class TinyEgress:
    """Answers every call in the protocol of its path.

    An attempt named in `failures` is answered with that status and body instead. While `go_on` is
    not set, a stream stops after its first words.
    """

    received: list[Received] = field(default_factory=list)
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _runner: web.ServerRunner | None = None

    async def start(self) -> None:
        self.go_on.set()
        self._runner = web.ServerRunner(web.Server(self._serve))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def of(self, attempt: str) -> list[Received]:
        return [call for call in self.received if call.headers.get(ATTEMPT) == attempt]

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        body = json.loads(await http.content.read() or b"{}")
        headers = {name.lower(): value for name, value in http.headers.items()}
        self.received.append(Received(path=http.path_qs, headers=headers, body=body))
        failure = self.failures.get(headers.get(ATTEMPT, ""))
        if failure is not None:
            status, text = failure
            return web.Response(status=status, text=text, content_type="application/json")
        endpoint = http.path.rsplit("/", 1)[-1]
        if body.get("stream"):
            return await self._stream(http, STREAMS[endpoint])
        return web.json_response(ANSWERS[endpoint])

    async def _stream(self, http: web.BaseRequest, events: list[str]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(http)
        for number, event in enumerate(events):
            if number == len(events) // 2:
                await self.go_on.wait()
            await response.write(event.encode())
        return response


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

ANSWERS: dict[str, Any] = {
    "completions": {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hello there"},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    },
    "messages": {
        "id": "msg-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hello there"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    },
    "embeddings": {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, 0.5]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    },
}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    chunk = {
        "id": "chat-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(chunk)}\n\n"


def _event(name: str, **fields: Any) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n"


STREAMS: dict[str, list[str]] = {
    "completions": [
        _chunk({"role": "assistant", "content": "hello"}),
        _chunk({"content": " there"}),
        _chunk({}, "stop"),
        "data: [DONE]\n\n",
    ],
    "messages": [
        _event(
            "message_start",
            message={
                **ANSWERS["messages"],
                "content": [],
                "stop_reason": None,
                "usage": {"input_tokens": 3, "output_tokens": 1},
            },
        ),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hello"}),
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": " there"}),
        _event("content_block_stop", index=0),
        _event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 2},
        ),
        _event("message_stop"),
    ],
}
