"""Where requests wait while the database cannot be written: a file of one JSON record a line."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agentbox_cli.usage.record import RequestRecord

_RECORDS = msgspec.json.Decoder(RequestRecord)
_encode_lines = msgspec.json.Encoder().encode_lines


class Journal:
    """The file, which only exists while there is something in it.

    Args:
        file: where.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def waiting(self) -> bool:
        """Whether something is in it."""
        return self._file.exists()

    def append(self, records: Sequence[RequestRecord]) -> None:
        """Add records, and have them on the disk.

        Raises:
            OSError: it cannot be written; what was there before is unharmed.
        """
        self.append_lines(lines_of(records))

    def append_lines(self, lines: bytes) -> None:
        """Add records as they stand in such a file.

        Raises:
            OSError: it cannot be written; what was there before is unharmed.
        """
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(handle).st_size
            try:
                if before and os.pread(handle, 1, before - 1) != b"\n":
                    lines = b"\n" + lines  # the line before was cut by a crash
                write_all(handle, lines)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, before)
                raise
        finally:
            os.close(handle)

    def read(self) -> Iterator[RequestRecord | None]:
        """The records in it; None for a line that a crash has cut or a disk has garbled.

        Raises:
            OSError: it cannot be read.
        """
        try:
            handle = self._file.open("rb")
        except FileNotFoundError:
            return
        with handle:
            for line in handle:
                try:
                    yield _RECORDS.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    yield None

    def clear(self) -> None:
        """Forget what was in it."""
        self._file.unlink(missing_ok=True)


def lines_of(records: Sequence[RequestRecord]) -> bytes:
    """Records as they stand in the file; raises ValueError."""
    return _encode_lines(records)


def write_all(handle: int, data: bytes) -> None:
    """Write all of it, however many writes that takes; raises OSError."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
