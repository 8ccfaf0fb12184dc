"""`agentbox config schema`: the JSON Schema of config.yml."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import DryRun
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import SCHEMA_NAME

if TYPE_CHECKING:
    from pathlib import Path

app = command()


@app.command()
def schema(
    ctx: typer.Context,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write it beside config.yml instead.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; the schema itself always is.")
    ] = False,
) -> None:
    """Print the JSON Schema of config.yml.

    Editors that know YAML check and complete with it. They find the file that --write makes by the
    comment that `agentbox litellm init` leaves in config.yml.

    Example: agentbox config schema --write
    """
    from agentbox_cli.config.schema import schema_text

    if dry_run and not write:
        raise UsageError("nothing is written without --write", hint="leave --dry-run out")
    if write:
        file = config_file(ctx).with_name(SCHEMA_NAME)
        _written(file, schema_text(), dry_run=dry_run, as_json=as_json)
    else:
        sys.stdout.write(schema_text())


def _written(file: "Path", text: str, *, dry_run: bool, as_json: bool) -> None:
    from agentbox_cli.config import store
    from agentbox_cli.config.change import unified

    before = store.read_text(file) if file.exists() else ""
    diff = unified(file, before, text)
    if not dry_run:
        store.write(file, text)
    if as_json:
        emit_json("config-schema", {"file": str(file), "changed": bool(diff), "diff": diff})
    elif dry_run:
        sys.stdout.write(diff)
    else:
        say(f"wrote {file}")
