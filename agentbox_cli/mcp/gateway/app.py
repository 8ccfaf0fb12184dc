"""The gateway's HTTP: `/mcp` for all servers, `/mcp/<server>` for one; `/status` for us."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import INVALID_PARAMS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from agentbox_cli.config.names import closest
from agentbox_cli.mcp.gateway.front import Front
from agentbox_cli.mcp.gateway.hub import Hub
from agentbox_cli.mcp.gateway.naming import Home
from agentbox_cli.mcp.gateway.report import brief_of, status_of

PATH = "/mcp"
STATUS = "/status"
SERVERS = "/servers"
HEALTH = "/health"
_BODY_LIMIT = 64 * 1024 * 1024


class Door:
    """A front and its sessions over HTTP.

    Args:
        front: what is served.
    """

    def __init__(self, front: Front) -> None:
        self.front = front
        # Host and Origin were checked by the daemon's guard; nobody else can open the socket.
        self.manager = StreamableHTTPSessionManager(
            front.server, max_request_body_size=_BODY_LIMIT
        )
        self._open = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take requests."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        opened = asyncio.create_task(self._open.wait())
        try:
            await asyncio.wait([opened, self._task], return_when=asyncio.FIRST_COMPLETED)
        finally:
            opened.cancel()
        if self._task.done():
            await self._task  # it failed, and tells why

    async def close(self) -> None:
        """End every session."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        async with self.manager.run():
            self._open.set()
            await asyncio.Event().wait()


class Gateway:
    """All doors, and the servers behind them.

    Args:
        config_file: the config.yml.
    """

    def __init__(self, config_file: Path) -> None:
        self.hub = Hub(config_file, self._changed, self._updated)
        self._all = Door(Front(self.hub, "agentbox", self._names, prefixed=True))
        self._single: dict[str, Door] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route(HEALTH, lambda _: Response(status_code=204)),
                Route(STATUS, self._status),
                Route(SERVERS, lambda _: JSONResponse(brief_of(self.hub))),
                Route(PATH, endpoint=_Everything(self)),
                Route(PATH + "/{server}", endpoint=_OneServer(self)),
            ],
            lifespan=self._life,
        )

    async def door(self, server: str) -> Door | None:
        """The door of one server; None if there is no such server."""
        if server not in self.hub.upstreams:
            # It may have been added a moment ago.
            await self.hub.look()
        if server not in self.hub.upstreams:
            return None
        if server not in self._single:
            front = Front(self.hub, f"agentbox {server}", lambda: (server,), prefixed=False)
            self._single[server] = Door(front)
        await self._single[server].open()
        return self._single[server]

    async def everything(self) -> Door:
        """The door of all servers."""
        await self._all.open()
        return self._all

    def unknown(self, server: str) -> Response:
        """The answer for a server that is not there."""
        known = list(self.hub.upstreams)
        meant = closest(server, known)
        hint = f"did you mean {meant!r}?" if meant else f"known: {', '.join(known) or 'none'}"
        message = f"config.yml has no MCP server {server[:100]!r}; {hint}"
        return _error(404, INVALID_PARAMS, message)

    def _names(self) -> tuple[str, ...]:
        return tuple(self.hub.upstreams)

    def _changed(self, server: str, kind: str) -> None:
        for front in self._fronts(server):
            self._later(front.tell(kind))

    def _updated(self, server: str, uri: str) -> None:
        for front in self._fronts(server):
            self._later(front.tell_updated(Home(server=server, name=uri)))

    def _fronts(self, server: str) -> list[Front]:
        """Where a server is seen."""
        doors = [self._all, *(door for name, door in self._single.items() if name == server)]
        return [door.front for door in doors]

    def _later(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _status(self, _: Request) -> Response:
        await self.hub.look()
        await self.hub.gathered(self._names())
        return JSONResponse(status_of(self.hub))

    @asynccontextmanager
    async def _life(self, _: Starlette) -> AsyncIterator[None]:
        await self.hub.look()
        keeping = asyncio.create_task(self.hub.run())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
            for door in (self._all, *self._single.values()):
                await door.close()


class _Everything:
    """`/mcp`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = await self._gateway.everything()
        await door.manager.handle_request(scope, receive, send)


class _OneServer:
    """`/mcp/<server>`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name: str = scope["path_params"]["server"]
        door = await self._gateway.door(name)
        if door is None:
            await self._gateway.unknown(name)(scope, receive, send)
        else:
            await door.manager.handle_request(scope, receive, send)


def _error(status: int, code: int, message: str) -> Response:
    body: dict[str, Any] = {"code": code, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": body}, status_code=status)
