"""`agentbox config schema`: the JSON Schema of config.yml."""

import sys
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import say
from agentbox_cli.cli.setting import config_file
from agentbox_cli.paths import SCHEMA_NAME

app = command()


@app.command()
def schema(
    ctx: typer.Context,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write it beside config.yml instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of config.yml.

    Editors that know YAML check and complete with it. They find the file that --write makes by the
    comment that `agentbox litellm init` leaves in config.yml.

    Example: agentbox config schema --write
    """
    from agentbox_cli.config.schema import schema_text

    if not write:
        sys.stdout.write(schema_text())
        return
    from agentbox_cli.config import store

    file = config_file(ctx).with_name(SCHEMA_NAME)
    store.write(file, schema_text())
    say(f"wrote {file}")
