"""Small regular files: read without hanging, with their mode and owner as of the reading."""

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from agentbox_cli.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A file's bytes, and whose they were when they were read."""

    data: bytes = field(repr=False)
    mode: int
    uid: int

    @property
    def is_private(self) -> bool:
        """Whether it is ours, and nobody else may touch it."""
        return self.uid == os.geteuid() and not self.mode & 0o077


def read_regular(path: Path, limit: int) -> Contents:
    """Read a regular file of at most `limit` bytes; symbolic links are followed.

    Raises:
        ConfigError: it is missing, unreadable, too large, or no regular file.
    """
    try:
        # Without O_NONBLOCK a FIFO nobody writes to would hang here.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        raise unusable(path, "read", error) from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise ConfigError(f"{path} is {_kind(about.st_mode)}, not a regular file")
        data = _read_up_to(descriptor, limit + 1)
    except OSError as error:
        raise unusable(path, "read", error) from error
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise ConfigError(f"{path} is larger than {limit} bytes")
    return Contents(data=data, mode=stat.S_IMODE(about.st_mode), uid=about.st_uid)


def unusable(path: Path, verb: str, error: OSError | ValueError) -> ConfigError:
    """Say that a file could not be read or written, and why."""
    code = error.errno if isinstance(error, OSError) else None
    why = os.strerror(code).lower() if code else "this is no file name"
    hint = _whose(path) if code in (errno.EACCES, errno.EPERM) else None
    return ConfigError(f"{path} cannot be {verb}: {why}", hint=hint)


def _whose(path: Path) -> str:
    """Whose a file is that we may not use: in containers users are often not who they seem."""
    try:
        found = path.stat()
    except OSError:
        return f"check its owner and mode, and those of {path.parent}; you are uid {os.geteuid()}"
    mode = stat.S_IMODE(found.st_mode)
    return (
        f"check its owner and mode: it belongs to uid {found.st_uid}, mode {mode:04o},"
        f" and you are uid {os.geteuid()}"
    )


def _read_up_to(descriptor: int, limit: int) -> bytes:
    data = b""
    while len(data) < limit and (more := os.read(descriptor, limit - len(data))):
        data += more
    return data


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "a device")
