"""`agentbox litellm mcp disconnect`: an agent's own config without the gateway."""

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.litellm.connect import tell_outcome
from agentbox_cli.cli.naming_agents import Agent, named_agent
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def disconnect(
    ctx: typer.Context, agent: Agent, *, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take the gateway out of an agent's config.

    What `connect` wrote of the proxy stays.

    Example: agentbox litellm mcp disconnect claude
    """
    from agentbox_cli.agents import connecting

    spec = named_agent(ctx, agent)
    parts = (connecting.TOOLS,)
    outcome = connecting.disconnect(standard_paths(), spec, parts, dry_run=dry_run)
    tell_outcome(outcome, "disconnected from the gateway", dry_run=dry_run, as_json=as_json)
