"""`agentbox litellm export launchd`: the proxy as an agent of launchd."""

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import notice

app = command()


@app.command()
def launchd(ctx: typer.Context) -> None:
    """Print a property list for launchd.

    It goes to ~/Library/LaunchAgents/agentbox.litellm.plist. The proxy runs on Linux only as
    yet: this is for the day when it runs on a Mac.

    Example: agentbox litellm export launchd
    """
    import sys

    from agentbox_cli.cli.litellm.export.program import this_program
    from agentbox_cli.deploy import export
    from agentbox_cli.paths import standard_paths

    sys.stdout.write(export.launchd(this_program(ctx), standard_paths()))
    notice("the proxy runs on Linux only as yet")
