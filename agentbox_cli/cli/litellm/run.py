"""`agentbox litellm run`: an agent that talks to the proxy, and nothing of ours in between."""

import os
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.naming_agents import Agent, Model, named_agent, serving
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import standard_paths

app = command()

_MODEL = ("-m", "--model")


@app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def run(
    ctx: typer.Context,
    agent: Agent,
    args: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARGS", help="What the agent gets.", show_default=False),
    ] = None,
    *,
    model: Model = None,
) -> None:
    """Start a coding agent against the proxy.

    The proxy is started if it does not run. The agent's own files stay as they are.

    Example: agentbox litellm run claude -m code -- -p "say hi"
    """
    from agentbox_cli.agents.connection import connection_for, key_for
    from agentbox_cli.agents.installed import require
    from agentbox_cli.agents.launching import become, prepare, refuse_without_launch

    spec = named_agent(ctx, agent)
    refuse_without_launch(spec)
    paths = standard_paths()
    found = require(spec, paths, os.environ)
    model, rest = _own_options(model, list(args or ()))
    served = serving(ctx)
    to = connection_for(spec, served, model, key=key_for(served, paths, os.environ))
    become(found.program, prepare(spec, to, paths, os.environ), rest, os.environ)


def _own_options(model: str | None, args: list[str]) -> tuple[str | None, tuple[str, ...]]:
    """Take `-m ALIAS` and one `--` from the front: all behind them is the agent's."""
    if args and args[0] in _MODEL:
        if len(args) == 1:
            raise UsageError(f"{args[0]} needs an alias", hint="agentbox litellm models")
        model, args = args[1], args[2:]
    elif args and args[0].startswith("--model="):
        model, args = args[0].partition("=")[2], args[1:]
    return model, tuple(args[1:] if args[:1] == ["--"] else args)
