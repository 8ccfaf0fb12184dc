"""`agentbox litellm mcp disconnect`: an agent's own config without our MCP server and gateway."""

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.litellm.connect import tell_outcome
from agentbox_cli.cli.litellm.mcp.connect import Only, Part, titles
from agentbox_cli.cli.naming_agents import Agent, named_agent
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def disconnect(
    ctx: typer.Context,
    agent: Agent,
    *,
    only: Only = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take our MCP server and the gateway out of an agent's config.

    What `connect` wrote of the proxy stays.

    Example: agentbox litellm mcp disconnect claude
    """
    from agentbox_cli.agents import connecting

    parts = {Part.SERVER: connecting.SERVER, Part.GATEWAY: connecting.TOOLS}
    chosen = (parts[only],) if only else tuple(parts.values())
    spec = named_agent(ctx, agent)
    outcome = connecting.disconnect(standard_paths(), spec, chosen, dry_run=dry_run)
    what = f"disconnected from {titles(chosen)}"
    tell_outcome(outcome, what, dry_run=dry_run, as_json=as_json)
