"""`agentbox litellm env`: what an agent's shell must set to talk to the proxy."""

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.naming_agents import Agent, Model, named_agent, served_or_configured
from agentbox_cli.cli.output import emit_json, notice
from agentbox_cli.paths import standard_paths

app = command()


class Shell(StrEnum):
    """How the variables are written."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    JSON = "json"


@app.command()
def env(
    ctx: typer.Context,
    agent: Agent,
    *,
    model: Model = None,
    shell: Annotated[
        Shell | None,
        typer.Option(help="How to write them; by default as your shell does.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Same as --shell json.")] = False,
) -> None:
    """Print the variables that point an agent at the proxy.

    An agent that also needs arguments gets a shell function of its name.

    Example: eval "$(agentbox litellm env claude)"
    """
    from agentbox_cli.agents.connection import connection_for, key_for
    from agentbox_cli.agents.launching import prepare, refuse_without_launch
    from agentbox_cli.agents.shells import script, shell_of

    spec = named_agent(ctx, agent)
    refuse_without_launch(spec)
    paths = standard_paths()
    served, runs = served_or_configured(ctx)
    to = connection_for(spec, served, model, key=key_for(served, paths, os.environ))
    start = prepare(spec, to, paths, os.environ)
    if as_json or shell is Shell.JSON:
        about = {"agent": spec.name, "url": served.url, "running": runs}
        emit_json("env", {**about, "env": start.env, "unset": start.unset, "args": start.args})
    else:
        chosen = shell.value if shell else shell_of(os.environ.get("SHELL", ""))
        sys.stdout.write(script(spec.program, start, chosen))
    if not runs:
        notice("the proxy does not run: agentbox litellm start")
