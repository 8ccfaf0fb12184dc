"""Temporary folders that do not stay behind, not even when their owner is killed.

The owner holds a lock on its folder, which the kernel frees however the owner ends. Whoever makes
the next folder removes those whose lock is free.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from agentbox_cli.daemon.lock import is_held
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths

# Written when the lock is held: a folder without it has just been made, or is not ours.
_OWNED = ".owned"


@contextmanager
def temporary_home(prefix: str) -> Iterator[Path]:
    """A folder of our own, removed at the end; those of the killed are removed before.

    Args:
        prefix: how its name begins, and theirs.
    """
    with suppress(OSError):
        _sweep(Path(tempfile.gettempdir()), prefix)
    with ExitStack() as held:
        # Removed first and freed afterwards, so that nobody else removes it meanwhile.
        directory = tempfile.TemporaryDirectory(prefix=prefix)
        folder = Path(directory.name)
        fd = _locked(folder)
        if fd is not None:
            held.callback(os.close, fd)
        held.enter_context(directory)
        if fd is not None:
            (folder / _OWNED).touch(mode=0o600)
        yield folder


def private_paths(home: Path) -> Paths:
    """Where everything is in a home that nobody else uses."""
    return Paths(
        config_dir=home / "config" / "agentbox",
        state_dir=home / "state" / "agentbox",
        cache_dir=home / "cache" / "agentbox",
        data_dir=home / "data" / "agentbox",
    )


def _sweep(place: Path, prefix: str) -> None:
    for folder in place.glob(f"{prefix}*"):
        fd = _locked(folder)
        if fd is None:
            continue
        try:
            if (folder / _OWNED).exists() and not _runs(folder):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(fd)


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock; None if somebody has it, or the folder is not ours."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    found = os.fstat(fd)
    try:
        if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == stat.S_IRWXU:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
    except OSError:
        pass
    os.close(fd)
    return None


def _runs(home: Path) -> bool:
    """Whether a daemon is still on its way out, after its owner."""
    try:
        return is_held(private_paths(home).pid_file)
    except ProxyError:
        return True
