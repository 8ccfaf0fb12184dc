"""A command that takes a whole terminal, the keys that are pressed there, and what is seen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import pytest

PATIENCE_S = 30
STYLES = re.compile(r"\x1b\[[0-9;]*m")
HOME, END, CLEAR = "\x1b[H", "\x1b[?2026l", "\x1b[K"
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class FullScreen:
    """A running command.

    Args:
        arguments: its command line.
        columns, lines: the size of the terminal.
        environment: variables besides those of the test.
    """

    def __init__(
        self, *arguments: str, columns: int = 80, lines: int = 24, **environment: str
    ) -> None:
        self.shown = ""
        self._master, self._terminal = pty.openpty()
        self.resize(columns, lines)
        self.usual = self.settings()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agentbox_cli", *arguments],
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - no thread runs here
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "TERM": "xterm-256color",
                "PYTHONUTF8": "1",
                **environment,
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._terminal)
        os.close(self._master)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, which tells the command."""
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def settings(self) -> list[Any]:
        """How the terminal treats what is typed."""
        return termios.tcgetattr(self._terminal)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def frame(self) -> list[str]:
        """The lines of the last whole picture, as one sees them."""
        last = self.shown.rpartition(END)[0].rpartition(HOME)[2]
        return STYLES.sub("", last).replace(CLEAR, "").split("\r\n")

    def until(self, condition: Callable[[list[str]], bool], what: str) -> list[str]:
        """Wait for a picture; gives it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if END in self.shown and condition(frame := self.frame()):
                return frame
            if time.monotonic() > deadline or (not self._read(0.2) and self._ended()):
                pytest.fail(f"never shown: {what}; it shows {self.shown[-3_000:]!r}")

    def until_shown(self, text: str) -> list[str]:
        return self.until(lambda frame: any(text in line for line in frame), text)

    def end(self, number: signal.Signals | None = None) -> int:
        """Wait for the command's end; gives its exit code, and kills it if it does not come."""
        if number is not None:
            self.process.send_signal(number)
        deadline = time.monotonic() + PATIENCE_S
        while not self._ended() and time.monotonic() < deadline:
            self._read(0.05)
        while self._read(0.05):
            pass
        return self.process.wait(timeout=1)

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        self.shown += os.read(self._master, 65_536).decode(errors="replace")
        return True


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
