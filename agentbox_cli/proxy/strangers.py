"""Connections of callers who have not shown yet that they may call: few, and for a moment only.

Anybody on this machine can connect to the port and hold still. Without a limit another user's
idle connections would use up the proxy's files, and keep out whom it is for (tried).
"""

import asyncio
import resource
from typing import Any

# To send the head of a request takes milliseconds.
SECONDS = 10.0
MOST = 1_024
# Of the files that this process may open; each request of a known caller needs two.
SHARE = 4


def most_by_files() -> int:
    """How many connections one kind of caller may hold, so that files are left for the others."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft // SHARE))


class Strangers:
    """Ends a stranger's connection after a while; the oldest first where there are too many.

    The oldest, because a caller with the key shows it at once.

    Args:
        most: how many there may be.
        seconds: how long each has to show that it may call.
    """

    def __init__(self, most: int, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._timers: dict[Any, tuple[Any, asyncio.TimerHandle]] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def made(self, handler: Any, transport: Any) -> None:
        """Take note of a stranger's new connection."""
        if len(self._timers) >= self._most:
            oldest = next(iter(self._timers))
            self._timers[oldest][0].abort()
            self.lost(oldest)
        timer = asyncio.get_running_loop().call_later(self._seconds, transport.abort)
        self._timers[handler] = transport, timer

    def known(self, handler: Any) -> None:
        """Let a caller stay who has shown that it may call."""
        self.lost(handler)

    def lost(self, handler: Any) -> None:
        """Let go of a connection that has ended."""
        if found := self._timers.pop(handler, None):
            found[1].cancel()
