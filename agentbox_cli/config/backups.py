"""Numbered copies of config.yml, one for each write of ours, the newest fifty of each file."""

import hashlib
import os
from pathlib import Path

from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths

KEPT = 50


def save(paths: Paths, file: Path, text: str) -> Path:
    """Keep a text of a file; gives the copy's path.

    Raises:
        ConfigError: it cannot be kept, so the file should not be changed.
    """
    folder = _folder(paths, file)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max((_number(copy) for copy in _copies(folder)), default=0) + 1
        copy = folder / f"{number:06d}.yml"
        descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as kept:
            kept.write(text.encode())
            kept.flush()
            os.fsync(kept.fileno())
        for old in _copies(folder)[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cannot keep a backup in {folder}: {error.strerror}; nothing was changed",
            hint="make room, or make the directory writable",
        ) from error
    return copy


def newest(paths: Paths, file: Path) -> Path | None:
    """The newest copy of a file; None if there is none."""
    return next(iter(newest_first(paths, file)), None)


def newest_first(paths: Paths, file: Path) -> list[Path]:
    """Every copy of a file that is kept."""
    return _copies(_folder(paths, file))[::-1]


def _folder(paths: Paths, file: Path) -> Path:
    # By the path, because several config files may be in use.
    digest = hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:12]
    return paths.backup_dir / digest


def _copies(folder: Path) -> list[Path]:
    return sorted((copy for copy in folder.glob("*.yml") if copy.stem.isdecimal()), key=_number)


def _number(copy: Path) -> int:
    return int(copy.stem)
