"""A provider that keeps what it makes: responses, conversations, files; and knows nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class KeepingProvider:
    """Knows only what it made itself.

    Attributes:
        seen: method, path with query, and body of every call.
        things: what it made, by id.
        failing: statuses for the next calls.
    """

    name: str
    base: str = ""
    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: list[int] = field(default_factory=list)

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        body = await http.read()
        self.seen.append((http.method, http.path_qs, body))
        self.headers.append({name.lower(): value for name, value in http.headers.items()})
        if self.failing:
            return _error(self.failing.pop(0), "failing")
        parts = http.path.removeprefix("/v1/").split("/")
        kind, name = parts[0], parts[1] if len(parts) > 1 else None
        if name is None or (kind, name) == ("messages", "batches"):
            return await self._make(http, kind, body)
        if name not in self.things:
            return _error(404, f"No such {kind}: {name}")
        if http.method == "DELETE":
            return web.json_response({"id": name, "object": kind, "deleted": True})
        if parts[-1] == "content":
            return web.Response(body=bytes(range(256)), content_type="application/octet-stream")
        return web.json_response(self.things[name])

    async def _make(self, http: web.BaseRequest, kind: str, body: bytes) -> web.StreamResponse:
        if http.method == "GET":
            return web.json_response({"object": "list", "data": list(self.things.values())})
        asked = json.loads(body) if body.startswith(b"{") else {}
        for key in ("previous_response_id", "conversation", "input_file_id"):
            if asked.get(key) and asked[key] not in self.things:
                return _error(400, f"{key} {asked[key]!r} not found")
        made: dict[str, Any] = {"id": f"{kind}_{self.name}_{len(self.things)}", "object": kind}
        if kind == "responses":
            made |= {"object": "response", "status": "completed", "output": [_said(self.name)]}
        self.things[made["id"]] = made
        if asked.get("stream"):
            return await _streamed(http, made)
        return web.json_response(made, headers={"request-id": "req_theirs"})


def _said(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content}


async def _streamed(http: web.BaseRequest, made: dict[str, Any]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(http)
    for kind, extra in (
        ("response.created", {"response": made | {"status": "in_progress", "output": []}}),
        ("response.output_text.delta", {"delta": "hi"}),
        ("response.completed", {"response": made}),
    ):
        event = json.dumps({"type": kind, **extra})
        await response.write(f"event: {kind}\ndata: {event}\n\n".encode())
    await response.write_eof()
    return response


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": "x"}}, status=status)


@asynccontextmanager
async def keeping_provider(name: str) -> AsyncIterator[KeepingProvider]:
    """Listen on 127.0.0.1 until the end of the block."""
    provider = KeepingProvider(name)
    runner = web.ServerRunner(web.Server(provider.answer, access_log=None), shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await asyncio.shield(runner.cleanup())
