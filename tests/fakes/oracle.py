"""A provider that says what a test wants, as OpenAI's chat streams, in a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Saying = Callable[[list[dict[str, Any]]], str | int]


@dataclass(slots=True)
class Oracle:
    """Answers every chat with what `says` makes of its messages; a number is an HTTP status.

    Attributes:
        asked: the bodies that arrived.
        most: how many were under way at once, at the most.
    """

    says: Saying = lambda _: "nothing"
    asked: list[dict[str, Any]] = field(default_factory=list)
    most: int = 0
    url: str = ""
    _now: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _runner: web.AppRunner | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        assert self._runner is not None
        assert self._thread is not None
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", self._answer)
        runner = self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(0.05)  # long enough for others to come in meanwhile
            said = self.says(body["messages"])
        finally:
            self._now -= 1
        if isinstance(said, int):
            error = {"message": f"refused with {said}", "type": "server_error"}
            return web.json_response({"error": error}, status=said)
        return await _stream(request, said)


async def _stream(request: web.Request, text: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    told: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    for event in told:
        chunk = {"id": "c", "object": "chat.completion.chunk", "model": "m", **event}
        await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response
