"""`agentbox litellm mcp connect`: our MCP server and the gateway in an agent's own config."""

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, current_registry
from agentbox_cli.cli.litellm.connect import tell_outcome
from agentbox_cli.cli.naming_agents import Agent, named_agent, served_or_configured
from agentbox_cli.cli.output import notice
from agentbox_cli.cli.own_program import own_words
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import ConfigError, NotSo
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentbox_cli.agents.connection import Served
    from agentbox_cli.providers.agent import AgentSpec, Settings, ToolProgram

app = command()


class Part(StrEnum):
    """What an agent can be given."""

    SERVER = "server"
    GATEWAY = "gateway"


Only = Annotated[
    Part | None,
    typer.Option("--only", metavar="PART", help="server or gateway.", show_default=False),
]


@app.command()
def connect(
    ctx: typer.Context,
    agent: Agent,
    *,
    only: Only = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write our MCP server and the gateway into an agent's config.

    The agent starts `mcp serve` under the name agentbox-models, and has the tools of every MCP
    server in config.yml under the name agentbox. `mcp disconnect` takes it back.

    Example: agentbox litellm mcp connect claude --dry-run
    """
    from agentbox_cli.agents import connecting

    spec = named_agent(ctx, agent)
    if spec.tools is None and spec.server is None:
        raise NotSo(f"{spec.title} has no config for MCP servers")
    served, runs = served_or_configured(ctx)
    wanted = {}
    if only is not Part.GATEWAY and spec.server is not None:
        wanted[connecting.SERVER] = spec.server(_program(ctx))
    if only is not Part.SERVER and (gateway := _gateway(spec, served, only)):
        wanted[connecting.TOOLS] = gateway
    if not wanted:
        raise NotSo(f"{spec.title} has no config for that", hint="leave out --only")
    outcome = connecting.connect(standard_paths(), spec, wanted, os.environ, dry_run=dry_run)
    tell_outcome(outcome, f"connected to {titles(wanted)}", dry_run=dry_run, as_json=as_json)
    if not runs:
        notice("the proxy does not run: agentbox litellm start")


def titles(parts: "Iterable[str]") -> str:
    """The parts that an agent was given, in words."""
    from agentbox_cli.agents import connecting

    known = {connecting.SERVER: "our MCP server", connecting.TOOLS: "the gateway"}
    return " and ".join(known[part] for part in parts)


def _gateway(spec: "AgentSpec", served: "Served", only: Part | None) -> "tuple[Settings, ...]":
    """The settings for the gateway; none where it cannot be had beside our server."""
    if spec.tools is None:
        return ()
    if not served.by_key:
        return spec.tools(f"{served.url}/mcp")
    said = f"the gateway wants a key, which would have to stand in the config of {spec.title}"
    hint = "it needs none with: agentbox config set litellm.auth same-user"
    if only is Part.GATEWAY or spec.server is None:
        raise NotSo(said, hint=hint)
    notice(f"without the gateway: {said}; {hint}")
    return ()


def _program(ctx: typer.Context) -> "ToolProgram":
    from agentbox_cli.deploy.export import CARRIED
    from agentbox_cli.providers.agent import ToolProgram

    program, *options = own_words(ctx)
    return ToolProgram(
        command=program,
        args=(*options, "litellm", "mcp", "serve"),
        variables=(*CARRIED, *_key_names(ctx)),
    )


def _key_names(ctx: typer.Context) -> list[str]:
    """The variables that a proxy needs which the server starts; never their values."""
    from agentbox_cli.config.references import names
    from agentbox_cli.config.store import load, require
    from agentbox_cli.providers.keys import key_names

    try:
        host = require(load(config_file(ctx)))
    except ConfigError:
        # A container's own proxy is called, whose config is elsewhere.
        return []
    servers = host.litellm.mcp_servers.values()
    told = [text for each in servers for text in (each.env | each.headers).values()]
    ours = {name for text in told for name in names(text.get_secret_value())}
    return sorted(ours | key_names(host, current_registry(ctx)))
