"""`agentbox litellm restart`: stop, then start as before."""

import os
from pathlib import Path
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.start import Wait, begin, tell_problems
from agentbox_cli.cli.litellm.stop import end
from agentbox_cli.cli.output import say
from agentbox_cli.cli.setting import config_file
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def restart(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(help="Listen here; by default where it listened.", show_default=False),
    ] = None,
    wait: Annotated[Wait, typer.Option(help="What to wait for.")] = Wait.PORT,
) -> None:
    """Stop the proxy and start it again.

    A config with errors leaves the old one running.

    Example: agentbox litellm restart
    """
    from agentbox_cli.daemon import instance
    from agentbox_cli.daemon.startup import chosen_port
    from agentbox_cli.providers.load import load_setup

    file = config_file(ctx)
    setup = load_setup(file, os.environ, Path.cwd())
    tell_problems(setup)
    running = instance.read(standard_paths().state_file)
    if port is None and running is not None and "LITELLM_PORT" not in os.environ:
        port = running.port
    say(end())
    begin(file, setup, chosen_port(port, setup, os.environ), wait)
