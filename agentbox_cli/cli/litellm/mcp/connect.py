"""`agentbox litellm mcp connect`: the gateway in an agent's own config."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.litellm.connect import tell_outcome
from agentbox_cli.cli.naming_agents import Agent, named_agent, served_or_configured
from agentbox_cli.cli.output import notice
from agentbox_cli.errors import NotSo
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.agents.connection import Served
    from agentbox_cli.providers.agent import AgentSpec, Settings

app = command()


@app.command()
def connect(
    ctx: typer.Context, agent: Agent, *, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Write the gateway into an agent's config.

    The agent then has the tools of every MCP server in config.yml, under the name agentbox.
    `mcp disconnect` takes it back.

    Example: agentbox litellm mcp connect claude --dry-run
    """
    from agentbox_cli.agents import connecting

    spec = named_agent(ctx, agent)
    served, runs = served_or_configured(ctx)
    tools = _tools(spec, served)
    wanted = {connecting.TOOLS: tools(f"{served.url}/mcp")}
    outcome = connecting.connect(standard_paths(), spec, wanted, os.environ, dry_run=dry_run)
    tell_outcome(outcome, "connected to the gateway", dry_run=dry_run, as_json=as_json)
    if not runs:
        notice("the proxy does not run: agentbox litellm start")


def _tools(spec: "AgentSpec", served: "Served") -> "Callable[[str], tuple[Settings, ...]]":
    if spec.tools is None:
        raise NotSo(f"{spec.title} has no config for MCP servers")
    if served.by_key:
        raise NotSo(
            f"the gateway wants a key, which would have to stand in the config of {spec.title}",
            hint="it needs none with: agentbox config set litellm.auth same-user",
        )
    return spec.tools
