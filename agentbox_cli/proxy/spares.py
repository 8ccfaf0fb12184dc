"""The objects that asyncio, uvloop and aiohttp keep to use again instead of making new ones."""

import asyncio

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser, HttpResponseParser

# The longest of their lists.
KEPT = 256
# In this time the loop has run what it was told to, and closed its timers.
SOON = 0.05
READ_BUFFER = 64 * 1024
_REQUESTS = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n" * KEPT
_ANSWERS = b"HTTP/1.1 204 No Content\r\n\r\n" * KEPT


async def renew() -> None:
    """Have new objects kept instead of those that are."""
    kept = _taken()
    await asyncio.sleep(SOON)
    new = _taken()
    await asyncio.sleep(SOON)
    # These are kept from now on, for the lists are empty; then there is no room for the others.
    del new
    del kept


def _taken() -> list[object]:
    """As many as are kept of each kind, and more."""
    loop = asyncio.get_running_loop()
    handles: list[asyncio.Handle] = [loop.call_soon(_nothing) for _ in range(KEPT)]
    timers = [loop.call_later(SOON, _nothing) for _ in range(KEPT)]
    for each in (*handles, *timers):
        each.cancel()
    future = loop.create_future()
    return [handles, timers, [future.__await__() for _ in range(KEPT)], *_messages(loop)]


def _messages(loop: asyncio.AbstractEventLoop) -> list[object]:
    def parsed(parser: type[HttpRequestParser | HttpResponseParser], said: bytes) -> object:
        return parser(BaseProtocol(loop), loop, READ_BUFFER).feed_data(said)

    return [parsed(HttpRequestParser, _REQUESTS), parsed(HttpResponseParser, _ANSWERS)]


def _nothing() -> None:
    """Take a handle's place in the loop."""
