"""`agentbox config edit`: config.yml in an editor, saved only if it is valid."""

import os
import shlex
import shutil
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
        change = _edited(editor, copy, file, before, dry_run=dry_run)
    except BaseException:  # ^C too
        notice(f"your text is kept in {copy}")
        raise
    shutil.rmtree(copy.parent)
    tell_change(change, dry_run=dry_run, as_json=as_json)


def _editor() -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or FALLBACK_EDITOR
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


def _edited(editor: list[str], copy: Path, file: Path, before: str, *, dry_run: bool) -> "Change":
    """Let people edit until the text is valid or they give up."""
    from agentbox_cli.config.store import read_text

    def edit_text(document: "Document") -> str:
        if document.text != before:
            raise ConfigError(f"{file} was changed by somebody else meanwhile")
        return read_text(copy)

    while True:
        _run(editor, copy)
        change = apply_edit(file, edit_text, dry_run=dry_run)
        refused = refusal(change)
        if refused is None:
            return change
        if not sys.stdin.isatty():
            raise refused
        notice(refused.message)
        if not typer.confirm("Edit it again?", default=True, err=True):
            raise refused


def _run(editor: list[str], copy: Path) -> None:
    ended = subprocess.run([*editor, str(copy)], check=False)
    if ended.returncode != 0:
        raise NotSo(f"the editor {editor[0]} ended with {ended.returncode}")
