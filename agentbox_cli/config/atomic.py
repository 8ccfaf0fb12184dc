"""One small file, written so that nobody ever reads a part of it."""

import errno
import fcntl
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The end of the names of our temporary files, so that an editor's are never taken for ours.
_SUFFIX = ".agentbox"
# A temporary file this old, in seconds, was left behind by a process that was killed.
_STALE = 60.0
# What stops a replacement but not writing to the file: a mount point, a directory of others.
_UNREPLACEABLE = (errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS)
_NO_RESERVING = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


NEW_DIRECTORY_MODE = 0o700


class ChangedMeanwhileError(Exception):
    """The file is no longer what the new text was made from."""


@contextmanager
def locked_directory(directory: Path) -> Iterator[None]:
    """Keep other commands from the files of a directory, which is made if it is missing.

    Raises:
        OSError: it cannot be made or opened.
    """
    directory.mkdir(mode=NEW_DIRECTORY_MODE, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # A file itself cannot carry the lock: writing puts another one in its place.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace_file(target: Path, data: bytes, *, mode: int, expected: bytes | None = None) -> None:
    """Write a file by replacing it with a temporary one from the same directory.

    The mode, the owner and the extended attributes of an existing file stay. Where they could not,
    or other names (hard links) would keep the old text, or the file is a mount point, it is
    written in place; only a crash of the machine or the process can then cut the text short.

    Args:
        target: the file, no symbolic link.
        data: what it will contain.
        mode: of a file that does not exist yet.
        expected: what it must contain until the last moment; None for anything.

    Raises:
        ChangedMeanwhileError: it contains something else; nothing was written.
        OSError: it cannot be written, and is as it was.
    """
    _sweep(target)
    if _has_other_names(target):
        _write_in_place(target, data, expected)
        return
    try:
        _replace(target, data, mode, expected)
    except OSError as error:
        if error.errno not in _UNREPLACEABLE or not target.exists():
            raise
        _write_in_place(target, data, expected)


def _sweep(target: Path) -> None:
    left = target.parent.glob(f"{glob.escape(f'.{target.name}.')}*{_SUFFIX}")
    with suppress(OSError):
        for temporary in left:
            if time.time() - temporary.stat().st_mtime > _STALE:
                temporary.unlink()


def _has_other_names(target: Path) -> bool:
    return target.exists() and target.stat().st_nlink > 1


def _replace(target: Path, data: bytes, mode: int, expected: bytes | None) -> None:
    with _temporary(target) as (descriptor, temporary):
        _write_all(descriptor, data)
        _take_over_attributes(target, temporary, mode)
        os.fsync(descriptor)
        if expected is not None and _contents(target) != expected:
            raise ChangedMeanwhileError
        temporary.replace(target)
    _sync_directory(target.parent)


@contextmanager
def _temporary(target: Path) -> Iterator[tuple[int, Path]]:
    prefix = f".{target.name}."
    descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=_SUFFIX, dir=target.parent)
    try:
        yield descriptor, Path(name)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)


def _contents(target: Path) -> bytes:
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return b""


def _take_over_attributes(target: Path, temporary: Path, mode: int) -> None:
    if not target.exists():
        temporary.chmod(mode)
        return
    about, new = target.stat(), temporary.stat()
    if (about.st_uid, about.st_gid) != (new.st_uid, new.st_gid):
        os.chown(temporary, about.st_uid, about.st_gid)
    shutil.copystat(target, temporary)
    os.utime(temporary)


def _write_in_place(target: Path, data: bytes, expected: bytes | None) -> None:
    descriptor = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    try:
        old = _contents(target)
        if expected is not None and old != expected:
            raise ChangedMeanwhileError
        try:
            _reserve(descriptor, len(data))
            _overwrite(descriptor, data)
        except OSError:
            with suppress(OSError):
                _overwrite(descriptor, old)
            raise
    finally:
        os.close(descriptor)


def _reserve(descriptor: int, size: int) -> None:
    """Make sure of the room before a byte is changed."""
    try:
        os.posix_fallocate(descriptor, 0, max(size, 1))
    except OSError as error:
        if error.errno not in _NO_RESERVING:
            raise


def _overwrite(descriptor: int, data: bytes) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    _write_all(descriptor, data)
    os.ftruncate(descriptor, len(data))
    os.fsync(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_directory(directory: Path) -> None:
    # The file is replaced already: a directory that cannot be read or synced is no failure.
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
