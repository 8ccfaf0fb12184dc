"""Start, stop and probe the proxy daemon."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentbox_cli.daemon import client, instance, lock, logs, ports, session
from agentbox_cli.daemon.identity import Identity, Sameness, compare
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.lock import Lock
from agentbox_cli.daemon.probe import Probe, Sight, look, probe
from agentbox_cli.daemon.states import SERVES, DaemonState
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths

if TYPE_CHECKING:
    # It imports subprocess, which `status` does without.
    from agentbox_cli.daemon.launch import Child, Launch

__all__ = ["Probe", "Started", "Stopped", "probe", "start", "stop", "take_lock"]

WAIT_SECONDS = 15.0
GRACE_SECONDS = 30.0

# After a kill the kernel frees the lock at once; a process in a disk wait takes longer.
_RELEASE_SECONDS = 5.0
# How long `stop` waits for a starter that holds the lock to have a daemon.
_BIRTH_SECONDS = 2.0

_PAUSE = 0.02
_JOIN_PAUSE = 0.1
_LOG_LINES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A proxy that serves; `already`: it did so before."""

    instance: Instance
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What `stop` found and did.

    Args:
        was_running: there was a proxy, or one in its start-up.
        killed: it did not end within the grace, so what it was doing was cut.
    """

    was_running: bool
    killed: bool


def start(paths: Paths, launch: "Launch", *, wait_seconds: float = WAIT_SECONDS) -> Started:
    """Have one proxy serve as asked: start it, or join the one that runs or is just starting.

    Args:
        paths: where lock, state and log are.
        launch: what to start.
        wait_seconds: for an earlier proxy to end or get ready, and again for our own.

    Raises:
        ProxyError: it runs with another port or config, the port is taken, it did not become
            ready (with the reason and the last log lines), or the state cannot be written.
    """
    _prepare(paths)
    deadline = time.monotonic() + wait_seconds
    while True:
        held = lock.acquire(paths.pid_file)
        if held is not None and not _lost_its_lock(paths):
            return _start_child(paths, launch, held, wait_seconds)
        if held is not None:
            held.release()
        found = probe(paths)
        if found.state in SERVES and found.instance and found.status is not None:
            return Started(instance=_as_asked(found.instance, launch), already=True)
        if found.state is DaemonState.FOREIGN or time.monotonic() >= deadline:
            raise _in_the_way(found)
        time.sleep(_JOIN_PAUSE)


def stop(
    paths: Paths,
    *,
    grace_seconds: float = GRACE_SECONDS,
    force: bool = False,
    on_wait: Callable[[float], None] | None = None,
) -> Stopped:
    """End the proxy, and everything it started; fine when there is none.

    Args:
        paths: where lock and state are.
        grace_seconds: for open streams to finish, then it is killed.
        force: kill it at once.
        on_wait: told every fifth of a second how long it took so far.

    Raises:
        ProxyError: the lock is held by a process that cannot be identified: it is not signalled.
    """
    sight = _born(paths)
    if sight.process is None:
        if sight.held:
            raise _in_the_way(probe(paths))
        _forget(paths)
        return Stopped(was_running=False, killed=False)
    killed = _end(sight.process, 0.0 if force else grace_seconds, on_wait)
    _await_release(paths)
    _forget(paths)
    return Stopped(was_running=True, killed=killed)


def take_lock(paths: Paths) -> int:
    """Take the lock for a process that becomes the daemon itself; gives the open descriptor.

    Raises:
        ProxyError: there is a proxy already, or the state cannot be written.
    """
    _prepare(paths)
    held = lock.acquire(paths.pid_file)
    if held is not None and not _lost_its_lock(paths):
        _wipe(paths, held)
        held.write_pid(os.getpid())
        return held.fd
    if held is not None:
        held.release()
    raise _in_the_way(probe(paths))


def _prepare(paths: Paths) -> None:
    """Make the state directory; refuse one that belongs to somebody else."""
    try:
        paths.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = paths.state_dir.stat().st_uid
    except OSError as error:
        raise ProxyError(
            f"cannot create the state directory {paths.state_dir}: {error.strerror}",
            hint="make its parent writable, or set XDG_STATE_HOME",
        ) from error
    if owner != os.geteuid():
        raise ProxyError(
            f"{paths.state_dir} belongs to uid {owner}, not to you (uid {os.geteuid()})",
            hint="run as its owner, or set XDG_STATE_HOME to a directory of your own",
        )


def _lost_its_lock(paths: Paths) -> bool:
    """The lock is ours, and yet the proxy of the state file lives: its lock file was removed."""
    found = instance.read(paths.state_file)
    return found is not None and compare(found.identity) is Sameness.SAME


def _start_child(paths: Paths, launch: "Launch", held: Lock, wait_seconds: float) -> Started:
    child = None
    try:
        # From here on the daemon holds the lock by itself, whatever becomes of the starter.
        with held:
            child = _spawn(paths, launch, held)
            held.write_pid(child.pid)
        ready = _await_ready(paths, launch, child, wait_seconds)
    except BaseException:
        # Also on ^C: a start that did not succeed leaves nothing behind.
        if child is not None:
            child.kill()
        with contextlib.suppress(ProxyError):
            _forget(paths)
        raise
    child.let_go()
    return Started(instance=ready, already=False)


def _spawn(paths: Paths, launch: "Launch", held: Lock) -> "Child":
    from agentbox_cli.daemon.launch import spawn  # noqa: PLC0415 - subprocess, for `start` only

    _wipe(paths, held)
    _refuse_taken_port(launch)
    logs.rotate(paths.log_file)
    return spawn(launch, held, paths.log_file)


def _refuse_taken_port(launch: "Launch") -> None:
    """Try the port before the daemon does, for a quick and plain answer."""
    import socket  # noqa: PLC0415 - for `start` only

    family = socket.AF_INET6 if ":" in launch.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((launch.host, launch.port))
            # Without it, a listener that also set SO_REUSEADDR may go unnoticed.
            trial.listen(1)
        except OSError as error:
            raise _cannot_bind(launch, error) from error


def _cannot_bind(launch: "Launch", error: OSError) -> ProxyError:
    import errno  # noqa: PLC0415 - for the failing case only

    if error.errno == errno.EADDRINUSE:
        holder = ports.holder_of(launch.port)
        return ProxyError(
            f"port {launch.port} on {launch.host} is taken by {holder}",
            hint="choose another one with --port, or set litellm.port in config.yml",
        )
    return ProxyError(
        f"cannot listen on {launch.host} port {launch.port}: {error.strerror}",
        hint="choose another one with --port; ports below 1024 are reserved",
    )


def _await_ready(paths: Paths, launch: "Launch", child: "Child", wait_seconds: float) -> Instance:
    """Wait until the port answers with our token."""
    deadline = time.monotonic() + wait_seconds
    while True:
        found = instance.read(paths.state_file)
        if found and found.token == launch.token and found.ready and client.is_serving(found):
            return found
        ended = child.end_reason()
        if ended is not None:
            raise _failed(paths, child, f"the proxy ended during start-up ({ended})")
        if time.monotonic() >= deadline:
            raise _failed(paths, child, f"the proxy was not ready within {wait_seconds:g} s")
        time.sleep(_PAUSE)


def _failed(paths: Paths, child: "Child", what: str) -> ProxyError:
    lines = logs.tail(paths.log_file, _LOG_LINES, offset=child.log_offset)
    said = "".join(f"\n  {line}" for line in lines) or " it logged nothing"
    return ProxyError(f"{what}; {paths.log_file} ends:{said}", hint="agentbox config check")


def _as_asked(found: Instance, launch: "Launch") -> Instance:
    """The running proxy, when it is the one that was asked for."""
    hint = "stop it first: agentbox litellm stop"
    if launch.port not in (0, found.port):
        raise ProxyError(
            f"the proxy already runs on port {found.port} (pid {found.pid}), not {launch.port}",
            hint=hint,
        )
    if launch.config_file != found.config_file:
        raise ProxyError(
            f"the proxy already runs with {found.config_file} (pid {found.pid}), "
            f"not {launch.config_file}",
            hint=hint,
        )
    return found


def _in_the_way(found: Probe) -> ProxyError:
    """Why a start or a stop cannot go on."""
    pid = f" (pid {found.instance.pid})" if found.instance else ""
    said = found.reason or f"there is a proxy{pid} already, and it is {found.state}"
    if found.state is DaemonState.FOREIGN:
        return ProxyError(said, hint="stop it where it was started")
    return ProxyError(said, hint="see agentbox litellm logs, then agentbox litellm restart")


def _born(paths: Paths) -> Sight:
    """Look, and give a starter the time to have its daemon."""
    deadline = time.monotonic() + _BIRTH_SECONDS
    while True:
        sight = look(paths)
        if not sight.unborn or time.monotonic() >= deadline:
            return sight
        time.sleep(_PAUSE)


def _end(process: Identity, grace_seconds: float, on_wait: Callable[[float], None] | None) -> bool:
    """Terminate, wait, kill; True when it had to be killed."""
    with contextlib.closing(session.Leader(process)) as leader:
        if grace_seconds > 0:
            leader.send(signal.SIGTERM)
        ended = grace_seconds > 0 and leader.wait(grace_seconds, on_wait)
        if not ended:
            leader.send(signal.SIGKILL)
            leader.wait(_RELEASE_SECONDS)
    session.kill_session(process)
    return not ended


def _await_release(paths: Paths) -> None:
    """Wait for the lock of a proxy that ended, unless a new one has taken it meanwhile."""
    deadline = time.monotonic() + _RELEASE_SECONDS
    while lock.is_held(paths.pid_file):
        sight = look(paths)
        if sight.unborn or sight.process is not None:
            return
        if time.monotonic() >= deadline:
            raise ProxyError(f"the proxy ended, but {paths.pid_file} is still locked")
        time.sleep(_PAUSE)


def _forget(paths: Paths) -> None:
    """Remove what a proxy that is gone left behind; a new one keeps what it has."""
    if not paths.pid_file.exists() and not paths.state_file.exists():
        return
    held = lock.acquire(paths.pid_file)
    if held is None:
        return
    with held:
        if not _lost_its_lock(paths):
            _wipe(paths, held)


def _wipe(paths: Paths, held: Lock) -> None:
    held.write_pid(None)
    try:
        paths.state_file.unlink(missing_ok=True)
    except OSError as error:
        raise ProxyError(
            f"cannot remove the state file {paths.state_file}: {error.strerror}",
            hint="remove it by hand",
        ) from error
