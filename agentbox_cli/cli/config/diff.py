"""`agentbox config diff`: what changed since the last backup."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, notice
from agentbox_cli.cli.setting import config_file
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def diff(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what changed since the last backup.

    Every change by agentbox leaves a backup of the text before it.

    Example: agentbox config diff
    """
    from agentbox_cli.config.change import diff_against_backup

    file = config_file(ctx)
    changes = _masked(diff_against_backup(standard_paths(), file), file)
    if as_json:
        emit_json("config-diff", {"file": str(file), "changed": bool(changes), "diff": changes})
        return
    sys.stdout.write(changes)
    if not changes:
        notice(f"{file} is as in its last backup")


def _masked(changes: str, file: Path) -> str:
    from agentbox_cli.config import backups
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.masking import masked
    from agentbox_cli.config.store import read_text

    copy = backups.newest(standard_paths(), file)
    texts = (read_text(place) for place in (file, copy) if place is not None)
    return masked(changes, *(parse(text, file.name) for text in texts))
