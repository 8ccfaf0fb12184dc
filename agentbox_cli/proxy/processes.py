"""Which process of this machine calls: found by its socket's inode, beside the event loop.

To find a socket's owner all open files of all processes have to be looked at, some milliseconds.
So it is done in a thread, for all that wait at once, and no more than four times a second: who
comes and goes faster than that stays unknown.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAUSE_SECONDS = 0.25
KEPT = 1_000
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its number, and the name that the kernel keeps of it."""

    pid: int
    name: str


class Processes:
    """Finds processes by the inodes of their sockets.

    Args:
        proc: where procfs is mounted.
        pause: seconds between two looks.
    """

    def __init__(self, proc: Path = Path("/proc"), pause: float = PAUSE_SECONDS) -> None:
        self._proc = proc
        self._pause = pause
        self._looked_at = float("-inf")
        self._lock = threading.Lock()
        self._wanted: set[int] = set()
        self._known: OrderedDict[int, Process] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="processes")

    def seek(self, inode: int) -> None:
        """Have a socket's owner looked for, unless somebody looked a moment ago."""
        now = time.monotonic()
        if now - self._looked_at < self._pause:
            return
        self._looked_at = now
        with self._lock:
            self._wanted.add(inode)
        self._thread.submit(self._look)

    def of(self, inode: int | None) -> Process | None:
        """The owner of a socket, where it was found."""
        with self._lock:
            return self._known.get(inode) if inode is not None else None

    def close(self) -> None:
        """Look for nobody any more."""
        self._thread.shutdown(cancel_futures=True)

    def _look(self) -> None:
        with self._lock:
            wanted, self._wanted = self._wanted, set()
        found = {inode: process for inode, process in self._sockets() if inode in wanted}
        with self._lock:
            self._known.update(found)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def _sockets(self) -> Iterator[tuple[int, Process]]:
        for number in filter(str.isdigit, os.listdir(self._proc)):  # noqa: PTH208 - as below
            directory = self._proc / number
            # Somebody else's process, or one that has gone meanwhile, tells nothing.
            with suppress(OSError):
                inodes = [*_socket_inodes(f"{directory}/fd")]
                if inodes:
                    process = Process(int(number), _name(directory))
                    yield from ((inode, process) for inode in inodes)


def _socket_inodes(directory: str) -> Iterator[int]:
    # Thousands of files are looked at: strings cost a third of what paths cost.
    for number in os.listdir(directory):  # noqa: PTH208
        with suppress(OSError):
            target = os.readlink(f"{directory}/{number}")  # noqa: PTH115
            if target.startswith("socket:["):
                yield int(target[len("socket:[") : -1])


def _name(directory: Path) -> str:
    told = (directory / "comm").read_text(encoding="utf-8", errors="replace")
    return told.strip()[:_NAME_LENGTH]
