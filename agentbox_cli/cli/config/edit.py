"""`agentbox config edit`: config.yml in an editor, saved only if it is valid."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, apply_edit, refusal, tell_change
from agentbox_cli.cli.output import notice
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import ConfigError, NotSo, UsageError
from agentbox_cli.paths import APP, SCHEMA_NAME

if TYPE_CHECKING:
    from agentbox_cli.config.change import Change
    from agentbox_cli.config.document import Document

app = command()

FALLBACK_EDITOR = "vi"
_STDERR = 2


@app.command()
def edit(ctx: typer.Context, *, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Open config.yml in your editor; save it if valid.

    $VISUAL or $EDITOR works on a copy. A copy that is not saved is kept.

    Example: EDITOR=nano agentbox config edit
    """
    from agentbox_cli.config.store import read_text

    file = config_file(ctx)
    before = read_text(file)
    editor = _editor()
    copy = _copy(before)
    try:
        change = _edited(ctx, [*editor, str(copy)], file, before, dry_run=dry_run)
    except BaseException:  # ^C too
        _put_away(copy, before)
        raise
    if refusal(change) is None:
        shutil.rmtree(copy.parent, ignore_errors=True)
    else:
        _put_away(copy, before)
    tell_change(ctx, change, dry_run=dry_run, as_json=as_json)


def _editor() -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named is None and not sys.stdin.isatty():
        raise UsageError(f"{FALLBACK_EDITOR} needs a terminal", hint="set EDITOR to another one")
    named = named or FALLBACK_EDITOR
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise UsageError(f"$VISUAL or $EDITOR cannot be read: {error}") from None
    if not words or shutil.which(words[0]) is None:
        raise UsageError(f"there is no editor {named!r}", hint="set EDITOR, such as EDITOR=nano")
    return words


def _copy(text: str) -> Path:
    """The text in a directory of mode 0700, with the schema that it may refer to."""
    from agentbox_cli.config.schema import schema_text
    from agentbox_cli.config.store import write

    directory = Path(tempfile.mkdtemp(prefix=f"{APP}-edit-"))
    write(directory / SCHEMA_NAME, schema_text())
    copy = directory / "config.yml"
    write(copy, text)
    return copy


def _edited(
    ctx: typer.Context, command: list[str], file: Path, before: str, *, dry_run: bool
) -> "Change":
    """Let people edit until the text is valid or they give up."""
    from agentbox_cli.config.store import read_text

    def edit_text(document: "Document") -> str:
        if document.text != before:
            raise ConfigError(f"{file} was changed by somebody else meanwhile")
        return read_text(Path(command[-1]))

    while True:
        _run(command)
        change = apply_edit(ctx, file, edit_text, dry_run=dry_run)
        refused = refusal(change)
        if refused is None or not sys.stdin.isatty():
            return change
        notice(refused.message)
        if not typer.confirm("Edit it again?", default=True, err=True):
            return change


def _run(command: list[str]) -> None:
    # ^C belongs to the editor meanwhile. Not SIG_IGN, which the editor would inherit.
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    # What is asked for on stdout, such as JSON, goes to a pipe without the editor's own output.
    screen = None if sys.stdout.isatty() else _STDERR
    try:
        ended = subprocess.run(command, check=False, stdout=screen).returncode
    except OSError as error:
        raise UsageError(f"the editor {command[0]} cannot be run: {error.strerror}") from None
    finally:
        signal.signal(signal.SIGINT, handler)
    if ended < 0:
        raise NotSo(f"the editor {command[0]} was ended by {signal.Signals(-ended).name}")
    if ended > 0:
        raise NotSo(f"the editor {command[0]} ended with {ended}")


def _put_away(copy: Path, before: str) -> None:
    """Keep a copy that has something new in it; else nobody misses it, and it may hold keys."""
    if _is_new(copy, before):
        notice(f"your text is kept in {copy}")
    else:
        shutil.rmtree(copy.parent, ignore_errors=True)


def _is_new(copy: Path, before: str) -> bool:
    from agentbox_cli.config.store import read_text

    try:
        return read_text(copy) != before
    except ConfigError:
        return copy.exists()
