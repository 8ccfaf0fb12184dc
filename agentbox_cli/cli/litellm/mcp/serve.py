"""`agentbox litellm mcp serve`: the proxy as an MCP server."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.container import has_socket, seeker
from agentbox_cli.cli.output import notice, say
from agentbox_cli.cli.setting import named_config
from agentbox_cli.mcp.server.toolset import Toolset
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def serve(
    ctx: typer.Context,
    *,
    toolset: Annotated[
        list[Toolset] | None,
        typer.Option(
            metavar="NAME",
            help=f"Only these tools: {', '.join(Toolset)}; may be given again.",
            show_default=False,
        ),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder that tools may read; by default where the agent works.",
            show_default=False,
        ),
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="Over HTTP on 127.0.0.1, for callers with the key.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="With --http: listen here; 0 for any free port.")
    ] = 4001,
    no_start: Annotated[
        bool, typer.Option("--no-start", help="Do not start the proxy when a tool needs it.")
    ] = False,
) -> None:
    """Serve the proxy's models as MCP tools.

    Speaks MCP over stdin and stdout, for an agent that starts it; with --http over streamable
    HTTP. The proxy is started when a tool needs it.

    Example: claude mcp add agentbox -- agentbox litellm mcp serve
    """
    from agentbox_cli.mcp.analyst.workspace import workspace_of
    from agentbox_cli.mcp.calls.home import Home
    from agentbox_cli.mcp.server.serving import Offer, serve_http, serve_stdio

    home = Home(
        paths=standard_paths(),
        named=named_config(ctx),
        environ=os.environ,
        working_dir=Path.cwd(),
        starts=not no_start,
        seek=seeker(ctx),
        is_guest=has_socket(),
    )
    folder = workspace_of([workspace], named=True).roots[0] if workspace else None
    offer = Offer(home=home, toolsets=frozenset(toolset or Toolset), workspace=folder)
    if http:
        serve_http(offer, port, _tell_address)
        return
    if sys.stdin.isatty():
        notice("an agent starts this and speaks MCP on stdin; ^D ends it")
    serve_stdio(offer)


def _tell_address(url: str) -> None:
    say(f"MCP is served on {url}; ^C ends it")
    say("callers send: Authorization: Bearer $(agentbox litellm key), or a token of `key add`")
    sys.stdout.flush()
