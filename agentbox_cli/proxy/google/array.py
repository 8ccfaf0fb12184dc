"""A stream as one JSON array, for clients that do not ask for server-sent events."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import LooseHeaders

from agentbox_cli.proxy.sse import EventSplitter, data_of


class ArrayResponse(web.StreamResponse):
    """Takes whole server-sent events, and sends what they hold as items of an array.

    What clients are sent while there is nothing to say is blank here too, between the items.
    """

    def __init__(self, headers: LooseHeaders) -> None:
        super().__init__(headers=headers)
        self._splitter = EventSplitter()
        self._began = False

    async def write(self, data: Any) -> None:
        """Send the events that are complete now."""
        for event in self._splitter.feed(bytes(data)):
            await self._item(data_of(event) or event.strip())

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the array's end."""
        if not self._eof_sent:
            await super().write(b"]" if self._began else b"[]")
        await super().write_eof(data)

    async def _item(self, item: bytes) -> None:
        if not item:
            await super().write(b"\n")
            return
        await super().write((b",\n" if self._began else b"[") + item)
        self._began = True
