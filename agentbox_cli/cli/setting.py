"""What commands start from: the options before them, the config file, what it resolves to."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agentbox_cli import __version__
from agentbox_cli.paths import config_candidates, standard_paths

if TYPE_CHECKING:
    from agentbox_cli.providers.load import Setup

_CONFIG = "agentbox.config"


def apply_root_options(
    ctx: typer.Context, *, config: str | None, no_plugins: bool, version: bool
) -> None:
    """Take the options that stand before the command."""
    if version:
        sys.stdout.write(f"agentbox {__version__}\n")
        raise typer.Exit(0)
    if no_plugins:
        os.environ["AGENTBOX_NO_PLUGINS"] = "1"
    ctx.meta[_CONFIG] = config


def named_config(ctx: typer.Context) -> Path | None:
    """The file that `--config` names, whether it exists or not."""
    named = ctx.meta.get(_CONFIG)
    return Path(named) if named else None


def config_file(ctx: typer.Context) -> Path:
    """The config.yml that this command uses; raises ConfigError if there is none."""
    from agentbox_cli.config.store import find

    return find(named_config(ctx), standard_paths(), os.environ)


def config_target(ctx: typer.Context) -> Path:
    """The config.yml to write: the one that is used, or where it would be looked for."""
    named = named_config(ctx)
    if named is not None:
        return named.expanduser().absolute()
    places = config_candidates(standard_paths(), os.environ)
    found = next((place for place in places if place.exists()), places[-1])
    return found.expanduser().absolute()


def current_setup(ctx: typer.Context) -> "Setup":
    """The user's config, resolved; raises ConfigError if it cannot be used."""
    from agentbox_cli.providers.load import load_setup

    return load_setup(config_file(ctx), os.environ, Path.cwd())
