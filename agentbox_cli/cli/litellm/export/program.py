"""How a service manager starts what runs here."""

import os
import sys
from pathlib import Path

import typer

from agentbox_cli.cli.setting import named_config
from agentbox_cli.deploy.export import Program


def this_program(ctx: typer.Context) -> Program:
    """This agentbox in the foreground, with the config that was named."""
    named = named_config(ctx)
    beside = Path(sys.executable).with_name("agentbox")
    own = [str(beside)] if beside.exists() else [sys.executable, "-P", "-m", "agentbox_cli"]
    chosen = ["--config", str(named.absolute())] if named else []
    words = (*own, *chosen, "litellm", "start", "--foreground", "--if-enabled")
    return Program(words=words, environ=os.environ)
