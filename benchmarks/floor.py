"""The floor: an aiohttp and uvloop pass-through without any logic, what ours could cost at best.

Run as `python -m benchmarks.floor http://127.0.0.1:PORT`; it prints its own port.
"""

import asyncio
import sys

import uvloop
from aiohttp import ClientResponse, ClientSession, TCPConnector, web

PASSED = ("content-type", "authorization", "accept")


class Floor:
    """Sends every request on as it is, and every answer back."""

    def __init__(self, session: ClientSession, upstream: str) -> None:
        self._session = session
        self._upstream = upstream

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass a request on."""
        headers = {name: request.headers[name] for name in PASSED if name in request.headers}
        body = await request.read()
        address = f"{self._upstream}{request.path}"
        async with self._session.post(address, data=body, headers=headers) as answer:
            passed = {"content-type": answer.headers.get("content-type", "")}
            if passed["content-type"].startswith("text/event-stream"):
                return await _stream(request, answer, passed)
            return web.Response(status=answer.status, body=await answer.read(), headers=passed)


async def _stream(
    request: web.BaseRequest, answer: ClientResponse, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    async for block in answer.content.iter_any():
        await response.write(block)
    await response.write_eof()
    return response


async def serve(upstream: str) -> None:
    """Serve until the process is ended."""
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector, auto_decompress=False) as session:
        server = web.Server(Floor(session, upstream).answer, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
