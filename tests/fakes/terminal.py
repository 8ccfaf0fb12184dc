"""Interactive shells on a real terminal: what is typed, and what TAB makes of it."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

COMMANDS = {
    "bash": ("bash", "--noprofile", "--norc", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
# What people switch on themselves, where no file of theirs is read.
BARE = {"bash": "", "zsh": "autoload -Uz compinit; compinit -D -u\n", "fish": ""}
# Each writes the line that is edited to $LINE when ^X^T is typed, and starts no process for it.
PREPARE = {
    "bash": """
        PS1='$ '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'
        bind 'set page-completions off'; bind 'set completion-query-items 0'
        bind 'set show-all-if-ambiguous on'
        tell() { printf '%s\\0' "$READLINE_LINE" >"$LINE"; }
        bind -x '"\\C-x\\C-t": tell'
    """,
    "zsh": """
        PS1='$ '; unsetopt beep; LISTMAX=0
        zstyle ':completion:*' menu no; unsetopt automenu
        tell() { printf '%s\\0' "$BUFFER" >"$LINE"; }
        zle -N tell; bindkey '^X^T' tell; bindkey '^U' kill-whole-line
    """,
    "fish": """
        function fish_prompt; echo '$ '; end; function fish_greeting; end
        function tell; printf '%s\\0' (commandline) >"$LINE"; end
        bind \\cx\\ct tell; set -g fish_autosuggestion_enabled 0
    """,
}
KILL_LINE = {"bash": "\x05\x15", "zsh": "\x15", "fish": "\x1b\x1b\x05\x15"}
TELL = "\x18\x14"
ESCAPES = re.compile(r"\x1b(\[[0-9;?>=]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])")
PATIENCE_S = 20


class Terminal:
    """One interactive shell, in the home and with the PATH of its environment.

    Args:
        shell: its name.
        environment: all its variables.
        work: where it starts, and where the files of this class stand.
        user: it reads the files in its home that people write.
        uid: whom it runs as, which only root can choose.
    """

    def __init__(
        self,
        shell: str,
        environment: dict[str, str],
        work: Path,
        *,
        user: bool = False,
        uid: int | None = None,
    ) -> None:
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        self.shell = shell
        self.screen = ""  # all that was ever shown
        self._line = work / f"{shell}.line"
        self._terminal, terminal = pty.openpty()
        environment = {**environment, "LINE": str(self._line), "TERM": "dumb"}
        if shell == "fish":
            environment["TERM"] = "xterm"
        self._process = subprocess.Popen(
            (shell, "-i") if user else COMMANDS[shell],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            cwd=work,
            user=uid,
            preexec_fn=_own_terminal,  # noqa: PLW1509 - a shell needs a controlling terminal
        )
        os.close(terminal)
        prepare = work / f"prepare.{shell}"
        prepare.write_text(PREPARE[shell] + ("" if user else BARE[shell]))
        self.run(f"source {prepare}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGHUP)
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)

    def run(self, command: str) -> None:
        """Run a command line, and wait for its end."""
        done = self._line.with_name("done")
        done.unlink(missing_ok=True)
        self._type(f"{KILL_LINE[self.shell]}{command}; : >{done}\r")
        self._until(lambda _: done.exists())
        done.unlink()

    def complete(self, typed: str, keys: str = "\t") -> str:
        """Type something and TAB; gives the line as it is then."""
        self._line.unlink(missing_ok=True)
        self._type(KILL_LINE[self.shell] + typed + keys + TELL)
        self._until(lambda _: self._told().endswith("\0"))
        return self._told().removesuffix("\0")

    def seconds_of_tab(self, typed: str, shown: str) -> float:
        """Type something, then TAB; gives the time until the screen shows what TAB adds."""
        self.complete(typed, keys="")
        begun = time.perf_counter()
        self._type("\t")
        self._until(lambda seen: shown in seen)
        return time.perf_counter() - begun

    def faults_of_children(self) -> int:
        """The page faults of all processes that the shell has waited for; each has some."""
        status = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        return int(status.rpartition(")")[2].split()[8])

    def shown(self, typed: str, *expected: str) -> str:
        """Type something and two TABs; gives the screen once it shows all that is expected."""
        self.complete("", "")
        self._type(typed + "\t\t")
        return self._until(lambda seen: all(text in seen for text in expected))

    def _told(self) -> str:
        return self._line.read_text(encoding="utf-8") if self._line.exists() else ""

    def _type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def _until(self, condition: Callable[[str], bool]) -> str:
        """Read the screen until a condition holds; gives what it showed."""
        deadline = time.monotonic() + PATIENCE_S
        seen = ""
        while not condition(ESCAPES.sub("", seen)):
            if select.select([self._terminal], [], [], 0.005)[0]:
                shown = os.read(self._terminal, 65_536).decode(errors="replace")
                seen += shown
                self.screen += shown
            if time.monotonic() > deadline:
                pytest.fail(f"{self.shell} does not answer; it shows: {seen!r}")
        return ESCAPES.sub("", seen)


def _own_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
