"""`agentbox config path`: which config.yml is used."""

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import say
from agentbox_cli.cli.setting import config_file

app = command()


@app.command()
def path(ctx: typer.Context) -> None:
    """Print the path of the config.yml that is used.

    Example: $EDITOR "$(agentbox config path)"
    """
    say(str(config_file(ctx)))
