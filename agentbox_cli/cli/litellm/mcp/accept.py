"""`agentbox litellm mcp accept`: take the tools of a server as they are now."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.litellm.mcp.serving import pins_of, server_of
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.errors import ProviderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentbox_cli.mcp.gateway.tools import Definition, Tool

app = command()


@app.command()
def accept(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")],
    *,
    tool: Annotated[
        list[str] | None,
        typer.Option(metavar="TOOL", help="Only this one; may be repeated.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Accept tools of an MCP server that are new or have changed.

    What they say now, and said before, is shown: a model will read and believe it. They are pinned
    in mcp.pins.json beside config.yml; a running gateway takes that at once.

    Example: agentbox litellm mcp accept files --dry-run
    """
    from agentbox_cli.mcp.gateway.pins import PinnedBy, difference, pin, read_pins
    from agentbox_cli.mcp.gateway.probing import probe_all

    file, wanted = pins_of(ctx), server_of(ctx, server)
    before = read_pins(file).get(server)
    (probe,) = probe_all([wanted])
    if probe.reason:
        raise ProviderError(
            f"the MCP server {server} cannot be asked: {probe.reason}",
            hint=f"agentbox litellm mcp test {server}",
        )
    pinned = before.tools if before else {}
    waiting = _chosen(server, _waiting(probe.tools(None), pinned), tool or [])
    rows = [
        {
            "tool": each.name,
            "state": "changed" if each.name in pinned else "new",
            "diff": difference(server, each, pinned.get(each.name)),
        }
        for each in waiting
    ]
    if waiting and not dry_run:
        pin(file, server, waiting, PinnedBy.ACCEPT)
    if as_json:
        told = {"server": server, "file": str(file), "changed": bool(rows) and not dry_run}
        emit_json("mcp-accept", {**told, "tools": rows})
        return
    for row in rows:
        say(row["diff"])
    if not rows:
        say(f"every tool of {server} is accepted already")
    elif not dry_run:
        names = ", ".join(row["tool"] for row in rows)
        say(f"accepted: {names}")


def _waiting(tools: "tuple[Tool, ...]", pinned: "Mapping[str, Definition]") -> "list[Tool]":
    """Whatever is not as it was pinned; what globs leave out may be accepted, too."""
    from agentbox_cli.mcp.gateway.pins import is_usable
    from agentbox_cli.mcp.gateway.tools import fingerprint

    return [
        each
        for each in tools
        if is_usable(each)
        and fingerprint(pinned.get(each.name, {})) != fingerprint(each.definition)
    ]


def _chosen(server: str, waiting: "list[Tool]", names: list[str]) -> "list[Tool]":
    known = {each.name for each in waiting}
    if missing := [name for name in names if name not in known]:
        raise UsageError(
            f"{server} has no tool {missing[0]!r} that waits to be accepted",
            hint=f"waiting: {', '.join(sorted(known)) or 'none'}",
        )
    return [each for each in waiting if not names or each.name in names]
