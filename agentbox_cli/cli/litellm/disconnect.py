"""`agentbox litellm disconnect`: an agent's own config as it was."""

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
    """Take the proxy and its tools out of an agent's own config.

    A file that nobody changed since gets its old text back, byte for byte. In a file that you
    changed, your changes stay.

    Example: agentbox litellm disconnect codex --dry-run
    """
    from agentbox_cli.agents import connecting

    spec = named_agent(ctx, agent)
    parts = (connecting.MODELS, connecting.TOOLS, connecting.SERVER)
    outcome = connecting.disconnect(standard_paths(), spec, parts, dry_run=dry_run)
    tell_outcome(outcome, "disconnected", dry_run=dry_run, as_json=as_json)
