"""End a daemon and all it started, by identity and never by a bare number."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agentbox_cli.daemon.identity import Identity, Sameness, compare, read_stat
from agentbox_cli.errors import ProxyError

# A dying process may have been forking; look again until nothing is left.
_SWEEPS = 5

_POLL_MS = 200


class Leader:
    """A hold on one process: signals through it reach that process or nobody."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._pidfd = _open(identity)

    @property
    def present(self) -> bool:
        """The process existed when it was taken hold of."""
        return self._pidfd is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal.

        Raises:
            ProxyError: the process belongs to somebody else.
        """
        if self._pidfd is not None:
            _send(self._pidfd, self.identity.pid, number)

    def wait(self, seconds: float, on_wait: Callable[[float], None] | None = None) -> bool:
        """Wait for its end; `on_wait` is told every fifth of a second how long it took so far."""
        if self._pidfd is None:
            return True
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        begun = time.monotonic()
        while True:
            waited = time.monotonic() - begun
            if poll.poll(max(0, min(_POLL_MS, (seconds - waited) * 1000))):
                _reap(self._pidfd)
                return True
            waited = time.monotonic() - begun
            if waited >= seconds:
                return False
            if on_wait is not None:
                on_wait(waited)

    def close(self) -> None:
        """Let go."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def kill_session(leader: Identity) -> None:
    """Kill every process of the session that the leader opened, whether or not it still lives."""
    for _ in range(_SWEEPS):
        members = list(_members(leader))
        if not members:
            return
        for pid in members:
            _kill_member(leader, pid)
        time.sleep(0.01)


def _members(leader: Identity) -> Iterator[int]:
    found = read_stat(leader.pid)
    if found is not None and found.start_ticks != leader.start_ticks:
        return  # all of them ended, and the number was given to somebody else
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_member(leader, int(entry.name)):
            yield int(entry.name)


def _is_member(leader: Identity, pid: int) -> bool:
    stat = read_stat(pid)
    return (
        stat is not None
        and pid != os.getpid()
        and stat.alive
        and stat.session == leader.pid
        and stat.start_ticks >= leader.start_ticks
    )


def _kill_member(leader: Identity, pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            # Asked again: the number may have changed hands before it was opened.
            if _is_member(leader, pid):
                _send(pidfd, pid, signal.SIGKILL)
        finally:
            os.close(pidfd)


def _open(identity: Identity) -> int | None:
    """A pidfd of this very process, None when it is gone."""
    if compare(identity) is not Sameness.SAME:
        return None
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        raise ProxyError(f"cannot take hold of pid {identity.pid}: {error.strerror}") from error
    # Asked again: the number may have changed hands before it was opened.
    if compare(identity) is not Sameness.SAME:
        os.close(pidfd)
        return None
    return pidfd


def _send(pidfd: int, pid: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return
    except OSError as error:
        raise ProxyError(f"cannot send {number.name} to pid {pid}: {error.strerror}") from error


def _reap(pidfd: int) -> None:
    """Collect the exit status when the process is our child, so that no zombie stays."""
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
