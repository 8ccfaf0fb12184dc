"""Who holds the lock, and how the proxy does. Looking changes nothing."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentbox_cli.daemon import client, identity, instance, lock
from agentbox_cli.daemon.identity import Identity, Sameness
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.states import SELF_REPORTED, DaemonState
from agentbox_cli.paths import Paths

# A proxy announces itself within a second; one that is older and has no state file lost it.
UNANNOUNCED_SECONDS = 30.0

# Between two of its steps a start looks like somebody unknown; looking again tells.
_LOOKS = 3
_LOOK_PAUSE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What lock, pidfile and state file show together.

    Args:
        held: somebody holds the lock.
        process: the living proxy, proven by its identity or by its having the lock file open.
        instance: what the state file says of that process, or of one that is gone.
        unborn: the lock is held by a starter that has no daemon yet.
    """

    held: bool
    process: Identity | None
    instance: Instance | None
    unborn: bool

    @property
    def foreign(self) -> bool:
        """Somebody holds the lock who cannot be identified from here."""
        return self.held and self.process is None and not self.unborn


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The state of the proxy.

    Args:
        state: as `status` names it.
        instance: what the state file says; that of a gone process when stale.
        status: the answer of `/agentbox/status`, when the proxy was asked and answered.
        reason: why it is degraded or foreign, when the proxy does not say so itself.
    """

    state: DaemonState
    instance: Instance | None = None
    status: dict[str, Any] | None = None
    reason: str | None = None


def probe(paths: Paths, *, timeout: float = client.TIMEOUT_SECONDS) -> Probe:
    """Find out whether the proxy runs, and ask it how it does.

    Raises:
        ProxyError: the lock file cannot be read here.
    """
    sight = look(paths)
    if sight.process is None:
        return _without_process(paths, sight)
    if sight.instance is None:
        return _unannounced(paths, sight.process)
    if sight.instance.draining:
        return Probe(state=DaemonState.DRAINING, instance=sight.instance)
    if not sight.instance.ready:
        return Probe(state=DaemonState.STARTING, instance=sight.instance)
    return _ask(paths, sight.instance, timeout)


def look(paths: Paths) -> Sight:
    """Put together who holds the lock, without asking anybody.

    Raises:
        ProxyError: the lock file cannot be read here.
    """
    sight = _glance(paths)
    for _ in range(_LOOKS):
        if not sight.foreign:
            break
        time.sleep(_LOOK_PAUSE)
        sight = _glance(paths)
    return sight


def _glance(paths: Paths) -> Sight:
    found = instance.read(paths.state_file)
    held = lock.is_held(paths.pid_file)
    if found is not None and identity.compare(found.identity) is Sameness.SAME:
        return Sight(held=held, process=found.identity, instance=found, unborn=False)
    if not held:
        return Sight(held=False, process=None, instance=found, unborn=False)
    pid = lock.read_pid(paths.pid_file)
    return Sight(held=True, process=_proven_by_lock(paths, pid), instance=None, unborn=pid == 0)


def _proven_by_lock(paths: Paths, pid: int | None) -> Identity | None:
    """The process of the pidfile, when it really is the one with the lock file open.

    A pid written in another pid namespace names a stranger in ours.
    """
    if not pid or not lock.has_open(pid, paths.pid_file):
        return None
    return identity.identify(pid)


def _without_process(paths: Paths, sight: Sight) -> Probe:
    if sight.foreign:
        return Probe(state=DaemonState.FOREIGN, reason=_foreign_reason(paths))
    if sight.unborn:
        return Probe(state=DaemonState.STARTING)
    if paths.state_file.exists():
        return Probe(state=DaemonState.STALE, instance=sight.instance)
    return Probe(state=DaemonState.STOPPED)


def _unannounced(paths: Paths, process: Identity) -> Probe:
    # By the pidfile and not by the process, which may have lived before it became the proxy.
    if _age_seconds(paths.pid_file) < UNANNOUNCED_SECONDS:
        return Probe(state=DaemonState.STARTING)
    reason = f"pid {process.pid} runs, but its state file {paths.state_file} is gone or damaged"
    return Probe(state=DaemonState.DEGRADED, reason=reason)


def _age_seconds(path: Path) -> float:
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except OSError:
        return 0.0


def _ask(paths: Paths, found: Instance, timeout: float) -> Probe:
    status = client.fetch_status(found, key_file=paths.key_file, timeout=timeout)
    if status is None:
        reason = f"pid {found.pid} runs, but does not answer on {found.url}"
        return Probe(state=DaemonState.DEGRADED, instance=found, reason=reason)
    said = status.get("state")
    if said not in SELF_REPORTED:
        reason = f"pid {found.pid} answers without a state: it runs version {found.version}"
        return Probe(state=DaemonState.DEGRADED, instance=found, status=status, reason=reason)
    return Probe(state=DaemonState(said), instance=found, status=status)


def _foreign_reason(paths: Paths) -> str:
    return (
        f"{paths.pid_file} is locked by a process that cannot be identified from here, "
        "probably in another container"
    )
