"""`agentbox litellm export dockerfile`: agentbox in an image."""

from pathlib import Path
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.errors import UsageError

app = command()


@app.command()
def dockerfile(
    *,
    wheel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Install this wheel of agentbox, checked by its hash, and not from the index.",
            show_default=False,
        ),
    ] = None,
    lock: Annotated[
        bool, typer.Option("--lock", help="Print the lock that it installs from, instead.")
    ] = False,
) -> None:
    """Print a Dockerfile that brings agentbox into an image.

    All but its first line fits an image of your own. It installs what the lock names, leaves no
    tools, adds a user abox, a HEALTHCHECK, and an entrypoint that starts the proxy.

    Example: agentbox litellm export dockerfile
    """
    import sys

    from agentbox_cli.deploy import export

    if lock and wheel:
        raise UsageError("--lock prints the lock, --wheel changes the Dockerfile: take one")
    sys.stdout.write(export.lock() if lock else export.dockerfile(wheel))
