"""A file that follows what a running proxy learns: written a little later, off the event loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from agentbox_cli.errors import ProxyError

# Each answer may change something; a file does not need to know at once.
DELAY_SECONDS = 2.0

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class LateWriting(Generic[T]):
    """Writes what there is to know, off the path of requests.

    Args:
        snapshot: gives what there is to know, in the event loop.
        write: writes it, in another thread; may raise ProxyError.
        lost: what a restart will not know of if it cannot be written.
        delay: seconds between a change and the writing.
    """

    snapshot: Callable[[], T]
    write: Callable[[T], None]
    lost: str
    delay: float = DELAY_SECONDS
    _timer: asyncio.TimerHandle | None = None
    _writing: asyncio.Future[None] | None = None
    _failed: bool = field(default=False)

    def note(self) -> None:
        """Have a change written."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.delay, self._begin_writing)

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            await self._writing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._write(self.snapshot())

    def _begin_writing(self) -> None:
        self._timer = None
        if self._writing is not None and not self._writing.done():
            self.note()  # a slow disk: later, so that the newest is written last
            return
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._write, self.snapshot())

    def _write(self, snapshot: T) -> None:
        try:
            self.write(snapshot)
        except ProxyError as error:
            if not self._failed:
                _log.warning("%s: a restart will not know of %s", error.message, self.lost)
            self._failed = True
