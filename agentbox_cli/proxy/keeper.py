"""Keeps what a running proxy learns in files, a little after each change."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy import kept, kept_spent, limits
from agentbox_cli.proxy.late_writing import DELAY_SECONDS, LateWriting
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.purse import Budgets


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Writes the limits that `memory` learns.

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
    _late: LateWriting[kept.Kept] = field(init=False)

    def __post_init__(self) -> None:
        self._late = LateWriting(
            snapshot=self._snapshot, write=self._write, lost="limits", delay=self.delay
        )

    def begin(self) -> None:
        """Take up what the last run knew, and from now on write what changes."""
        known = kept.still_true(kept.read(self.path), self.resolved, self.key)
        limits.restore(self.memory, known, time.monotonic(), time.time())
        self.memory.cooldowns.on_change = self._late.note
        self.memory.quotas.on_change = self._late.note

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._late.close()

    def _snapshot(self) -> kept.Kept:
        seen = limits.observe(self.memory, self.resolved.secrets(), time.monotonic(), time.time())
        return kept.worth_keeping(seen, self.resolved, self.key)

    def _write(self, snapshot: kept.Kept) -> None:
        kept.write(self.path, snapshot)


@dataclass(slots=True, kw_only=True)
class SpentKeeper:
    """Writes what `budgets` have counted.

    Args:
        path: the file.
        budgets: what is counted; None for nothing.
        delay: seconds between a change and the writing.
    """

    path: Path
    budgets: Budgets | None
    delay: float = DELAY_SECONDS
    _late: LateWriting[kept_spent.KeptSpent | None] = field(init=False)

    def __post_init__(self) -> None:
        self._late = LateWriting(
            snapshot=lambda: self.budgets.to_keep() if self.budgets else None,
            write=self._write,
            lost="what was spent, should the usage database be lost",
            delay=self.delay,
        )

    def begin(self) -> None:
        """Take up what the last run has counted, and from now on write what changes."""
        if self.budgets is not None:
            self.budgets.kept = kept_spent.read(self.path)
            self.budgets.ledger.on_spent = self._late.note

    async def close(self) -> None:
        """Write what is not written yet."""
        await self._late.close()

    def _write(self, snapshot: kept_spent.KeptSpent | None) -> None:
        if snapshot is not None:
            kept_spent.write(self.path, snapshot)
