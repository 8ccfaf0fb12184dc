"""The lock whose holder is the proxy: a flock on the pidfile.

The kernel frees it when the holder ends, however it ends, and it is seen from every pid namespace
of one kernel. The starter takes it and the daemon inherits it, so there is no moment in between.
The file is never removed: a lock on a removed file protects nothing.
"""

import fcntl
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from agentbox_cli.daemon.identity import PID_LIMIT
from agentbox_cli.errors import ProxyError

# A status command holds a shared lock for microseconds; that must not fail a start.
RETRY_SECONDS = 0.5

_PAUSE = 0.02
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PID_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """An open, locked pidfile; closing it frees the lock unless a child inherited it."""

    path: Path
    fd: int

    def write_pid(self, pid: int | None) -> None:
        """Put the pid into the file in plain text; None empties it: nobody runs yet."""
        text = b"" if pid is None else b"%d\n" % pid
        try:
            # Written before it is cut, so that a reader never meets an empty file by accident.
            os.pwrite(self.fd, text, 0)
            os.ftruncate(self.fd, len(text))
        except OSError as error:
            raise _unusable(self.path, error) from error

    def release(self) -> None:
        """Close our end of the lock."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def acquire(path: Path, *, retry_seconds: float = RETRY_SECONDS) -> Lock | None:
    """Take the lock, or return None when somebody holds it for longer than the retry.

    Raises:
        ProxyError: the file cannot be created or locked here, or belongs to somebody else.
    """
    deadline = time.monotonic() + retry_seconds
    while True:
        lock = _try(path)
        if lock is not None or time.monotonic() >= deadline:
            return lock
        time.sleep(_PAUSE)


def adopt(path: Path, fd: int) -> Lock:
    """Make an inherited, locked descriptor ours; children of this process do not inherit it.

    Raises:
        ProxyError: the descriptor is not the lock of this path.
    """
    try:
        os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library's signature
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = _is_file_at(path, fd)
    except OSError as error:
        raise _unusable(path, error) from error
    if not ours:
        raise ProxyError(f"descriptor {fd} is not the lock file {path}")
    return Lock(path=path, fd=fd)


def is_held(path: Path) -> bool:
    """Say whether somebody holds the lock.

    Raises:
        ProxyError: the file exists but cannot be read here.
    """
    try:
        fd = os.open(path, os.O_RDONLY | _OPEN)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        return not _flock(path, fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def wait_until_free(path: Path, *, seconds: float) -> bool:
    """Wait for the holder to end; False when it still holds the lock afterwards."""
    deadline = time.monotonic() + seconds
    while is_held(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def read_pid(path: Path) -> int | None:
    """The pid in the pidfile, 0 when the file is empty, None when there is no sense in it."""
    try:
        fd = os.open(path, os.O_RDONLY | _OPEN)
    except OSError:
        return None
    try:
        text = os.read(fd, _PID_DIGITS).partition(b"\n")[0].strip()
    except OSError:
        return None
    finally:
        os.close(fd)
    return _parse_pid(text)


def has_open(pid: int, path: Path) -> bool:
    """Say whether a process of this namespace has the lock file open: proof that it is ours."""
    try:
        wanted = path.stat()
        entries = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    return any(_is_same_file(entry, wanted) for entry in entries)


def _try(path: Path) -> Lock | None:
    """Take the lock if it is free at this moment."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | _OPEN, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _refuse_foreign(path, os.fstat(fd))
        # A file removed between open and flock would leave us with a lock that nobody sees.
        locked = _flock(path, fd, fcntl.LOCK_EX) and _is_file_at(path, fd)
    except BaseException:
        os.close(fd)
        raise
    if not locked:
        os.close(fd)
        return None
    return Lock(path=path, fd=fd)


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ProxyError(f"{path} is not a plain file", hint=f"move it away: mv {path} {path}.old")
    if found.st_uid != os.geteuid():
        raise ProxyError(
            f"{path} belongs to uid {found.st_uid}, not to you (uid {os.geteuid()})",
            hint="run as its owner, or set XDG_STATE_HOME to a directory of your own",
        )


def _flock(path: Path, fd: int, mode: int) -> bool:
    try:
        fcntl.flock(fd, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    return True


def _is_file_at(path: Path, fd: int) -> bool:
    return _is_same_file(path, os.fstat(fd))


def _is_same_file(path: Path, wanted: os.stat_result) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return os.path.samestat(found, wanted)


def _parse_pid(text: bytes) -> int | None:
    if not text:
        return 0
    pid = int(text) if text.isdigit() else PID_LIMIT
    return pid if 0 < pid < PID_LIMIT else None


def _unusable(path: Path, error: OSError) -> ProxyError:
    return ProxyError(
        f"cannot use the lock file {path}: {error.strerror}",
        hint="make its directory writable, or set XDG_STATE_HOME to one on a local disk",
    )
