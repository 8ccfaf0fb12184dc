"""The whole terminal, key by key; it is given back as it was, however the command ends."""

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any, Self

import typer

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"  # another screen, no cursor, no wrapping
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
# Terminals that know these show a picture at once, and never half of it; others ignore them.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HOME, _CLEAR_LINE = "\x1b[H", "\x1b[K"

_KEYS = {"\x1b[A": "up", "\x1bOA": "up", "\x1b[B": "down", "\x1bOB": "down", "\x04": "q"}
_KEYS |= {"k": "up", "j": "down"}
_ESCAPE = "\x1b"
_LONGEST_ESCAPE = 8


@dataclass(slots=True)
class Screen:
    """The terminal of stdin and stdout, from `with` to its end."""

    _usual: list[Any] = field(init=False)
    _wake: tuple[int, int] = field(init=False)
    _handlers: dict[signal.Signals, Any] = field(default_factory=dict)
    _typed: str = ""

    def __enter__(self) -> Self:
        self._usual = termios.tcgetattr(sys.stdin.fileno())
        self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGTERM, _end),
            (signal.SIGHUP, _end),
            (signal.SIGTSTP, self._stop),
            (signal.SIGWINCH, _nothing),  # that it came is enough: it wakes `keys`
        ):
            self._handlers[number] = signal.signal(number, handler)
        try:
            self._take()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in self._handlers:  # nothing may come between
            signal.signal(number, signal.SIG_IGN)
        try:
            self._give_back()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(-1)
            for end in self._wake:
                os.close(end)

    def show(self, lines: list[str]) -> None:
        """Draw a frame over the last one."""
        # Cleared before it is written: after a full line the cursor still stands on its last sign.
        frame = "\r\n".join(f"{_CLEAR_LINE}{line}" for line in lines)
        _write(f"{_BEGIN}{_HOME}{frame}{_END}")

    def keys(self, seconds: float) -> Iterator[str]:
        """The keys that are pressed from now on; empty when the size of the screen changes."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready = select.select([sys.stdin, self._wake[0]], [], [], left)[0]
            if self._wake[0] in ready:
                os.read(self._wake[0], 1_024)
                yield ""
            if sys.stdin in ready:
                yield from self._read()

    def _read(self) -> Iterator[str]:
        try:
            piece = os.read(sys.stdin.fileno(), 1_024)
        except OSError:
            piece = b""
        if not piece:  # nobody is there any more
            yield "q"
            return
        self._typed += piece.decode(errors="replace")
        while self._typed and (key := self._next()) is not None:
            yield _KEYS.get(key, key)

    def _next(self) -> str | None:
        """The first key of what was typed; None if the rest of it is still to come."""
        typed = self._typed
        length = 1
        if typed[0] == _ESCAPE:
            length = _escape_length(typed)
            if length == 0:
                return None
        self._typed = typed[length:]
        return typed[:length]

    def _take(self) -> None:
        tty.setcbreak(sys.stdin.fileno(), termios.TCSANOW)  # what was typed early counts
        _write(_ENTER)

    def _give_back(self) -> None:
        # A terminal that is gone wants nothing back.
        with contextlib.suppress(OSError):
            _write(_LEAVE)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, self._usual)

    def _stop(self, _: int, __: FrameType | None) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()  # once somebody has said `fg`


def _escape_length(typed: str) -> int:
    """How many characters the escape sequence at the beginning has; 0 if it is not whole."""
    if len(typed) > 1 and typed[1] not in "[O":
        return 1  # the key itself
    for place, sign in enumerate(typed[2:_LONGEST_ESCAPE], start=2):
        if sign.isalpha() or sign == "~":
            return place + 1
    return min(len(typed), _LONGEST_ESCAPE) if len(typed) >= _LONGEST_ESCAPE else 0


def _write(text: str) -> None:
    # Past Python's buffer: a signal may come amid any write, and its handler writes too.
    left = text.encode(sys.stdout.encoding or "utf-8", "backslashreplace")
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def _nothing(_: int, __: FrameType | None) -> None:
    """A signal that only wakes."""


def _end(number: int, _: FrameType | None) -> None:
    raise typer.Exit(128 + number)
