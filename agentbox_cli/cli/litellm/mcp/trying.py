"""`agentbox litellm mcp test`: the handshake with one MCP server, step by step."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.mcp.serving import pins_of, server_of
from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.errors import Exit

if TYPE_CHECKING:
    from agentbox_cli.mcp.gateway.probing import Probe

app = command()

_STEPS = {
    "connected": "started, or the connection opened",
    "greeted": "answered `initialize`",
    "listed": "listed its tools, resources and prompts",
}


@app.command("test")
def try_server(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try the handshake with an MCP server.

    It is started or called for this, beside what the gateway has open. Exit code 1 if it fails.

    Example: agentbox litellm mcp test files
    """
    from agentbox_cli.cli.progress import Bar
    from agentbox_cli.mcp.gateway.pins import read_pins
    from agentbox_cli.mcp.gateway.probing import probe_all, probe_row

    wanted = server_of(ctx, server)
    pins = read_pins(pins_of(ctx)).get(server)
    with Bar() as bar:
        bar.show(f"asking {server}", 0, 1)
        (probe,) = probe_all([wanted])
    row = probe_row(probe, pins)
    if as_json:
        emit_json("mcp-test", _document(probe, row))
    else:
        _show(probe, row)
    if probe.reason:
        raise typer.Exit(Exit.NO)


def _document(probe: "Probe", row: dict[str, Any]) -> dict[str, Any]:
    names = (
        "server",
        "transport",
        "target",
        "name",
        "version",
        "protocol",
        "resources",
        "prompts",
    )
    return {
        "ok": probe.reason is None,
        "reason": probe.reason,
        **{name: row[name] for name in names},
        "steps": [{"step": step.name, "ms": step.ms} for step in probe.steps],
        "tools": row["tools"],
        "stderr": list(probe.lines),
        "stdout_noise": probe.noise,
    }


def _show(probe: "Probe", row: dict[str, Any]) -> None:
    say(f"{row['server']}: {row['transport']}, {row['target']}")
    for step in probe.steps:
        say(f"  {step.ms:8.1f} ms  {_STEPS[step.name]}")
    if probe.greeting:
        say(f"  {row['name']} {row['version']}, protocol {row['protocol']}")
        say(f"  {row['resources']} resources, {row['prompts']} prompts, tools:")
        table(
            ["TOOL", "STATE", "WHY"],
            [[tool["tool"], tool["state"], tool["reason"] or ""] for tool in row["tools"]],
        )
    if probe.noise:
        say(f"  {probe.noise} lines on its stdout were no message")
    for line in probe.lines:
        say(f"  stderr: {line}")
    say(f"failed: {probe.reason}" if probe.reason else "ok")
