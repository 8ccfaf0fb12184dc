"""What the running proxy says of itself in the state file.

The file describes; the lock decides. So reading tolerates anything, and whatever is not exactly a
state file of ours counts as none.
"""

import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentbox_cli import __version__
from agentbox_cli.config.own_file import read_own
from agentbox_cli.daemon.identity import PID_LIMIT, Identity, Sameness, compare, identify
from agentbox_cli.daemon.lock import Lock
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths

SCHEMA = 1

# Variables by which the starter tells the daemon its token and where its log begins.
TOKEN_VARIABLE = "AGENTBOX_INSTANCE"  # noqa: S105 - the name of a variable
LOG_OFFSET_VARIABLE = "AGENTBOX_LOG_OFFSET"

# A state file has a few hundred bytes; more is not ours.
SIZE_LIMIT = 64 * 1024

_PORT_LIMIT = 2**16
_NUMBER_LIMIT = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One run of the proxy daemon.

    Args:
        identity: the process.
        host: the address to reach it at.
        port: 0 until it is bound.
        token: random, per run; `/health` repeats it. It tells runs apart and opens nothing.
        started_at: seconds since the epoch.
        version: of the code that runs, not of the code installed now.
        config_file: the config.yml it was started with.
        working_dir: where it was started; its `.agentbox/.env` may hold keys.
        ready: the port serves.
        draining: it was asked to stop and finishes open streams.
        log_offset: where in the log file this run begins, in bytes.
    """

    identity: Identity
    host: str
    port: int
    token: str
    started_at: float
    version: str
    config_file: Path
    working_dir: Path
    ready: bool
    draining: bool = False
    log_offset: int = 0

    @property
    def pid(self) -> int:
        """The pid of the daemon, in its own pid namespace."""
        return self.identity.pid

    @property
    def url(self) -> str:
        """The address that agents are pointed at."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def this_process(  # noqa: PLR0913 - one argument per fact that only the caller knows
    *,
    host: str,
    port: int,
    token: str,
    config_file: Path,
    working_dir: Path,
    ready: bool = False,
    log_offset: int = 0,
) -> Instance:
    """Describe the calling process as the proxy.

    Raises:
        ProxyError: there is no /proc to take our own identity from.
    """
    identity = identify(os.getpid())
    if identity is None:
        raise ProxyError("cannot read /proc/self/stat: the proxy runs on Linux only")
    return Instance(
        identity=identity,
        host=host,
        port=port,
        token=token,
        started_at=time.time(),
        version=__version__,
        config_file=config_file,
        working_dir=working_dir,
        ready=ready,
        log_offset=log_offset,
    )


def announce(paths: Paths, lock_fd: int, instance: Instance) -> None:
    """Say who holds the lock: the pid into the locked pidfile, the rest into the state file.

    The daemon calls it when it begins, when its port serves, and when it starts to drain.

    Raises:
        ProxyError: the files cannot be written, or describe another proxy that is alive: then our
            lock file was removed under us, and somebody else was started.
    """
    other = read(paths.state_file)
    if other and other.token != instance.token and compare(other.identity) is Sameness.SAME:
        raise ProxyError(f"another proxy (pid {other.pid}) has taken over {paths.state_file}")
    Lock(path=paths.pid_file, fd=lock_fd).write_pid(instance.pid)
    write(paths.state_file, instance)


def withdraw(paths: Paths, lock_fd: int, instance: Instance) -> None:
    """Remove what `announce` wrote, as the last act before the lock is freed."""
    found = read(paths.state_file)
    if found is not None and found.token != instance.token:
        return
    Lock(path=paths.pid_file, fd=lock_fd).write_pid(None)
    paths.state_file.unlink(missing_ok=True)


def write(path: Path, instance: Instance) -> None:
    """Replace the state file at once and completely, mode 0600.

    Raises:
        ProxyError: the directory is full or not writable.
    """
    text = json.dumps(_to_json(instance), indent=2) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_private(temporary, text.encode())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ProxyError(
            f"cannot write the state file {path}: {error.strerror}",
            hint="make room or make the directory writable",
        ) from error


def read(path: Path) -> Instance | None:
    """Read the state file; None when it is missing, damaged, not ours, or of another schema."""
    try:
        return _from_json(json.loads(read_own(path, limit=SIZE_LIMIT)))
    # Nesting beyond the parser's depth is a RecursionError.
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _write_private(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor, not a path
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _to_json(instance: Instance) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "pid": instance.pid,
        "start_ticks": instance.identity.start_ticks,
        "boot_id": instance.identity.boot_id,
        "pid_namespace": instance.identity.pid_namespace,
        "host": instance.host,
        "port": instance.port,
        "url": instance.url,
        "instance": instance.token,
        "started_at": instance.started_at,
        "version": instance.version,
        "config_file": str(instance.config_file),
        "working_dir": str(instance.working_dir),
        "ready": instance.ready,
        "draining": instance.draining,
        "log_offset": instance.log_offset,
    }


def _from_json(data: Any) -> Instance:
    """Build the instance; TypeError, KeyError or ValueError when the data is not one."""
    if _number(data["schema"], SCHEMA + 1) != SCHEMA:
        raise ValueError("written by another version")
    return Instance(
        identity=Identity(
            pid=_number(data["pid"], PID_LIMIT, least=1),
            start_ticks=_number(data["start_ticks"], _NUMBER_LIMIT),
            boot_id=_text(data["boot_id"]),
            pid_namespace=_number(data["pid_namespace"], _NUMBER_LIMIT),
        ),
        host=_host(data["host"]),
        port=_number(data["port"], _PORT_LIMIT),
        token=_text(data["instance"]),
        started_at=_seconds(data["started_at"]),
        version=_text(data["version"]),
        config_file=Path(_text(data["config_file"])),
        working_dir=Path(_text(data["working_dir"])),
        ready=_flag(data["ready"]),
        draining=_flag(data["draining"]),
        log_offset=_number(data["log_offset"], _NUMBER_LIMIT),
    )


def _number(value: Any, limit: int, *, least: int = 0) -> int:
    if type(value) is not int or not least <= value < limit:
        raise ValueError("not a number in range")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("not a time")
    return float(value)


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("not text")
    return value


def _host(value: Any) -> str:
    # It goes into a socket address and an HTTP header.
    host = _text(value)
    if not host or not host.isascii() or not host.isprintable() or " " in host:
        raise ValueError("not a host")
    return host
