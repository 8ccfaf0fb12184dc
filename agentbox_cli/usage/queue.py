"""Takes requests off the data plane's hands, and has them written by a thread of its own.

Nothing of it may block or raise on the way of a request: what makes the record is put into a
queue, and that is all. The thread makes the records and writes what has gathered every 30 ms. What
writing to a database needs is imported when there is something to write for the first time, which
takes a while: until then requests go to the journal.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.record import RequestRecord

# What kill -9 may cost: requests of the last 30 ms, and of the write under way.
PAUSE_SECONDS = 0.03
# Records in one transaction; a longer one would keep readers of Postgres waiting.
BATCH = 2_000
# What is kept in memory while neither the database nor the journal takes anything.
MOST_KEPT = 20_000

_log = logging.getLogger(__name__)

MakeRecord = Callable[[], RequestRecord]


class Writer(Protocol):
    """Where records go; used by one thread only."""

    @property
    def trouble(self) -> str | None:
        """Why records are not in the database now; None if they are."""

    @property
    def moved(self) -> Path | None:
        """Where a damaged database was moved."""

    @property
    def lost(self) -> int:
        """How many records it could neither write nor keep."""

    @property
    def retry_in(self) -> float | None:
        """Seconds until it wants to be asked again; None if it waits for nothing."""

    def write(self, records: Sequence[RequestRecord]) -> bool:
        """Take records; False if they could not be kept anywhere."""

    def close(self) -> None:
        """Let go of the database, after a last try if something waits."""


class UsageQueue:
    """A queue of requests to be written, and the thread that writes them.

    Args:
        open_writer: makes the writer, in a thread of its own.
        journal: where requests wait until there is a writer.
        waiting: whether the writer is wanted at once.
        pause: seconds between two writes.
    """

    def __init__(
        self,
        open_writer: Callable[[], Writer],
        journal: Path,
        *,
        waiting: bool = False,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._open_writer = open_writer
        self._journal = Journal(journal)
        self._waiting = waiting or self._journal.waiting
        self._pause = pause
        self._queue: deque[MakeRecord] = deque(maxlen=MOST_KEPT)
        self._work = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self._opener = threading.Thread(target=self._open, name="usage-open", daemon=True)
        self._opening = False
        self._writer: Writer | None = None
        self._broken: str | None = None
        self._put = 0
        self._taken = 0
        self._unmade = 0

    @property
    def lost(self) -> int:
        """How many requests were dropped because nothing took them."""
        dropped = max(0, self._put - self._taken - len(self._queue))
        return dropped + self._unmade + (self._writer.lost if self._writer else 0)

    @property
    def trouble(self) -> str | None:
        """Why requests are not in the database now; None if they are."""
        return self._writer.trouble if self._writer else self._broken

    @property
    def moved(self) -> Path | None:
        """Where a damaged database was moved."""
        return self._writer.moved if self._writer else None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, make: MakeRecord) -> None:
        """Take a request; neither blocks nor raises."""
        self._queue.append(make)
        self._put += 1
        if not self._work.is_set():
            self._work.set()

    def close(self, seconds: float = 10.0) -> None:
        """Write everything, and end."""
        self._closing.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        if self._waiting:
            self._flush()
        while not self._closing.is_set():
            goes_on_in = self._writer.retry_in if self._writer else None
            self._work.wait(goes_on_in)
            # With a journal to catch up on it goes on almost at once.
            self._closing.wait(self._pause if goes_on_in != 0 else self._pause / 10)
            self._work.clear()
            self._flush()
        if self._opening:
            self._opener.join()
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        if not self._opening:
            if not (self._queue or self._waiting):
                return
            self._opening = True
            self._opener.start()
        write = self._writer.write if self._writer else self._spill
        while self._pass_on(write) and self._queue:
            pass

    def _open(self) -> None:
        try:
            self._writer = self._open_writer()
        except Exception as error:  # noqa: BLE001 - status tells it, the journal takes the rest
            _log.exception("usage cannot be written")
            self._broken = f"usage goes to a journal until the next start: {error}"
        self._work.set()

    def _pass_on(self, write: Callable[[Sequence[RequestRecord]], bool]) -> bool:
        batch = self._gathered()
        records = [record for make in batch if (record := _made(make))]
        if write(records):
            self._unmade += len(batch) - len(records)
            return True
        self._queue.extendleft(reversed(batch))
        self._taken -= len(batch)
        return False

    def _spill(self, records: Sequence[RequestRecord]) -> bool:
        try:
            if records:
                self._journal.append(records)
        except (OSError, ValueError):
            return False  # they stay in memory until there is a writer
        return True

    def _gathered(self) -> list[MakeRecord]:
        batch: list[MakeRecord] = []
        while self._queue and len(batch) < BATCH:
            batch.append(self._queue.popleft())
        self._taken += len(batch)
        return batch


def _made(make: MakeRecord) -> RequestRecord | None:
    try:
        return make()
    except Exception:  # noqa: BLE001 - one request that is not counted must not stop the others
        _log.exception("a request could not be counted by a fault of ours")
        return None
