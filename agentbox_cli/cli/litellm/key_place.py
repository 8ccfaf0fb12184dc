"""Which variable holds a provider's key, and which file it stands in; for login and logout."""

from pathlib import Path

import typer

from agentbox_cli.cli.changing import current_registry
from agentbox_cli.cli.output import emit_json
from agentbox_cli.cli.setting import config_target


def variable_of(ctx: typer.Context, provider: str) -> str:
    """The variable of a provider's key; a config need not exist yet, but must be sound if so."""
    from agentbox_cli.config.store import load, require
    from agentbox_cli.providers.keys import key_variable

    file = config_target(ctx)
    host = require(load(file)) if file.exists() else None
    return key_variable(provider, host, current_registry(ctx))


def env_file(ctx: typer.Context, named: str | None) -> Path:
    """The `.env` to write: the one that is named, else the one beside config.yml."""
    from agentbox_cli.config.secrets import HOST_ENV

    if named is not None:
        return Path(named).expanduser().absolute()
    return config_target(ctx).parent / HOST_ENV


def emit_key_change(variable: str, file: Path | None, *, existed: bool, changed: bool) -> None:
    """Print what became of a key as JSON; no file stands for the keyring."""
    place = {"variable": variable, "file": str(file) if file else None, "keyring": file is None}
    emit_json("key-change", {**place, "existed": existed, "changed": changed})
