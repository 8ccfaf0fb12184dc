"""Takes the records of requests off the data plane's hands and writes them, in its own thread.

Nothing of it may block or raise on the way of a request: a record is put into a queue, and that is
all. The thread writes what has gathered every 50 ms. While the database cannot be written, records
go to a journal and come back from it later.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.usage.database import Opened, Place, is_damage, open_for_writing
from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.store import Prices, add, price_version

# What kill -9 may cost: records of the last 50 ms, and of the write under way.
PAUSE_SECONDS = 0.05
# Records in one transaction; a longer one would keep readers of Postgres waiting.
BATCH = 2_000
# What is kept in memory while neither the database nor the journal takes anything.
MOST_KEPT = 50_000
RETRY_SECONDS = (1.0, 30.0)

_log = logging.getLogger(__name__)


class UsageWriter:
    """Writes records in a thread of its own.

    Args:
        place: the database.
        journal: where records wait while it cannot be written.
        prices: what the deployments cost, made in the thread because it reads a large file.
        pause: seconds between two writes.
        retry: seconds until a database that failed is tried again, at first and at the most.
    """

    def __init__(
        self,
        place: Place,
        journal: Path,
        prices: Callable[[], Prices],
        *,
        pause: float = PAUSE_SECONDS,
        retry: tuple[float, float] = RETRY_SECONDS,
    ) -> None:
        self._place = place
        self._journal = Journal(journal)
        self._prices = prices
        self._pause = pause
        self._first_retry, self._longest_retry = retry
        self._queue: deque[RequestRecord] = deque(maxlen=MOST_KEPT)
        self._work = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self._opened: Opened | None = None
        self._suspect = False
        self._version = 0
        self._retry_in = self._first_retry
        self._retry_at = 0.0
        self._put = 0
        self._taken = 0
        self.trouble: str | None = None
        self.moved: Path | None = None

    @property
    def lost(self) -> int:
        """How many records were dropped because nothing took them."""
        return max(0, self._put - self._taken - len(self._queue))

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, record: RequestRecord) -> None:
        """Take a record; neither blocks nor raises."""
        self._queue.append(record)
        self._put += 1
        if not self._work.is_set():
            self._work.set()

    def close(self, seconds: float = 10.0) -> None:
        """Write everything, and end."""
        self._closing.set()
        self._work.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        self._flush()
        while not self._closing.is_set():
            self._work.wait(self._longest_wait())
            self._closing.wait(self._pause)
            self._work.clear()
            self._flush()
        self._flush()
        if self._opened is not None:
            self._opened.engine.dispose()

    def _longest_wait(self) -> float | None:
        """Seconds until the journal wants to be looked at again."""
        if self.trouble is None:
            return None
        return max(0.0, self._retry_at - time.monotonic())

    def _flush(self) -> None:
        """Write what has gathered, to the database or else to the journal."""
        try:
            if self._may_try() and (self._opened or self._queue or self._journal.waiting):
                self._write_all()
                return
        except (UsageStoreError, SQLAlchemyError, OSError) as error:
            self._fails(error)
        self._spill()

    def _may_try(self) -> bool:
        closing = self._closing.is_set()
        return closing or self.trouble is None or time.monotonic() >= self._retry_at

    def _write_all(self) -> None:
        opened = self._opened or self._open()
        if self._journal.waiting:
            self._replay(opened)
        while self._queue:
            with self._gathered() as batch:
                add(opened.engine, batch, self._version)
        self._recovered()

    @contextmanager
    def _gathered(self) -> Iterator[list[RequestRecord]]:
        """A batch from the queue, which goes back there if it cannot be written."""
        batch: list[RequestRecord] = []
        while self._queue and len(batch) < BATCH:
            batch.append(self._queue.popleft())
        try:
            yield batch
        except BaseException:
            self._queue.extendleft(reversed(batch))
            raise
        self._taken += len(batch)

    def _open(self) -> Opened:
        opened = open_for_writing(self._place, suspect=self._suspect)
        self._suspect = False
        if opened.moved is not None:
            self.moved = opened.moved
            _log.warning("the usage database was damaged and is now %s", opened.moved)
        self._version = price_version(opened.engine, self._prices())
        self._opened = opened
        return opened

    def _replay(self, opened: Opened) -> None:
        batch: list[RequestRecord] = []
        for record in self._journal.read():
            batch.append(record)
            if len(batch) == BATCH:
                add(opened.engine, batch, self._version)
                batch = []
        if batch:
            add(opened.engine, batch, self._version)
        self._journal.clear()

    def _spill(self) -> None:
        try:
            while self._queue:
                with self._gathered() as batch:
                    self._journal.append(batch)
        except OSError as error:
            self.trouble = f"usage is only kept in memory: {error.strerror}"

    def _fails(self, error: Exception) -> None:
        words = error.message if isinstance(error, UsageStoreError) else _words(error)
        if self.trouble is None:
            _log.warning("usage goes to a journal for now: %s", words)
        self.trouble = f"usage goes to a journal for now: {words}"
        self._retry_at = time.monotonic() + self._retry_in
        self._retry_in = min(2 * self._retry_in, self._longest_retry)
        if self._opened is not None:
            self._opened.engine.dispose()
            self._opened = None
        self._suspect = is_damage(error)

    def _recovered(self) -> None:
        if self.trouble is not None:
            _log.info("usage is written again")
        self.trouble = None
        self._retry_in = self._first_retry


def _words(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
