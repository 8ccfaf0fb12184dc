"""LiteLLM in miniature: it takes a call on a unix socket and makes its own one at the egress.

It translates nothing, but it garbles failures, estimates tokens and makes up happy ends as
LiteLLM does.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from agentbox_cli.proxy.egress import ATTEMPT, Egress

HAPPY_END = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


class LoopEngine:
    """Calls the egress with what it was sent.

    Attributes:
        calls: the headers of the calls that arrived.
        broken: whether it answers by itself, with a 500.
    """

    def __init__(self, egress: Egress, url: str, http: aiohttp.ClientSession) -> None:
        self.calls: list[dict[str, str]] = []
        self.broken = False
        self._egress = egress
        self._url = url
        self._http = http

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.calls.append({name.lower(): value for name, value in request.headers.items()})
        if self.broken:
            return web.json_response({"error": {"message": "litellm broke"}}, status=500)
        headers = {
            "authorization": f"Bearer {self._egress.secret.get_secret_value()}",
            ATTEMPT: request.headers[ATTEMPT],
        }
        url = f"{self._url}/0/v1/chat/completions"
        async with self._http.post(url, data=await request.read(), headers=headers) as back:
            if back.status != 200:
                return web.json_response({"error": {"message": "garbled"}}, status=500)
            if back.content_type == "text/event-stream":
                return await self._stream(request, back)
            told = {"content-type": "application/json", "x-litellm-version": "1"}
            body = (await back.read()).replace(b'completion_tokens":', b'completion_tokens":9')
            return web.Response(body=body, headers=told)

    async def _stream(
        self, request: web.BaseRequest, back: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        try:
            async for chunk in back.content.iter_any():
                await response.write(chunk)
        except aiohttp.ClientPayloadError:
            await response.write(HAPPY_END)
        await response.write_eof()
        return response


@asynccontextmanager
async def loop_engine(egress: Egress, url: str, socket: Path) -> AsyncIterator[LoopEngine]:
    """Listen on `socket`, and come back to the egress at `url`."""
    async with aiohttp.ClientSession() as http:
        engine = LoopEngine(egress, url, http)
        server = web.Server(engine.answer, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(socket)).start()
        yield engine
        await runner.cleanup()
