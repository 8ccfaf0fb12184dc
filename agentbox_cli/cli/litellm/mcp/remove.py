"""`agentbox litellm mcp remove`: one MCP server less."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def remove(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove an MCP server from config.yml.

    A running gateway ends it at once. What was pinned of its tools is forgotten.

    Example: agentbox litellm mcp remove files
    """
    from agentbox_cli.cli.litellm.mcp.serving import pins_of
    from agentbox_cli.config.mcp_entries import remove_server
    from agentbox_cli.mcp.gateway.pins import forget

    change_config(
        ctx,
        lambda document: remove_server(document, server),
        dry_run=dry_run,
        as_json=as_json,
        restart=False,
    )
    if not dry_run:
        forget(pins_of(ctx), server)
