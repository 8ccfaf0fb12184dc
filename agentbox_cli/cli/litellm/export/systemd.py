"""`agentbox litellm export systemd`: the proxy as a service of systemd's user manager."""

import typer

from agentbox_cli.cli.app import command

app = command()


@app.command()
def systemd(ctx: typer.Context) -> None:
    """Print a unit for systemd's user manager.

    Its first lines say where it goes and how it is switched on.

    Example: agentbox litellm export systemd
    """
    import sys

    from agentbox_cli.cli.litellm.export.program import this_program
    from agentbox_cli.deploy import export

    sys.stdout.write(export.systemd(this_program(ctx)))
