"""`agentbox litellm logs`: what the daemon and the engine behind it say."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import say
from agentbox_cli.errors import NotSo
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def logs(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", help="How many to begin with.", min=0)
    ] = 50,
    path: Annotated[
        bool, typer.Option("--path", help="Print where the log is, and nothing else.")
    ] = False,
) -> None:
    """Show the end of the proxy's log.

    Example: agentbox litellm logs -f
    """
    import sys

    from agentbox_cli.daemon import logs as log

    file = standard_paths().log_file
    if path:
        say(str(file))
        return
    if not file.exists() and not follow:
        raise NotSo(f"there is no log at {file}", hint="agentbox litellm start")
    if not follow:
        for line in log.tail(file, lines):
            say(line)
        return
    for line in log.follow(file, lambda: False, lines=lines):
        say(line)
        sys.stdout.flush()
