"""Which variable holds a provider's key, and which file it stands in; for login and logout."""

import os
from pathlib import Path

import typer

from agentbox_cli.cli.output import emit_json
from agentbox_cli.cli.setting import named_config
from agentbox_cli.paths import config_candidates, standard_paths


def variable_of(ctx: typer.Context, provider: str) -> str:
    """The variable of a provider's key; a config need not exist yet, but must be sound if so."""
    from agentbox_cli.config.store import load, require
    from agentbox_cli.providers.keys import key_variable
    from agentbox_cli.providers.registry import discover

    file = _config_place(ctx)
    host = require(load(file)) if file.exists() else None
    return key_variable(provider, host, discover())


def env_file(ctx: typer.Context, named: str | None) -> Path:
    """The `.env` to write: the one that is named, else the one beside config.yml."""
    from agentbox_cli.config.secrets import HOST_ENV

    if named is not None:
        return Path(named).expanduser().absolute()
    return _config_place(ctx).parent / HOST_ENV


def emit_key_change(variable: str, file: Path | None, *, existed: bool, changed: bool) -> None:
    """Print what became of a key as JSON; no file stands for the keyring."""
    place = {"variable": variable, "file": str(file) if file else None, "keyring": file is None}
    emit_json("key-change", {**place, "existed": existed, "changed": changed})


def _config_place(ctx: typer.Context) -> Path:
    """Where the config stands, or where it would be looked for first."""
    named = named_config(ctx)
    if named is not None:
        return named.expanduser().absolute()
    places = config_candidates(standard_paths(), os.environ)
    return next((place for place in places if place.exists()), places[-1]).absolute()
