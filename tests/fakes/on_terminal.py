"""A command line of agentbox in a terminal of its own, and somebody who types there."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

PATIENCE_S = 30


class OnTerminal:
    """A running command; everything that it shows is kept."""

    def __init__(self, *arguments: str) -> None:
        self._screen, terminal = pty.openpty()
        self.shown = b""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agentbox_cli", *arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - no thread runs here
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        os.close(terminal)

    def type(self, text: bytes) -> None:
        """Type something, a line with its end."""
        os.write(self._screen, text)

    def until(self, wanted: bytes) -> None:
        """Wait until the screen shows something."""
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in self.shown and self._read():
            if time.monotonic() > deadline:
                break
        if wanted not in self.shown:
            self._process.kill()
            pytest.fail(f"{wanted!r} is not shown: {self.shown!r}")

    def end(self) -> tuple[int, str]:
        """Wait for the command's end; gives its exit code and all that it showed."""
        while self._read():
            pass
        os.close(self._screen)
        return self._process.wait(timeout=PATIENCE_S), self.shown.decode()

    def _read(self) -> bool:
        """Read what is shown next; false once the last process closed the terminal."""
        if not select.select([self._screen], [], [], PATIENCE_S)[0]:
            return False
        try:
            piece = os.read(self._screen, 4096)
        except OSError:
            return False
        self.shown += piece
        return bool(piece)


def _take_terminal() -> None:
    """Make stdin the controlling terminal of a new session, which opening it does (tty_ioctl)."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))
