"""`agentbox litellm mcp list`: the MCP servers behind the gateway."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, table
from agentbox_cli.cli.setting import current_setup

if TYPE_CHECKING:
    from agentbox_cli.config.mcp_servers import McpServerConfig

app = command()


@app.command("list")
def list_servers(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the MCP servers behind the gateway.

    Example: agentbox litellm mcp list
    """
    servers = current_setup(ctx).resolved.config.mcp_servers
    rows = [_row(name, server) for name, server in servers.items()]
    if as_json:
        emit_json("mcp-servers", {"servers": rows})
        return
    table(
        ["SERVER", "TRANSPORT", "TARGET", "ENABLED"],
        [
            [row["server"], row["transport"], row["target"], "yes" if row["enabled"] else "no"]
            for row in rows
        ],
    )


def _row(name: str, server: "McpServerConfig") -> dict[str, Any]:
    import shlex

    from agentbox_cli.config.masking import starred

    target = server.url or shlex.join((server.command or "", *server.args))
    return {
        "server": name,
        "transport": "stdio" if server.command else server.transport or "http",
        "target": starred(target),
        "enabled": server.enabled,
    }
