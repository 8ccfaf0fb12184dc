"""`agentbox litellm mcp call`: one call of a tool."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.mcp.serving import pins_of, running_daemon, server_of
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.errors import Exit, NotSo, UsageError
from agentbox_cli.paths import standard_paths

app = command()


@app.command("call")
def call_tool(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")],
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The server's own name for it.")],
    *,
    arguments: Annotated[
        str, typer.Option("--json", metavar="OBJECT", help="The tool's arguments.")
    ] = "{}",
    raw: Annotated[bool, typer.Option("--raw", help="Print the whole answer as JSON.")] = False,
) -> None:
    """Call a tool of an MCP server.

    Through the gateway of a running proxy, as agents do; without one in a session of its own. Exit
    code 1 if the tool says that it failed.

    Example: agentbox litellm mcp call files read_file --json '{"path": "a"}'
    """
    from agentbox_cli.daemon.client import read_key
    from agentbox_cli.mcp.gateway.probing import call_once, gateway_server

    wanted, given = server_of(ctx, server), _arguments(arguments)
    daemon = running_daemon(ctx)
    if daemon is not None:
        key = read_key(standard_paths().key_file)
        wanted = gateway_server(server, daemon.url, key, wanted.config)
    else:
        _bar_withheld(ctx, server, tool)
    result = call_once(wanted, tool, given)
    failed = bool(result.get("isError"))
    if raw:
        emit_json("mcp-call", {"server": server, "tool": tool, "ok": not failed, "result": result})
    else:
        _show(result)
    if failed:
        raise typer.Exit(Exit.NO)


def _arguments(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--json is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise UsageError("--json must be an object", hint='such as \'{"path": "/srv"}\'')
    return given


def _bar_withheld(ctx: typer.Context, name: str, tool: str) -> None:
    """What agents may not call is not called here either."""
    from agentbox_cli.mcp.gateway.pins import read_pins
    from agentbox_cli.mcp.gateway.probing import probe_all

    (probe,) = probe_all([server_of(ctx, name)])
    if probe.reason:
        return  # the call itself tells of it
    found = next(
        (each for each in probe.tools(read_pins(pins_of(ctx)).get(name)) if each.name == tool),
        None,
    )
    if found is None:
        known = ", ".join(each.name for each in probe.tools(None)) or "none"
        raise UsageError(f"{name} has no tool {tool!r}", hint=f"its tools: {known}")
    if found.reason:
        hint = f"agentbox litellm mcp accept {name}" if found.state in ("new", "changed") else None
        raise NotSo(f"the tool {tool} is withheld ({found.state}): {found.reason}", hint=hint)


def _show(result: Mapping[str, Any]) -> None:
    from agentbox_cli.config.excerpts import printable

    content = result.get("content")
    for block in content if isinstance(content, list) else ():
        if block.get("type") == "text":
            for line in str(block.get("text")).splitlines():
                say(printable(line))
        else:
            size = len(str(block.get("data") or block.get("blob") or ""))
            say(
                f"[{block.get('type')}: {block.get('mimeType') or block.get('uri')}, {size} bytes]"
            )
