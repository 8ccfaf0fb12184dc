"""One change of config.yml, from the lock to the disk.

Locked, read again, edited, validated as a whole, kept as a backup, replaced: whatever goes wrong
on the way, the file is as it was.
"""

import difflib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agentbox_cli.config import backups
from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.editing.refusal import bar_broken
from agentbox_cli.config.mending import Check, mends
from agentbox_cli.config.problems import Problem, Severity, locate
from agentbox_cli.config.store import read_text, write
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# How long a change waits for another one; each takes far less than a second.
LOCK_SECONDS = 20.0

Edit = Callable[[Document], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change does, and whether it was done.

    Args:
        file: the config.yml.
        before, after: its text.
        diff: from one to the other, unified; empty if nothing changes.
        backup: the copy of `before`; None if nothing was written.
        problems: everything wrong with `after`.
        accepted: whether it may be written: there is no error among the problems, or they are
            tolerated.
    """

    file: Path
    before: str
    after: str
    diff: str
    backup: Path | None
    problems: tuple[Problem, ...]
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """On which a new text is written.

    Args:
        check: what is wrong with a valid config beyond what the model says.
        tolerate: whether a text with errors is written all the same.
    """

    check: Check
    tolerate: Callable[[Document, Document, Check], bool]


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
    terms = _Terms(check=check, tolerate=lambda *_: False)
    return _apply(paths, file, edit, terms, dry_run=dry_run)


def apply_or_mend(
    paths: Paths,
    file: Path,
    edit: Edit,
    *,
    check: Check = lambda _: (),
    dry_run: bool = False,
) -> Change:
    """Like `apply`, but of several errors in the data, one at a time can be mended too.

    A text that is no YAML is never edited: what the edit would find in it is not to be relied on.
    """

    def edit_sound(document: Document) -> str:
        bar_broken(document)
        return edit(document)

    terms = _Terms(check=check, tolerate=mends)
    return _apply(paths, file, edit_sound, terms, dry_run=dry_run)


def _apply(paths: Paths, file: Path, edit: Edit, terms: _Terms, *, dry_run: bool) -> Change:
    if dry_run:
        return _edited(file, edit, terms)
    with _lock(paths):
        change = _edited(file, edit, terms)
        return _written(paths, change) if change.accepted else change


def _edited(file: Path, edit: Edit, terms: _Terms) -> Change:
    before = parse(_text_of(file), file.name)
    after = parse(edit(before), file.name)
    problems = tuple(_problems(after, terms.check))
    return Change(
        file=file,
        before=before.text,
        after=after.text,
        diff=unified(file, before.text, after.text),
        backup=None,
        problems=problems,
        accepted=not _has_error(problems) or terms.tolerate(before, after, terms.check),
    )


def _written(paths: Paths, change: Change) -> Change:
    if change.before == change.after:
        return change
    return replace(change, backup=_write(paths, change))


def _write(paths: Paths, change: Change) -> Path:
    backup = backups.save(paths, change.file, change.before)
    try:
        write(change.file, change.after, instead_of=change.before)
    except ConfigError:
        backup.unlink(missing_ok=True)  # undo must not lead to what was never replaced
        raise
    return backup


def undo(paths: Paths, file: Path, *, dry_run: bool = False) -> Change:
    """Put the newest backup back; what it replaces becomes the newest, so this can be undone too.

    Raises:
        ConfigError: there is no backup.
    """

    def restore(document: Document) -> str:
        # A process that was killed may have left a copy of what was never replaced.
        newest = read_text(_backup_of(paths, file))
        texts = (read_text(copy) for copy in backups.newest_first(paths, file))
        return next((text for text in texts if text != document.text), newest)

    # Written even if it is wrong: it is what the user had, and may be mended by hand.
    terms = _Terms(check=lambda _: (), tolerate=lambda *_: True)
    return replace(_apply(paths, file, restore, terms, dry_run=dry_run), problems=())


def diff_against_backup(paths: Paths, file: Path) -> str:
    """What has changed since the last write of ours began.

    Raises:
        ConfigError: there is no backup.
    """
    return unified(file, read_text(_backup_of(paths, file)), _text_of(file))


def unified(file: Path, before: str, after: str) -> str:
    """The difference of two texts of a file; line ends are those of the text."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        fromfile=str(file),
        tofile=str(file),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _lines(text: str) -> list[str]:
    # Not splitlines, which also parts them at U+2028 and the like.
    return _LINE.findall(text)


@contextmanager
def _lock(paths: Paths) -> Iterator[None]:
    # Never on the config itself: replacing it changes the inode under the lock.
    try:
        paths.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(paths.config_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot lock {paths.config_lock}: {error.strerror}") from error
    try:
        _wait_for(descriptor, time.monotonic() + LOCK_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                message = "another agentbox command has been changing the config for too long"
                raise ConfigError(message, hint="wait for it, or end it") from None
            time.sleep(0.01)
        else:
            return


def _text_of(file: Path) -> str:
    return read_text(file) if file.exists() else ""


def _problems(document: Document, check: Check) -> list[Problem]:
    host, issues = validate(document)
    more = check(host) if host is not None else ()
    return locate(document, (*issues, *more))


def _has_error(problems: Iterable[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _backup_of(paths: Paths, file: Path) -> Path:
    copy = backups.newest(paths, file)
    if copy is None:
        raise ConfigError(f"there is no backup of {file}: agentbox has not changed it yet")
    return copy
