"""One change of config.yml, from the lock to the disk.

Locked, read again, edited, validated as a whole, kept as a backup, replaced: whatever goes wrong
on the way, the file is as it was.
"""

import difflib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agentbox_cli.config import backups
from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Problem, Severity, locate
from agentbox_cli.config.store import read_text, write
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths

Edit = Callable[[Document], str]
Check = Callable[[HostConfig], Iterable[Issue]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change does, and whether it was done.

    Args:
        file: the config.yml.
        before, after: its text.
        diff: from one to the other, unified; empty if nothing changes.
        backup: the copy of `before`; None if nothing was written.
        problems: everything wrong with `after`; an error among them keeps it from being written.
    """

    file: Path
    before: str
    after: str
    diff: str
    backup: Path | None
    problems: tuple[Problem, ...]


def apply(
    paths: Paths,
    file: Path,
    edit: Edit,
    *,
    check: Check = lambda _: (),
    dry_run: bool = False,
) -> Change:
    """Change a config file if the result can be used.

    Args:
        paths: where the lock and the backups are.
        file: the config.yml; it may be missing.
        edit: gives the new text.
        check: what is wrong with the result beyond what the model says.
        dry_run: write nothing.

    Raises:
        ConfigError: the edit was refused, somebody else changed the file meanwhile, or it cannot
            be written.
    """
    return _change(paths, file, edit, check, write_if=lambda ok: ok and not dry_run)


def _change(
    paths: Paths, file: Path, edit: Edit, check: Check, write_if: Callable[[bool], bool]
) -> Change:
    with _lock(paths):
        before = _text_of(file)
        after = edit(parse(before, file.name))
        problems = tuple(_problems(parse(after, file.name), check))
        backup = None
        if after != before and write_if(not _has_error(problems)):
            backup = _replace(paths, file, before, after)
    return Change(
        file=file,
        before=before,
        after=after,
        diff=unified(file, before, after),
        backup=backup,
        problems=problems,
    )


def undo(paths: Paths, file: Path, *, dry_run: bool = False) -> Change:
    """Put the newest backup back; what it replaces becomes the newest, so this can be undone too.

    Raises:
        ConfigError: there is no backup.
    """
    copy = _backup_of(paths, file)
    # Written even if it is wrong: it is what the user had, and may be mended by hand.
    done = _change(
        paths, file, lambda _: read_text(copy), lambda _: (), write_if=lambda _: not dry_run
    )
    return replace(done, problems=())


def diff_against_backup(paths: Paths, file: Path) -> str:
    """What has changed since the last write of ours began.

    Raises:
        ConfigError: there is no backup.
    """
    return unified(file, read_text(_backup_of(paths, file)), _text_of(file))


def unified(file: Path, before: str, after: str) -> str:
    """The difference of two texts of a file; line ends are those of the text."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        fromfile=str(file),
        tofile=str(file),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@contextmanager
def _lock(paths: Paths) -> Iterator[None]:
    # Never on the config itself: replacing it changes the inode under the lock.
    try:
        paths.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(paths.config_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot lock {paths.config_lock}: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _text_of(file: Path) -> str:
    return read_text(file) if file.exists() else ""


def _problems(document: Document, check: Check) -> list[Problem]:
    host, issues = validate(document)
    more = check(host) if host is not None else ()
    return locate(document, (*issues, *more))


def _has_error(problems: Iterable[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _replace(paths: Paths, file: Path, before: str, after: str) -> Path:
    if _text_of(file) != before:
        raise ConfigError(
            f"{file} was changed by another program at the same time; nothing was written",
            hint="look at it and try again",
        )
    backup = backups.save(paths, file, before)
    write(file, after)
    return backup


def _backup_of(paths: Paths, file: Path) -> Path:
    copy = backups.newest(paths, file)
    if copy is None:
        raise ConfigError(f"there is no backup of {file}: agentbox has not changed it yet")
    return copy
