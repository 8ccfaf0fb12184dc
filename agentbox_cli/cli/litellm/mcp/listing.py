"""`agentbox litellm mcp list`: the MCP servers behind the gateway, and how they are."""

from typing import Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.mcp.serving import gateway_rows, pins_of, servers_of
from agentbox_cli.cli.output import emit_json, notice, say, table

app = command()


@app.command("list")
def list_servers(
    ctx: typer.Context,
    *,
    tools: Annotated[bool, typer.Option("--tools", help="List every tool, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the MCP servers behind the gateway.

    With a running proxy its gateway tells how they are; without one each is started or called for
    a moment.

    Example: agentbox litellm mcp list --tools
    """
    servers = servers_of(ctx)
    found = (gateway_rows(ctx) if servers else None) or _asked(ctx)
    if as_json:
        emit_json("mcp-servers", found)
        return
    if not found["servers"]:
        say("no MCP server is configured: agentbox litellm mcp add NAME -- COMMAND")
        return
    _show(found["servers"], tools=tools)
    if found["problem"]:
        notice(f"config.yml cannot be used, so the gateway keeps what it had: {found['problem']}")


def _asked(ctx: typer.Context) -> dict[str, Any]:
    from agentbox_cli.cli.progress import Bar
    from agentbox_cli.mcp.gateway.pins import read_pins
    from agentbox_cli.mcp.gateway.probing import disabled_row, probe_all, probe_row

    servers, pins = servers_of(ctx), read_pins(pins_of(ctx))
    wanted = [server for server in servers.values() if server.config.enabled]
    with Bar() as bar:
        bar.show(f"asking {len(wanted)} MCP servers", 0, 1)
        probes = {probe.server.name: probe for probe in probe_all(wanted)}
    rows = [
        probe_row(probes[name], pins.get(name)) if name in probes else disabled_row(server)
        for name, server in servers.items()
    ]
    return {"from": "servers", "problem": None, "servers": rows}


def _show(rows: list[dict[str, Any]], *, tools: bool) -> None:
    table(
        ["SERVER", "STATE", "TOOLS", "WITHHELD", "CONNECT", "CALL", "PINNED", "TARGET"],
        [
            [
                row["server"],
                row["state"],
                str(sum(_is_seen(tool) for tool in row["tools"])),
                str(_count(row, "new", "changed") or ""),
                _milliseconds(row["connect_ms"]),
                _milliseconds(row["call_ms"]),
                row["pinned_by"] or "",
                f"{row['target']}",
            ]
            for row in rows
        ],
    )
    for row in rows:
        _tell_what_is_wrong(row)
    if tools:
        say()
        table(
            ["SERVER", "TOOL", "STATE", "WHY"],
            [
                [row["server"], tool["tool"], tool["state"], tool["reason"] or ""]
                for row in rows
                for tool in row["tools"]
            ],
        )


def _tell_what_is_wrong(row: dict[str, Any]) -> None:
    if row["reason"]:
        notice(f"{row['server']}: {row['reason']}")
    if _count(row, "new", "changed"):
        notice(f"{row['server']}: tools wait for you: agentbox litellm mcp accept {row['server']}")
    if invalid := _count(row, "invalid"):
        notice(f"{row['server']}: {invalid} tools cannot be used by anybody; --tools says why")
    if row["pin_problem"]:
        notice(f"{row['server']}: {row['pin_problem']}")


def _is_seen(tool: dict[str, Any]) -> bool:
    # A server's instructions are kept as a tool is, and are none.
    return bool(tool["state"] == "ok" and not tool["tool"].startswith("@"))


def _count(row: dict[str, Any], *states: str) -> int:
    return sum(tool["state"] in states for tool in row["tools"])


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms"
