"""Stands where the MCP gateway stands, run as a script: `tiny_gateway.py SOCKET [exits]`."""

import asyncio
import json
import os
import sys

from aiohttp import web


async def health(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def asked(http: web.Request) -> web.StreamResponse:
    if http.query.get("crash"):
        os._exit(9)
    told = {
        "method": http.method,
        "path": http.path,
        "headers": {name.lower(): value for name, value in http.headers.items()},
        "body": await http.text(),
        "pid": os.getpid(),
    }
    headers = {"mcp-session-id": "s1", "set-cookie": "a=b", "x-other": "c"}
    return web.Response(text=json.dumps(told), headers=headers, content_type="application/json")


async def servers(_: web.Request) -> web.Response:
    if "hangs" in sys.argv:
        await asyncio.sleep(60)
    return web.json_response([{"server": "tiny", "state": "ready"}])


async def news(http: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await answer.prepare(http)
    try:
        for number in range(1_000_000):
            await answer.write(f"data: {number}\n\n".encode())
            await asyncio.sleep(0.05)
    finally:
        sys.stdout.write("a listener left\n")
        sys.stdout.flush()
    return answer


async def serve(socket: str) -> None:
    app = web.Application()
    app.router.add_get("/health", health)
    app.router.add_get("/servers", servers)
    app.router.add_get("/mcp", news)
    app.router.add_route("*", "/mcp/crash", lambda _: os._exit(9))
    app.router.add_route("*", "/mcp", asked)
    app.router.add_route("*", "/mcp/{server}", asked)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.stdout.write("the tiny gateway starts\n")
    sys.stdout.flush()
    if "exits" in sys.argv:
        sys.exit(3)
    asyncio.run(serve(sys.argv[1]))
