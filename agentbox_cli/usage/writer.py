"""Writes requests into the database; while it cannot be written, into a journal."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.usage.database import Opened, Place, is_damage, open_for_writing
from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.store import Prices, add, price_version

# Lines of the journal in one transaction: what comes in meanwhile is only in memory.
SLICE = 100
# How long the end of a proxy may be held up by a journal; the rest is for the next start.
CLOSING_SECONDS = 5.0
# Work that comes again and again is done that often.
HOUR_SECONDS = 3_600.0
# Seconds until a database that failed is tried again, at first and at the most.
RETRY_SECONDS = (1.0, 30.0)

# What says that a record, and not the database, is at fault.
_UNFIT = (DataError, IntegrityError, OverflowError, ValueError)

_log = logging.getLogger(__name__)


class StoreWriter:
    """Writes requests, for one thread at a time.

    Args:
        find_place: says where the database is.
        journal: where requests wait while it cannot be written.
        prices: what the deployments cost.
        on_ready: told once the database is open, and has what waited in the journal.
        hourly: told then and every hour, whether something is written or not; says whether it has
            done all that there was, and is told again at once if not.
        retry: seconds until a database that failed is tried again, at first and at the most.
    """

    def __init__(  # noqa: PLR0913 - each is told by name, and most have a default
        self,
        find_place: Callable[[], Place],
        journal: Path,
        prices: Prices,
        *,
        on_ready: Callable[[Engine], None] | None = None,
        hourly: Callable[[Engine], bool] | None = None,
        retry: tuple[float, float] = RETRY_SECONDS,
    ) -> None:
        self._find_place = find_place
        self._journal = Journal(journal)
        self._prices = prices
        self._on_ready = on_ready
        self._hourly = hourly
        self._hourly_at = 0.0
        self._first_retry, self._longest_retry = retry
        self._opened: Opened | None = None
        self._reading: Iterator[RequestRecord | None] | None = None
        self._suspect = False
        self._version = 0
        self._pause = self._first_retry
        self._retry_at = 0.0
        self.trouble: str | None = None
        self.moved: Path | None = None
        self.lost = 0

    @property
    def retry_in(self) -> float | None:
        """Seconds until it goes on by itself; None if there is nothing to go on with."""
        if self._reading is not None:
            return 0.0
        if self.trouble is not None:
            return max(0.0, self._retry_at - time.monotonic())
        if self._hourly is not None:
            return max(0.0, self._hourly_at - time.monotonic())
        return None

    def open(self) -> None:
        """Open the database; if it cannot be had, the next write tries again."""
        try:
            self._open()
        except Exception as error:  # noqa: BLE001 - as for a write
            self._fails(error)

    def write(self, records: Sequence[RequestRecord]) -> bool:
        """Write to the database or else to the journal; False if neither takes them.

        While something waits in the journal they go there first: it never keeps anybody waiting.
        """
        if self._journal.waiting and self._spill(records):
            records = ()
        if self.trouble is None or time.monotonic() >= self._retry_at:
            try:
                self._store(records)
            except Exception as error:  # noqa: BLE001 - whatever it is, the journal takes them
                self._fails(error)
            else:
                return True
        return self._spill(records)

    def close(self) -> None:
        """Try once more what waits in the journal, and let go of the database."""
        until = time.monotonic() + CLOSING_SECONDS
        self._retry_at = 0.0
        while self._journal.waiting and self.write(()) and time.monotonic() < until:
            if self._reading is None:
                break
        self._let_go()

    def _store(self, records: Sequence[RequestRecord]) -> None:
        if self._opened is not None and self._opened.gone:
            _log.warning("the usage database was deleted or replaced while it was in use")
            self._let_go()
        opened = self._opened or self._open()
        if self._journal.waiting:
            self._replay(opened.engine)
        if self._on_ready is not None and self._reading is None:
            self._on_ready(opened.engine)
            self._on_ready = None
        self._tell_hourly(opened.engine)
        self._add(opened.engine, records, new=True)
        if self.trouble is not None:
            _log.info("usage is written again")
        self.trouble = None
        self._pause = self._first_retry

    def _tell_hourly(self, engine: Engine) -> None:
        now = time.monotonic()
        if self._hourly is not None and now >= self._hourly_at and self._hourly(engine):
            self._hourly_at = now + HOUR_SECONDS

    def _open(self) -> Opened:
        opened = open_for_writing(self._find_place(), suspect=self._suspect)
        self._suspect = False
        if opened.moved is not None:
            self.moved = opened.moved
            _log.warning("the usage database was damaged and is now %s", opened.moved)
        self._version = price_version(opened.engine, self._prices)
        self._opened = opened
        return opened

    def _replay(self, engine: Engine) -> None:
        """Write the next slice of the journal, and forget the journal after the last one."""
        if self._reading is None:
            self._reading = self._journal.read()
        lines = list(islice(self._reading, SLICE))
        records = [record for record in lines if record is not None]
        self._add(engine, records)
        if unreadable := len(lines) - len(records):
            self.lost += unreadable
            _log.warning("%d lines of the usage journal could not be read", unreadable)
        if len(lines) < SLICE:
            self._reading = None
            self._journal.clear()

    def _add(self, engine: Engine, records: Sequence[RequestRecord], *, new: bool = False) -> None:
        """Write records; one that no database takes must not keep the others out."""
        if not records:
            return
        try:
            add(engine, records, self._version, new=new)
        except _UNFIT as error:
            if new:
                self._add(engine, records)
            elif len(records) > 1:
                half = len(records) // 2
                self._add(engine, records[:half])
                self._add(engine, records[half:])
            else:
                self.lost += 1
                _log.error("a request cannot be kept: %s", _words(error))

    def _spill(self, records: Sequence[RequestRecord]) -> bool:
        if not records:
            return True
        try:
            self._journal.append(records)
        except (OSError, ValueError) as error:
            self.trouble = f"usage is only kept in memory: {_words(error)}"
            return False
        return True

    def _fails(self, error: Exception) -> None:
        words = error.message if isinstance(error, UsageStoreError) else _words(error)
        if self.trouble is None:
            _log.warning("usage goes to a journal for now: %s", words)
        self.trouble = f"usage goes to a journal for now: {words}"
        self._retry_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, self._longest_retry)
        self._let_go()
        self._suspect = is_damage(error)

    def _let_go(self) -> None:
        self._reading = None
        if self._opened is not None:
            self._opened.engine.dispose()
            self._opened = None


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = str(getattr(error, "orig", error)).strip()
    return said.splitlines()[0] if said else type(error).__name__
