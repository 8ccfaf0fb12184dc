"""`agentbox plugins list`: every plugin found, and what became of it."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, notice, table

app = command()


@app.command("list")
def list_plugins(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the plugins, and what became of each.

    A broken one is shown with its reason and disturbs no other.

    Example: agentbox plugins list --json
    """
    from agentbox_cli.providers.registry import discover

    registry = discover()
    rows = [
        {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "state": plugin.state.value,
            "reason": plugin.reason,
            "providers": [spec.name for spec in plugin.specs],
            "agents": [agent.name for agent in plugin.agents],
        }
        for plugin in registry.plugins
    ]
    if as_json:
        emit_json("plugins", {"plugins": rows})
        return
    table(
        ["PLUGIN", "STATE", "DISTRIBUTION", "VERSION", "DESCRIBES", "REASON"],
        [
            [
                plugin.name,
                plugin.state.value,
                plugin.distribution or "",
                plugin.version or "",
                ", ".join([spec.name for spec in plugin.specs] + [a.name for a in plugin.agents]),
                plugin.reason or "",
            ]
            for plugin in registry.plugins
        ],
    )
    for name, rivals in registry.conflicts.items():
        names = " and ".join(plugin.label for plugin in rivals)
        notice(f"warning: provider {name!r} is described by {names}; none of them is used")
