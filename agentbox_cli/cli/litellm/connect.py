"""`agentbox litellm connect`: the proxy in an agent's own config."""

import os
import sys
from typing import TYPE_CHECKING, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.naming_agents import Agent, Model, named_agent, served_or_configured
from agentbox_cli.cli.output import emit_json, notice, say
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import NotSo
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.agents.connecting import Outcome
    from agentbox_cli.agents.connection import Served
    from agentbox_cli.providers.agent import AgentSpec

app = command()


@app.command()
def connect(
    ctx: typer.Context,
    agent: Agent,
    *,
    model: Model = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write the proxy into an agent's own config.

    Comments and all else in it stay. Where config.yml has MCP servers, the gateway to their tools
    is written too. `disconnect` takes it all back.

    Example: agentbox litellm connect codex --dry-run
    """
    from agentbox_cli.agents import connecting
    from agentbox_cli.agents.connection import connection_for, key_command_for
    from agentbox_cli.agents.launching import refuse_without_launch

    spec = named_agent(ctx, agent)
    refuse_without_launch(spec)
    served, runs = served_or_configured(ctx)
    refuse_without_key_command(spec, served)
    if spec.settings is None:
        raise NotSo(
            f"{spec.title} has no config of its own to write to",
            hint=f"agentbox litellm run {spec.name}",
        )
    command = key_command_for(os.environ)
    to = connection_for(spec, served, model, key_command=command)
    wanted = {connecting.MODELS: spec.settings(to)}
    if spec.tools is not None and _has_servers(ctx):
        wanted[connecting.TOOLS] = spec.tools(f"{served.url}/mcp")
    outcome = connecting.connect(standard_paths(), spec, wanted, os.environ, dry_run=dry_run)
    tell_outcome(outcome, "connected to the proxy", dry_run=dry_run, as_json=as_json)
    if not runs:
        notice("the proxy does not run: agentbox litellm start")


def _has_servers(ctx: typer.Context) -> bool:
    from agentbox_cli.config.store import load, require

    return bool(require(load(config_file(ctx))).litellm.mcp_servers)


def refuse_without_key_command(spec: "AgentSpec", served: "Served") -> None:
    """Refuse to write a key into a config that cannot name a command for it.

    Raises:
        NotSo: the proxy wants a key, and the agent's config would have to hold it.
    """
    if served.by_key and not spec.key_command:
        raise NotSo(
            f"the proxy wants a key, which would have to stand in the config of {spec.title}",
            hint=f"agentbox litellm run {spec.name} gives it the key without writing it there",
        )


def tell_outcome(outcome: "Outcome", what: str, *, dry_run: bool, as_json: bool) -> None:
    """Print what became of an agent's files."""
    from agentbox_cli.config.masking import starred

    if as_json:
        emit_json("agent-change", _document(outcome, dry_run=dry_run))
        return
    for change in outcome.changes:
        if dry_run:
            sys.stdout.write(starred(change.diff))
        elif change.before != change.after:
            say(f"{'removed' if change.after is None else 'wrote'} {change.path}")
        if change.kept:
            notice(f"you changed {', '.join(change.kept)} in {change.path}: it stays")
    if not outcome.changed:
        say(f"{outcome.agent} is {what} already")
    elif not dry_run:
        say(f"{outcome.agent} is {what}")


def _document(outcome: "Outcome", *, dry_run: bool) -> dict[str, Any]:
    from agentbox_cli.config.masking import starred

    return {
        "agent": outcome.agent,
        "changed": outcome.changed,
        "dry_run": dry_run,
        "files": [
            {
                "file": str(change.path),
                "changed": change.before != change.after,
                "removed": change.after is None and change.before is not None,
                "diff": starred(change.diff),
                "kept": list(change.kept),
            }
            for change in outcome.changes
        ],
    }
