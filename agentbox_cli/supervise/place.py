"""Where a program of ours runs: a directory that is ours alone, with its files and its socket."""

import os
import stat
import tempfile
from pathlib import Path

from agentbox_cli.errors import ProxyError

_OTHERS = 0o077


def private_directory(path: Path) -> None:
    """Make sure of a directory that only we can enter.

    It may lie below the temporary directory, where anybody can be first to take its name.

    Raises:
        ProxyError: it is somebody else's, a link, or cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise ProxyError(f"{path} is not a directory", hint=f"remove {path}")
        if found.st_uid != os.geteuid():
            raise ProxyError(
                f"{path} belongs to uid {found.st_uid}, not to you",
                hint=f"remove {path}, or set TMPDIR to a directory of your own",
            )
        if found.st_mode & _OTHERS:
            path.chmod(0o700)
    except OSError as error:
        raise ProxyError(f"cannot make the directory {path}: {error.strerror}") from error


def write_private(path: Path, text: str) -> None:
    """Put a text into a file that only we can read, at once or not at all.

    Raises:
        ProxyError: it cannot be written.
    """
    fresh: Path | None = None
    try:
        # mkstemp creates with O_EXCL and mode 0600.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        fresh = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        if fresh is not None:
            fresh.unlink(missing_ok=True)
        raise ProxyError(f"cannot write {path}: {error.strerror}") from error


def free_socket(path: Path) -> None:
    """Remove the socket of an engine that is gone.

    Raises:
        ProxyError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ProxyError(f"cannot remove the old socket {path}: {error.strerror}") from error
