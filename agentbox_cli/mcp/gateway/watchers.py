"""Which clients watch which resources: sessions of old clients, streams of new ones."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import anyio
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST

from agentbox_cli.mcp.gateway.hub import Hub
from agentbox_cli.mcp.gateway.naming import Home
from agentbox_cli.mcp.gateway.upstream import Down

Find = Callable[[str], Awaitable[Home | None]]


class Watchers:
    """The watchers of one front.

    Args:
        hub: the servers.
        find: where a URI of this front comes from.
    """

    def __init__(self, hub: Hub, find: Find) -> None:
        self._hub = hub
        self._find = find
        self._sessions: dict[str, dict[str, Home]] = {}
        self._streams: Counter[tuple[str, Home]] = Counter()

    def sessions(self, home: Home) -> list[tuple[str, str]]:
        """Who watches a resource, and the URI that each knows it by."""
        return [
            (key, uri)
            for key, watched in self._sessions.items()
            for uri, each in watched.items()
            if each == home
        ]

    def streams(self, home: Home) -> set[str]:
        """The URIs by which streams of news watch a resource."""
        return {uri for uri, each in self._streams if each == home}

    async def subscribe(self, key: str, uri: str) -> None:
        """A session watches a resource; a second time changes nothing.

        Raises:
            MCPError: there is no such resource, or its server cannot tell of changes.
        """
        watched = self._sessions.setdefault(key, {})
        if uri not in watched:
            watched[uri] = await self._begun(uri)

    async def unsubscribe(self, key: str, uri: str) -> None:
        """It does not any more."""
        home = self._sessions.get(key, {}).pop(uri, None)
        if home is not None:
            await self._end(home)

    async def forget(self, key: str) -> None:
        """A session is over."""
        for home in self._sessions.pop(key, {}).values():
            await self._end(home)

    @asynccontextmanager
    async def listening(self, uris: Iterable[str]) -> AsyncIterator[list[str]]:
        """Have resources watched meanwhile; gives those that can be."""
        begun: list[tuple[str, Home]] = []
        try:
            for uri in map(str, uris):
                with contextlib.suppress(MCPError):
                    begun.append((uri, await self._begun(uri)))
            self._streams.update(begun)
            yield [uri for uri, _ in begun]
        finally:
            self._streams.subtract(begun)
            self._streams += Counter()  # drops what nobody listens to
            with anyio.CancelScope(shield=True):
                for _, home in begun:
                    await self._end(home)

    async def _begun(self, uri: str) -> Home:
        home = await self._find(uri)
        if home is None:
            raise MCPError(INVALID_PARAMS, f"there is no resource {uri}")
        upstream = self._hub.upstreams[home.server]
        if upstream.greeting is None or not upstream.greeting.subscribes:
            said = f"the MCP server {home.server} does not tell of changes of a resource"
            raise MCPError(INVALID_REQUEST, said)
        try:
            await upstream.watched.begin(home.name)
        except Down as why:
            raise MCPError(INTERNAL_ERROR, str(why)) from None
        return home

    async def _end(self, home: Home) -> None:
        # A server that is gone, or cannot be asked, watches nothing any more.
        upstream = self._hub.upstreams.get(home.server)
        if upstream is not None:
            with contextlib.suppress(Down, MCPError):
                await upstream.watched.end(home.name)
