"""The daemon as a child process: how to start it, and how to end it while it is our child."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, Popen

from agentbox_cli.daemon import logs
from agentbox_cli.daemon.instance import LOG_OFFSET_VARIABLE, TOKEN_VARIABLE
from agentbox_cli.daemon.lock import Lock
from agentbox_cli.errors import ProxyError, UsageError
from agentbox_cli.supervise import shim

LOG_LEVEL_VARIABLE = "LITELLM_LOG_LEVEL"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start, and what to expect of it.

    Args:
        argv: the command line, given the number of the inherited lock descriptor.
        env: the whole environment of the daemon; keys may be in it, so it is never shown.
        host: where it will listen.
        port: where it will listen; 0 takes any free port.
        config_file: the config.yml it will serve.
        token: random and new for each run; it goes along in the environment.
        tied: whether the kernel kills it when this process ends; Linux only.
    """

    argv: Callable[[int], Sequence[str]]
    env: Mapping[str, str] = field(repr=False)
    host: str
    port: int
    config_file: Path
    token: str
    tied: bool = False


def log_level(environ: Mapping[str, str]) -> str:
    """The level of the daemon's log, from `LITELLM_LOG_LEVEL`; INFO by default.

    Raises:
        UsageError: there is no such level.
    """
    level = environ.get(LOG_LEVEL_VARIABLE, "").upper() or "INFO"
    if level not in LOG_LEVELS:
        raise UsageError(
            f"{LOG_LEVEL_VARIABLE}={level!r} is no log level",
            hint=f"one of {', '.join(LOG_LEVELS)}",
        )
    return level


def daemon_argv(config_file: Path, port: int, working_dir: Path) -> Callable[[int], list[str]]:
    """The real daemon's command line; it holds no secret.

    Args:
        config_file: the config.yml to serve, absolute.
        port: where to listen; 0 for any free port.
        working_dir: whose `.agentbox/.env` may hold keys.
    """

    def argv(lock_fd: int) -> list[str]:
        return [
            sys.executable,
            "-P",  # nothing is imported from the directory it happens to be started in
            *("-m", "agentbox_cli.daemon"),
            *("--config", str(config_file)),
            *("--port", str(port)),
            *("--lock-fd", str(lock_fd)),
            *("--working-dir", str(working_dir)),
        ]

    return argv


class Child:
    """A daemon that is being started.

    It is not reaped while it is watched: until then its pid, and the process group of that number,
    cannot name anybody else.
    """

    def __init__(self, process: Popen[bytes], log_offset: int) -> None:
        self._process = process
        self.pid = process.pid
        self.log_offset = log_offset

    def end_reason(self) -> str | None:
        """How it ended, None while it runs."""
        found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            return None
        if found.si_code == os.CLD_EXITED:
            return f"exit status {found.si_status}"
        return f"killed by {signal.Signals(found.si_status).name}"

    def kill(self) -> None:
        """Kill it with all its process group, and collect it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def let_go(self) -> None:
        """Leave it running on its own."""
        # An exit status keeps Popen from warning about, and waiting for, a child that stays.
        self._process.returncode = 0


def spawn(launch: Launch, lock: Lock, log_file: Path) -> Child:
    """Start the daemon: it inherits the lock, and nothing of the terminal.

    Raises:
        ProxyError: the log cannot be written or the program not be run.
    """
    argv = _tied(launch.argv(lock.fd)) if launch.tied else list(launch.argv(lock.fd))
    with logs.open_for_append(log_file) as log:
        offset = os.fstat(log.fileno()).st_size
        own = {TOKEN_VARIABLE: launch.token, LOG_OFFSET_VARIABLE: str(offset)}
        try:
            process = Popen(
                argv,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                env={**launch.env, **own},
                cwd="/",
                pass_fds=(lock.fd,),
                start_new_session=True,
            )
        except OSError as error:
            raise ProxyError(f"cannot run {argv[0]}: {error.strerror}") from error
    return Child(process, offset)


def _tied(argv: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(argv)
    return [sys.executable, "-I", "-S", shim.__file__, str(os.getpid()), *argv]
