"""`agentbox litellm mcp add`: one more MCP server behind the gateway."""

from typing import Annotated, Any, Literal

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it will be called.")],
    program: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND", help="How it is started, behind --.", show_default=False
        ),
    ] = None,
    *,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The address of one that runs.", show_default=False),
    ] = None,
    transport: Annotated[
        Literal["http", "sse"] | None,
        typer.Option(help="How the address is spoken to.", show_default=False),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", help="A variable; K alone: ${K}.", show_default=False),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", help="A header for the address.", show_default=False),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Tools that may be used.", show_default=False),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Tools that may not.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Add an MCP server to config.yml.

    Keys are written by reference only: --env GITHUB_TOKEN stands for GITHUB_TOKEN=${GITHUB_TOKEN}.
    A program gets no other variable of yours than PATH, HOME and the like.

    Example: agentbox litellm mcp add files -- npx -y files-server /srv/docs
    """
    from agentbox_cli.config.mcp_entries import add_server, headers, variables

    words = program or []
    entry: dict[str, Any] = {
        "command": words[0] if words else None,
        "args": words[1:],
        "url": url,
        "transport": transport,
        "env": variables(env or []),
        "headers": headers(header or []),
        "allow": allow,
        "deny": deny,
    }
    given = {key: value for key, value in entry.items() if value}
    change_config(
        ctx, lambda document: add_server(document, name, given), dry_run=dry_run, as_json=as_json
    )
