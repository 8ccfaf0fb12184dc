"""Keeps the limits of a running proxy in their file, a little after each change."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.errors import ProxyError
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy import kept, limits
from agentbox_cli.proxy.memory import Memory

# Each answer of some providers changes a window; a file does not need to know at once.
DELAY_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Writes what `memory` learns, off the path of requests.

    Args:
        path: the file.
        memory: what requests learn.
        resolved: what the proxy runs on.
        key: the install's key.
        delay: seconds between a change and the writing.
    """

    path: Path
    memory: Memory
    resolved: Resolved
    key: SecretStr
    delay: float = DELAY_SECONDS
    _timer: asyncio.TimerHandle | None = None
    _writing: asyncio.Future[None] | None = None
    _failed: bool = field(default=False)

    def begin(self) -> None:
        """Take up what the last run knew, and from now on write what changes."""
        known = kept.still_true(kept.read(self.path), self.resolved, self.key)
        limits.restore(self.memory, known, time.monotonic(), time.time())
        self.memory.cooldowns.on_change = self._note
        self.memory.quotas.on_change = self._note

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._writing is not None:
            await self._writing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._write(self._snapshot())

    def _note(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.delay, self._begin_writing)

    def _begin_writing(self) -> None:
        self._timer = None
        if self._writing is not None and not self._writing.done():
            self._note()  # a slow disk: later, so that the newest is written last
            return
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(None, self._write, self._snapshot())

    def _snapshot(self) -> kept.Kept:
        seen = limits.observe(self.memory, self.resolved.secrets(), time.monotonic(), time.time())
        return kept.worth_keeping(seen, self.resolved, self.key)

    def _write(self, snapshot: kept.Kept) -> None:
        try:
            kept.write(self.path, snapshot)
        except ProxyError as error:
            if not self._failed:
                _log.warning("%s: a restart will not know of limits", error.message)
            self._failed = True
