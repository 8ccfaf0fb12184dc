"""`agentbox litellm mcp add`: one more MCP server behind the gateway."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config
from agentbox_cli.cli.litellm.mcp.serving import wake_gateway
from agentbox_cli.cli.output import say
from agentbox_cli.errors import ProviderError

if TYPE_CHECKING:
    from agentbox_cli.mcp.gateway.tools import Tool

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
    connect: Annotated[
        bool, typer.Option("--connect/--no-connect", help="Try it, and pin its tools.")
    ] = True,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Add an MCP server to config.yml.

    It is started or called first, and its tools are shown and pinned: one that changes later is
    withheld until `mcp accept`. Keys are written by reference only: --env GITHUB_TOKEN stands for
    GITHUB_TOKEN=${GITHUB_TOKEN}. A program gets no other variable of yours than PATH, HOME and the
    like.

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
    tools = _tried(ctx, name, given) if connect and not dry_run else ()
    change_config(
        ctx,
        lambda document: add_server(document, name, given),
        dry_run=dry_run,
        as_json=as_json,
        restart=False,
    )
    if tools:
        _pin(ctx, name, tools, as_json=as_json)
    if not dry_run:
        wake_gateway(ctx)


def _tried(ctx: typer.Context, name: str, given: Mapping[str, Any]) -> "tuple[Tool, ...]":
    """The server's tools; none where the entry cannot be used, which the change itself tells."""
    import os

    from pydantic import ValidationError

    from agentbox_cli.cli.progress import Bar
    from agentbox_cli.cli.setting import config_file
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.mcp_entries import bar_taken
    from agentbox_cli.config.mcp_servers import SERVER_NAME, McpServerConfig
    from agentbox_cli.config.store import read_text
    from agentbox_cli.mcp.gateway.probing import probe_all
    from agentbox_cli.mcp.gateway.settings import server_of

    file = config_file(ctx)
    bar_taken(parse(read_text(file), file.name), name)
    try:
        config = McpServerConfig.model_validate(given)
    except ValidationError:
        return ()
    if not SERVER_NAME.fullmatch(name):
        return ()
    with Bar() as bar:
        bar.show(f"asking {name}", 0, 1)
        (probe,) = probe_all([server_of(name, config, file.parent, dict(os.environ))])
    if probe.reason:
        raise ProviderError(
            f"the MCP server {name} does not work, so nothing is written: {probe.reason}",
            hint="--no-connect writes it anyway; its tools are pinned at first contact then",
        )
    return probe.tools(None)


def _pin(ctx: typer.Context, name: str, tools: "tuple[Tool, ...]", *, as_json: bool) -> None:
    from agentbox_cli.cli.litellm.mcp.serving import pins_of
    from agentbox_cli.config.excerpts import printable
    from agentbox_cli.mcp.gateway.pins import PinnedBy, is_usable, pin
    from agentbox_cli.mcp.gateway.tools import INSTRUCTIONS

    pin(pins_of(ctx), name, tools, PinnedBy.ADD)
    if as_json:
        return
    for tool in tools:
        about = str(tool.definition.get("description") or "").strip().partition("\n")[0]
        said = about[:100] if is_usable(tool) else f"cannot be used: {tool.reason}"
        called = f"{name}-{tool.name}" if tool.name != INSTRUCTIONS else "its instructions"
        say(printable(f"  {called}: {said}"))
    say(f"its tools are pinned as they are: {pins_of(ctx)}")
