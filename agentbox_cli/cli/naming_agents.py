"""What the commands for agents share: which agent is meant, and what the proxy serves."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.changing import current_registry
from agentbox_cli.cli.setting import config_file, named_config
from agentbox_cli.errors import ProxyError, UsageError
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.agents.connection import Served
    from agentbox_cli.daemon.probe import Probe
    from agentbox_cli.providers.agent import AgentSpec

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="Which agent.", show_default=False)]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="ALIAS",
        help="The alias for its main work; by default code, else default.",
        show_default=False,
    ),
]


def named_agent(ctx: typer.Context, name: str) -> "AgentSpec":
    """The agent of a name.

    Raises:
        UsageError: there is none, or several plugins describe one.
    """
    registry = current_registry(ctx)
    if name in registry.agents:
        return registry.agents[name]
    if name in registry.agent_conflicts:
        rivals = " and ".join(plugin.label for plugin in registry.agent_conflicts[name])
        raise UsageError(f"agent {name!r} is described by {rivals}; none of them is used")
    import difflib

    close = difflib.get_close_matches(name, registry.agents, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(
        f"unknown agent {name!r}", hint=f"{guess}there are: {', '.join(registry.agents)}"
    )


def serving(ctx: typer.Context) -> "Served":
    """What the proxy serves; it is started if it does not run.

    Raises:
        ConfigError: its config cannot be used.
        ProxyError: it cannot be started, or runs with another config.
    """
    from agentbox_cli.agents.connection import served_by
    from agentbox_cli.daemon.probe import probe

    found = probe(standard_paths())
    served = served_by(found) if _is_ours(ctx, found) else None
    served = served or _served_in_container(ctx)
    if served is not None:
        return served
    from agentbox_cli.daemon.startup import ensure_running

    ensure_running(standard_paths(), config_file(ctx), os.environ, Path.cwd())
    served = served_by(probe(standard_paths()))
    if served is None:
        raise ProxyError("the proxy does not answer", hint="agentbox litellm status")
    return served


def served_or_configured(ctx: typer.Context) -> "tuple[Served, bool]":
    """What the proxy serves or would serve, and whether it runs."""
    from agentbox_cli.agents.connection import served_by, served_by_config
    from agentbox_cli.daemon.probe import probe

    found = probe(standard_paths())
    served = served_by(found) if _is_ours(ctx, found) else None
    served = served or _served_in_container(ctx)
    if served is not None:
        return served, True
    return served_by_config(config_file(ctx), os.environ, Path.cwd()), False


def _served_in_container(ctx: typer.Context) -> "Served | None":
    """What the container's own proxy serves, or its bridge, whichever of its users runs that.

    Only where a config or a socket is mounted. Elsewhere a port says nothing of who listens, and
    prompts are nobody else's business.
    """
    from agentbox_cli.cli.container import is_container, on_its_way, status_here, usual_port

    if not is_container():
        return None
    from agentbox_cli.agents.connection import served_from
    from agentbox_cli.daemon.client import token_named

    port = usual_port(ctx)
    status = status_here(port, token_named(os.environ), on_its_way())
    return served_from(status, f"http://127.0.0.1:{port}") if status else None


def _is_ours(ctx: typer.Context, found: "Probe") -> bool:
    """Whether a running proxy serves the config that is named; without a name, any will do."""
    named = named_config(ctx) or os.environ.get("AGENTBOX_CONFIG")
    if not named or found.instance is None:
        return True
    return Path(named).absolute() == found.instance.config_file
