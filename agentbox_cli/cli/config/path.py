"""`agentbox config path`: which config.yml is used."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.setting import config_file

app = command()


@app.command()
def path(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the path of the config.yml that is used.

    Example: $EDITOR "$(agentbox config path)"
    """
    file = str(config_file(ctx))
    if as_json:
        emit_json("config-path", {"file": file})
    else:
        say(file)
