"""How other programs start this agentbox."""

import sys
from pathlib import Path

import typer

from agentbox_cli.cli.setting import named_config


def own_words(ctx: typer.Context) -> tuple[str, ...]:
    """The command line of this agentbox, by its whole path, with the config that was named."""
    named = named_config(ctx)
    beside = Path(sys.executable).with_name("agentbox")
    own = [str(beside)] if beside.exists() else [sys.executable, "-P", "-m", "agentbox_cli"]
    chosen = ["--config", str(named.expanduser().absolute())] if named else []
    return (*own, *chosen)
