"""Progress for whoever waits, so that long calls are seen to live."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastmcp.server.context import Context

# Clients give up on silence after 30 s or more.
TICK_SECONDS = 2.0

T = TypeVar("T")


async def followed(ctx: Context, words: Callable[[], str], work: Awaitable[T]) -> T:
    """Await something, and tell the client at once and every two seconds how far it is.

    Args:
        ctx: whose request it is.
        words: how far it is by now.
        work: what is awaited.
    """
    ticking = asyncio.create_task(_tick(ctx, words))
    try:
        return await work
    finally:
        ticking.cancel()
        # A client that does not listen is no reason to fail.
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await ticking


async def _tick(ctx: Context, words: Callable[[], str]) -> None:
    begun = time.monotonic()
    while True:
        await ctx.report_progress(round(time.monotonic() - begun, 1), None, words())
        await asyncio.sleep(TICK_SECONDS)
