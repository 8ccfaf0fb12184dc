"""`agentbox litellm agents`: the coding agents on this machine."""

import os
from typing import Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import current_registry
from agentbox_cli.cli.output import emit_json, notice, table
from agentbox_cli.cli.progress import Bar
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def agents(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the coding agents: installed or not, connected or not.

    Example: agentbox litellm agents
    """
    from agentbox_cli.agents.listing import agent_rows

    registry = current_registry(ctx)
    with Bar() as bar:
        rows = agent_rows(registry.agents.values(), standard_paths(), os.environ, bar.show)
    if as_json:
        emit_json("agents", {"agents": rows})
    else:
        _print(rows)
    for name, rivals in registry.agent_conflicts.items():
        names = " and ".join(plugin.label for plugin in rivals)
        notice(f"warning: agent {name!r} is described by {names}; none of them is used")


def _print(rows: list[dict[str, Any]]) -> None:
    table(
        ["AGENT", "VERSION", "CONNECTED", "SPEAKS", "TO GET IT"],
        [
            [
                row["name"],
                _version(row),
                _connected(row["connected"]),
                row["protocol"] or "tools only",
                "" if row["installed"] and not row["too_old"] else row["install"],
            ]
            for row in rows
        ],
    )


def _version(row: dict[str, Any]) -> str:
    if not row["installed"]:
        return "-"
    return f"{row['version']} (too old)" if row["too_old"] else row["version"] or "?"


def _connected(files: list[dict[str, Any]]) -> str:
    if not files:
        return "no"
    parts = sorted({part for file in files for part in file["parts"]})
    states = {file["state"] for file in files} - {"connected"}
    return ", ".join([*parts, *sorted(states)])
