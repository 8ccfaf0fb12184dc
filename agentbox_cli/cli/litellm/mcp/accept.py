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

_ALL = "every tool of {} is accepted already"


@app.command()
def accept(
    ctx: typer.Context,
    server: Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")],
    *,
    tool: Annotated[
        list[str] | None,
        typer.Option(metavar="TOOL", help="Only this one; may be repeated.", show_default=False),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back what was accepted last.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Accept tools of an MCP server that are new or have changed.

    What they say now, and said before, is shown: a model will read and believe it. They are pinned
    in mcp.pins.json beside config.yml; a running gateway takes that at once. With --undo they are
    pinned as they were before, and withheld again for as long as the server says something else.

    Example: agentbox litellm mcp accept files --dry-run
    """
    change = _taken_back if undo else _accepted
    rows = change(ctx, server, tool or [], dry_run=dry_run)
    if as_json:
        told = {"server": server, "file": str(pins_of(ctx)), "undo": undo}
        emit_json("mcp-accept", {**told, "changed": bool(rows) and not dry_run, "tools": rows})
        return
    for row in rows:
        say(row["diff"])
    if not rows:
        say(f"there is nothing of {server} to take back" if undo else _ALL.format(server))
    elif not dry_run:
        names = ", ".join(row["tool"] for row in rows)
        say(f"taken back: {names}" if undo else f"accepted: {names}")


def _accepted(
    ctx: typer.Context, server: str, names: list[str], *, dry_run: bool
) -> list[dict[str, str]]:
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
    found = {each.name: each for each in _waiting(probe.tools(None), pinned)}
    waiting = [found[name] for name in _chosen(server, list(found), names, "waits to be accepted")]
    if waiting and not dry_run:
        pin(file, server, waiting, PinnedBy.ACCEPT)
    return [
        _row(each.name, difference(server, each, pinned.get(each.name)), was=each.name in pinned)
        for each in waiting
    ]


def _taken_back(
    ctx: typer.Context, server: str, names: list[str], *, dry_run: bool
) -> list[dict[str, str]]:
    from agentbox_cli.mcp.gateway.pins import read_pins, take_back, way_back

    file = pins_of(ctx)
    server_of(ctx, server)
    pins = read_pins(file).get(server)
    if pins is None:
        return []
    chosen = _chosen(server, list(pins.before), names, "can be taken back")
    if chosen and not dry_run:
        take_back(file, server, chosen)
    return [
        _row(name, way_back(server, name, pins), was=pins.before[name] is not None)
        for name in chosen
    ]


def _row(name: str, diff: str, *, was: bool) -> dict[str, str]:
    return {"tool": name, "state": "changed" if was else "new", "diff": diff}


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


def _chosen(server: str, known: list[str], names: list[str], what: str) -> list[str]:
    if missing := [name for name in names if name not in known]:
        raise UsageError(
            f"{server} has no tool {missing[0]!r} that {what}",
            hint=f"there are: {', '.join(sorted(known)) or 'none'}",
        )
    return [name for name in known if not names or name in names]
