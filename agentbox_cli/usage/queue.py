"""Takes requests off the data plane's hands, and has them written by a thread of its own.

Nothing of it may block or raise on the way of a request: what makes the record is put into a
queue, and that is all. A moment later the records of all that was put are made at once, by the
data plane itself, and appended to a file. A thread writes them to the database: two threads that
both want the interpreter make each other wait, which costs far more than the work (measured), so
that it has little to do, and does it seldom when there is much. What writing to a database needs
is imported when there is something to write for the first time, which takes a while: until then
requests go to the journal.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.recent import Recent
from agentbox_cli.usage.record import RequestRecord

# What kill -9 may cost: requests of the last 30 ms.
NOTE_SECONDS = 0.03
# Seconds between two writes to the database, at the least.
PAUSE_SECONDS = 0.03
# The more requests came at last, the longer the pause: a second from 250 a second on.
PAUSE_SECONDS_EACH = 0.004
LONGEST_PAUSE_SECONDS = 1.0
# Records in one transaction; a longer one would keep readers of Postgres waiting.
BATCH = 2_000
# What is kept in memory while neither the database nor the journal takes anything.
MOST_KEPT = 20_000

_log = logging.getLogger(__name__)

MakeRecord = Callable[[], RequestRecord]
# Has something done by the data plane in so many seconds, as an event loop's `call_later`.
Later = Callable[[float, Callable[[], None]], object]
# Takes records; False if they could not be kept anywhere.
Write = Callable[[Sequence[RequestRecord]], bool]


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


def at_once(_: float, do: Callable[[], None]) -> None:
    """Do it now, where there is no event loop."""
    do()


class UsageQueue:
    """A queue of requests to be written, and the thread that writes them.

    Args:
        open_writer: makes the writer, in a thread of its own.
        journal: where requests wait until there is a writer.
        recent: the name of the files of the last moment's requests.
        waiting: whether the writer is wanted at once.
        pause: seconds between two writes, at the least.
        later: how the making of records is put off.
    """

    def __init__(  # noqa: PLR0913 - each is told by name, and most have a default
        self,
        open_writer: Callable[[], Writer],
        journal: Path,
        recent: Path,
        *,
        waiting: bool = False,
        pause: float = PAUSE_SECONDS,
        later: Later = at_once,
    ) -> None:
        self._open_writer = open_writer
        self._journal = Journal(journal)
        self._recent = Recent(recent)
        self._waiting = waiting
        self._pause = pause
        self._later = later
        self._made_by: deque[MakeRecord] = deque(maxlen=MOST_KEPT)
        self._queue: deque[RequestRecord] = deque(maxlen=MOST_KEPT)
        self._noting = False
        # Held for a moment by whoever changes the queue and the files of the last moment.
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._hurry = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
        self._opener = threading.Thread(target=self._open, name="usage-open", daemon=True)
        self._opening = False
        self._writer: Writer | None = None
        self._broken: str | None = None
        self._put = 0
        self._taken = 0
        self._unmade = 0
        self._next_write = 0.0

    @property
    def lost(self) -> int:
        """How many requests were dropped because nothing took them."""
        waiting = len(self._made_by) + len(self._queue)
        dropped = max(0, self._put - self._taken - self._unmade - waiting)
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
        """Begin to write, with what an earlier run has left."""
        try:
            self._recent.hand_over(self._journal)
        except OSError as error:
            _log.warning("the last requests of an earlier run have to wait: %s", error.strerror)
        self._waiting = self._waiting or self._journal.waiting
        self._thread.start()

    def put(self, make: MakeRecord) -> None:
        """Take a request; neither blocks nor raises."""
        self._made_by.append(make)
        self._put += 1
        if not self._noting:
            self._noting = True
            self._later(NOTE_SECONDS, self.note)

    def note(self) -> None:
        """Make the records of what was put, and have them on the disk; raises nothing."""
        with self._lock:
            self._noting = False
            records = self._made()
            self._queue.extend(records)
            try:
                self._recent.append(records)
            except (OSError, ValueError):
                self._hurry.set()  # what is in memory only must not wait
        if not self._work.is_set():
            self._work.set()

    def close(self, seconds: float = 10.0) -> None:
        """Write everything, and end."""
        self._closing.set()
        self._hurry.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _made(self) -> list[RequestRecord]:
        records = []
        while self._made_by:
            record = _made(self._made_by.popleft())
            if record is None:
                self._unmade += 1
            else:
                records.append(record)
        return records

    def _run(self) -> None:
        if self._waiting:
            self._flush()
        while not self._closing.is_set():
            goes_on_in = self._writer.retry_in if self._writer else None
            self._work.wait(goes_on_in)
            # With a journal to catch up on it goes on almost at once.
            self._hurry.wait(self._rest() if goes_on_in != 0 else self._pause / 10)
            self._hurry.clear()
            self._work.clear()
            self._flush()
        self.note()
        if self._is_wanted():
            self._opener.join()
            self._flush()
        if self._writer is not None:
            self._writer.close()
        self._recent.close()

    def _rest(self) -> float:
        """Seconds until what has come is written."""
        return max(self._pause, self._next_write - time.monotonic())

    def _flush(self) -> None:
        if not self._is_wanted():
            return
        with self._lock:
            self._recent.turn()
            due = len(self._queue)
        writer = self._writer
        if self._wrote(due, writer.write if writer else self._spill):
            self._recent.forget()
        if writer is not None:
            pause = min(LONGEST_PAUSE_SECONDS, due * PAUSE_SECONDS_EACH)
            self._next_write = time.monotonic() + pause

    def _is_wanted(self) -> bool:
        """Have the writer made as soon as there is something for it; whether there is or was."""
        if not self._opening and (self._queue or self._waiting):
            self._opening = True
            self._opener.start()
        return self._opening

    def _wrote(self, due: int, write: Write) -> bool:
        """Write so many, in batches; a writer is asked even if there is nothing for it."""
        while self._pass_on(write, min(due, BATCH)):
            due -= BATCH
            if due <= 0:
                return True
        return False

    def _open(self) -> None:
        try:
            self._writer = self._open_writer()
        except Exception as error:  # noqa: BLE001 - status tells it, the journal takes the rest
            _log.exception("usage cannot be written")
            self._broken = f"usage goes to a journal until the next start: {error}"
        self._work.set()

    def _pass_on(self, write: Write, number: int) -> bool:
        batch = self._gathered(number)
        if write(batch):
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

    def _gathered(self, number: int) -> list[RequestRecord]:
        batch: list[RequestRecord] = []
        while self._queue and len(batch) < number:
            batch.append(self._queue.popleft())
        self._taken += len(batch)
        return batch


def _made(make: MakeRecord) -> RequestRecord | None:
    try:
        return make()
    except Exception:  # noqa: BLE001 - one request that is not counted must not stop the others
        _log.exception("a request could not be counted by a fault of ours")
        return None
