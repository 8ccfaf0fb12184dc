"""The requests of the last moment, on the disk before the database has them.

They are in memory as well, and usually nobody reads this file: it is there so that a kill does not
cost them. Two files take turns: one is written to while what stands in the other goes to the
database.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from agentbox_cli.usage.journal import Journal, lines_of, write_all
from agentbox_cli.usage.record import RequestRecord


class Recent:
    """Two files by turns, each only there while there is something in it.

    Nothing of it waits for the disk: a killed process loses nothing that the kernel has taken.

    Args:
        file: their name, to which a number is added.
    """

    def __init__(self, file: Path) -> None:
        self._files = recent_files(file)
        self._handle: int | None = None

    def append(self, records: Sequence[RequestRecord]) -> None:
        """Add records.

        Raises:
            OSError, ValueError: they cannot be written; what was there before is unharmed.
        """
        lines = lines_of(records)
        handle = self._handle
        if handle is None:
            self._files[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
            handle = self._handle = os.open(self._files[0], flags, 0o600)
        before = os.fstat(handle).st_size
        try:
            write_all(handle, lines)
        except OSError:
            os.ftruncate(handle, before)
            raise

    def turn(self) -> None:
        """Go on in the other file, unless what is in there is still wanted."""
        here, there = self._files
        if self._handle is not None and not there.exists():
            os.close(self._handle)
            self._handle = None
            self._files = (there, here)

    def forget(self) -> None:
        """Forget what was written before the last turn."""
        # What cannot be removed is found again by the next run, where it counts no second time.
        with suppress(OSError):
            self._files[1].unlink()

    def hand_over(self, journal: Journal) -> None:
        """Move what an earlier run has left to where it waits for the database.

        Raises:
            OSError: the journal does not take it; nothing is lost.
        """
        for file in self._files:
            if file.exists():
                journal.append_lines(file.read_bytes())
                file.unlink()

    def close(self) -> None:
        """Write no more; what is not forgotten is for the next run."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def recent_files(file: Path) -> tuple[Path, Path]:
    """The two files of a name."""
    return (file.with_name(f"{file.name}.1"), file.with_name(f"{file.name}.2"))


def read_recent(file: Path) -> Iterator[RequestRecord | None]:
    """What is in them; None for a line that cannot be read."""
    for one in recent_files(file):
        yield from Journal(one).read()
