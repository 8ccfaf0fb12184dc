"""The log file: rotate it, read its end, follow it."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from agentbox_cli.errors import ProxyError

ROTATE_BYTES = 5 * 1024 * 1024
KEPT = 3

# A line is cut here: one provider's HTML error page must not fill the screen, or the memory.
LINE_LIMIT = 8 * 1024
# How far back `tail` looks at most.
TAIL_LIMIT = 4 * 1024 * 1024

POLL_SECONDS = 0.2
_BLOCK = 64 * 1024


def rotate(path: Path, *, limit: int = ROTATE_BYTES, kept: int = KEPT) -> None:
    """Move a log beyond the limit to `.1`, older ones up to `.<kept>`; nothing may hold it open.

    Raises:
        ProxyError: the files cannot be renamed.
    """
    try:
        if not path.exists() or path.stat().st_size <= limit:
            return
        for number in range(kept - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                _numbered(path, number).replace(_numbered(path, number + 1))
        path.replace(_numbered(path, 1))
    except OSError as error:
        raise ProxyError(f"cannot rotate the log {path}: {error.strerror}") from error


def open_for_append(path: Path) -> BinaryIO:
    """Open the log for a child's output, 0600.

    Raises:
        ProxyError: it cannot be opened.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise ProxyError(f"cannot write the log {path}: {error.strerror}") from error
    os.set_blocking(fd, True)
    return open(fd, "ab", buffering=0)  # noqa: PTH123 - a descriptor; the caller closes it


def tail(path: Path, lines: int, *, offset: int = 0) -> list[str]:
    """The last lines of the log, none of them from before the offset; [] when there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(_start_of_tail(file, lines, offset))
            data = file.read(TAIL_LIMIT)
    except OSError:
        return []
    return [_text(line) for line in data.removesuffix(b"\n").split(b"\n")] if data else []


def follow(path: Path, stop: Callable[[], bool], *, lines: int = 0) -> Iterator[str]:
    """Yield the last lines and then each new one until `stop` says so.

    It waits for a log that does not exist yet, and survives its rotation and its truncation.
    """
    # Here and not in the generator: what is written from now on is seen.
    return _follow(_Follower(path, lines), stop)


def _follow(follower: "_Follower", stop: Callable[[], bool]) -> Iterator[str]:
    try:
        while not stop():
            yield from follower.fresh()
            time.sleep(POLL_SECONDS)
        yield from follower.fresh()
        yield from follower.unfinished()
    finally:
        follower.close()


class _Follower:
    """A place in a log that may be cut or replaced while it is read."""

    def __init__(self, path: Path, lines: int) -> None:
        self._path = path
        self._held = b""
        self._file = _open(path)
        if self._file is not None:
            self._file.seek(_start_of_tail(self._file, lines, 0))

    def fresh(self) -> Iterator[str]:
        """Yield the lines that were completed since the last call."""
        if self._file is None:
            self._file = _open(self._path)
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            yield from self.unfinished()
            self._file.seek(0)
        replaced = self._is_replaced(self._file)
        yield from self._lines(self._file)
        if replaced:
            yield from self.unfinished()
            self.close()
            yield from self.fresh()

    def unfinished(self) -> Iterator[str]:
        """Yield the line that lacks its end, once."""
        held, self._held = self._held, b""
        if held:
            yield _text(held)

    def close(self) -> None:
        """Close the file; `fresh` opens the new one."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        while block := file.read(_BLOCK):
            *complete, rest = (self._held + block).split(b"\n")
            # More of an endless line than is shown need not be kept.
            self._held = rest[: LINE_LIMIT + 1]
            yield from map(_text, complete)

    def _is_replaced(self, file: BinaryIO) -> bool:
        try:
            found = self._path.stat()
        except OSError:
            return False  # moved away, and the new one is not there yet
        return not os.path.samestat(found, os.fstat(file.fileno()))


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _open(path: Path) -> BinaryIO | None:
    try:
        # Unbuffered: a buffered reader would go on serving bytes that were cut.
        return path.open("rb", buffering=0)
    except OSError:
        return None


def _start_of_tail(file: BinaryIO, lines: int, offset: int) -> int:
    """Where the last lines begin: not before the offset, and not further back than the limit."""
    end = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return end
    # A log shorter than the offset was cut since.
    floor = max(offset if offset <= end else 0, end - TAIL_LIMIT)
    start, missing = end, lines + 1
    while start > floor:
        size = min(_BLOCK, start - floor)
        file.seek(start - size)
        block = file.read(size)
        if end == start:
            # The newline at the very end closes the last line rather than opening another.
            missing -= 0 if block.endswith(b"\n") else 1
        if block.count(b"\n") >= missing:
            return start - size + _nth_last_newline(block, missing) + 1
        missing -= block.count(b"\n")
        start -= size
    return floor


def _nth_last_newline(block: bytes, number: int) -> int:
    position = len(block)
    for _ in range(number):
        position = block.rindex(b"\n", 0, position)
    return position


def _text(line: bytes) -> str:
    if len(line) > LINE_LIMIT:
        return line[:LINE_LIMIT].decode("utf-8", "replace") + "…"
    return line.decode("utf-8", "replace")
