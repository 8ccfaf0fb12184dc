"""A crowd: so many connections at once that what they leave behind is worth giving back.

While there is one its objects are made in memory that can be given back page by page, at some CPU
time for each; when it is gone for a while, what remains of it is moved out of there.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

MANY = 64
FEW = 32
# Connections to providers are kept for the next call; the last of them is closed after 30 s.
REST_SECONDS = 40.0

_log = logging.getLogger(__name__)

# Moves what lives on to where objects are made now.
Mover = Callable[[], Awaitable[None]]


class Where(Protocol):
    """Where objects are made, as `Allocation` has it."""

    def by_c(self) -> None:
        """In memory that is given back page by page."""

    def by_python(self) -> None:
        """Where they are made fastest."""

    def trim(self) -> None:
        """Give pages back."""


class Crowds:
    """Counts the connections to the proxy, and acts when they become many, and few again.

    Args:
        allocation: where objects are made, which nobody else decides.
        movers: for what lives on after a crowd.
        rest: seconds between the end of a crowd and the tidying up.
    """

    def __init__(self, allocation: Where, *movers: Mover, rest: float = REST_SECONDS) -> None:
        self._allocation = allocation
        self._movers = movers
        self._rest = rest
        self._open = 0
        self._crowded = False
        self._timer: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Task[None] | None = None

    def made(self, _handler: Any, _transport: Any) -> None:
        """Count a new connection."""
        self._open += 1
        if self._open > MANY and not self._crowded:
            self._crowded = True
            self._stop()
            self._allocation.by_c()

    def lost(self, _handler: Any) -> None:
        """Count one that has ended."""
        self._open -= 1
        if self._open < FEW and self._crowded:
            self._crowded = False
            self._allocation.by_python()
            self._timer = asyncio.get_running_loop().call_later(self._rest, self._begin)

    async def close(self) -> None:
        """Let it be, whatever is under way."""
        tidying = self._tidying
        self._stop()
        if tidying is not None:
            await asyncio.gather(tidying, return_exceptions=True)

    def _stop(self) -> None:
        for each in (self._timer, self._tidying):
            if each is not None:
                each.cancel()
        self._timer = self._tidying = None

    def _begin(self) -> None:
        self._timer = None
        self._tidying = asyncio.ensure_future(self._tidy())

    async def _tidy(self) -> None:
        # First, for it also empties Python's own lists of objects to use again.
        gc.collect()
        for move in self._movers:
            try:
                await move()
            except Exception:  # noqa: BLE001 - memory that is not given back is no harm
                _log.warning("some memory of a crowd is not given back", exc_info=True)
        self._allocation.trim()
