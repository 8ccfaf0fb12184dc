"""Who listens on a port of this machine, by /proc."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

ANYBODY = "another process"

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTEN = b"0A"

# Columns of /proc/net/tcp (proc(5)).
_LOCAL, _STATE, _INODE = 1, 3, 9


def holder_of(port: int) -> str:
    """Name the process that listens on the port, as far as the kernel shows it to us."""
    inodes = set(_listening_inodes(port))
    for pid in _pids():
        if inodes & set(_socket_inodes(pid)):
            return f"{_name(pid)} (pid {pid})"
    return ANYBODY


def _listening_inodes(port: int) -> Iterator[str]:
    for table in _TABLES:
        with contextlib.suppress(OSError):
            for line in table.read_bytes().splitlines()[1:]:
                fields = line.split()
                if fields[_STATE] == _LISTEN and int(fields[_LOCAL].rsplit(b":")[-1], 16) == port:
                    yield fields[_INODE].decode("ascii")


def _pids() -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _socket_inodes(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(entry.readlink())
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "a process"
