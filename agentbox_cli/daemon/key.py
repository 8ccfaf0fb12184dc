"""The install's key: what callers show when the kernel cannot vouch for them."""

import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentbox_cli.errors import ProxyError

_KEY = re.compile(r"agentbox-[A-Za-z0-9_-]{43}")
_READ_LIMIT = 1024
_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_ROTATE = "make a new one with `agentbox litellm key --rotate`"


def read_or_create(path: Path) -> str:
    """The key in `path`; where there is none, a new one that all simultaneous callers agree on.

    Raises:
        ProxyError: the file or its directory is open to others, not ours, or holds no key.
    """
    with _told_as_proxy_error(path):
        private_directory(path.parent)
        # Only one link() at a name succeeds, on NFS too; whoever loses reads the winner's key.
        if not os.path.lexists(path):
            with _new_key_file(path) as fresh, suppress(FileExistsError):
                os.link(fresh, path)
        return _read(path)


def rotate(path: Path) -> str:
    """Put a new key into `path`, whatever stood there before.

    Raises:
        ProxyError: the directory is open to others or not ours, or cannot be written.
    """
    with _told_as_proxy_error(path):
        private_directory(path.parent)
        with _new_key_file(path) as fresh:
            key = _read(fresh)
            fresh.replace(path)
        return key


@contextmanager
def _told_as_proxy_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProxyError(
            f"{path}: the key cannot be read or written: {error.strerror or error}",
            hint="check who owns the file and its directory",
        ) from error


def private_directory(directory: Path) -> None:
    """Make a directory for secrets if it is missing.

    Raises:
        ProxyError: it is not ours, or others may write to it.
        OSError: it cannot be made.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid():
        raise ProxyError(
            f"{directory}: belongs to uid {found.st_uid}, not to you",
            hint="run agentbox as the owner of its state directory",
        )
    if found.st_mode & _OTHERS_WRITE:
        raise ProxyError(
            f"{directory}: others may write to it, so a key in it is not safe",
            hint=f"chmod 700 {directory}",
        )


@contextmanager
def _new_key_file(path: Path) -> Iterator[Path]:
    # mkstemp creates with O_EXCL and mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"agentbox-{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _read(path: Path) -> str:
    # Not blocking: a FIFO at this name must not hang the daemon.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_private(path, os.fstat(descriptor))
        text = os.read(descriptor, _READ_LIMIT).decode("ascii", "replace")
    finally:
        os.close(descriptor)
    if not _KEY.fullmatch(text.removesuffix("\n")):
        raise ProxyError(f"{path}: this is not a key of agentbox", hint=_ROTATE)
    return text.removesuffix("\n")


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ProxyError(f"{path}: this is not a regular file", hint=f"remove it, or {_ROTATE}")
    if found.st_uid != os.geteuid():
        raise ProxyError(
            f"{path}: the key belongs to uid {found.st_uid}, not to you",
            hint="run agentbox as its owner",
        )
    if found.st_mode & _OTHERS:
        # Others may have read it, so closing the file again would not be enough.
        raise ProxyError(
            f"{path}: others may read the key (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=_ROTATE,
        )
