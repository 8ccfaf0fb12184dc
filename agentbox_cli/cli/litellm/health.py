"""`agentbox litellm health`: whether a proxy answers, for HEALTHCHECK and scripts."""

import os
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.errors import Exit

app = command()


@app.command()
def health(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Ask here; by default $LITELLM_PORT, else the config's, else 4000.",
            show_default=False,
        ),
    ] = None,
    if_enabled: Annotated[
        bool,
        typer.Option("--if-enabled", help="All is well, too, where no proxy is wanted."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask /health on 127.0.0.1, whoever runs the proxy or the bridge behind it.

    Exit code 1 if none of ours answers. No provider is called.

    Example: agentbox litellm health --if-enabled
    """
    from agentbox_cli.deploy.health import at_port

    asked = _port(ctx, port)
    url = f"http://127.0.0.1:{asked}"
    serves = at_port(asked) is not None
    why = None if serves or not if_enabled else _why_not_wanted(ctx)
    if as_json:
        emit_json("health", {"serves": serves, "url": url, "why": why})
    elif serves:
        say(f"the proxy answers on {url}")
    else:
        say(f"no proxy is wanted: {why}" if why else f"no proxy answers on {url}")
    raise typer.Exit(Exit.OK if serves or why else Exit.NO)


def _why_not_wanted(ctx: typer.Context) -> str | None:
    from pathlib import Path

    from agentbox_cli.cli.litellm.bridge import SOCKET_VARIABLE
    from agentbox_cli.cli.litellm.start import why_not_enabled
    from agentbox_cli.deploy.bridge import is_mounted
    from agentbox_cli.paths import CONTAINER_SOCKET

    if is_mounted(Path(os.environ.get(SOCKET_VARIABLE) or CONTAINER_SOCKET)):
        return None  # a bridge is
    return why_not_enabled(ctx)


def _port(ctx: typer.Context, option: int | None) -> int:
    from agentbox_cli.cli.setting import config_file
    from agentbox_cli.config.model import DEFAULT_PORT
    from agentbox_cli.config.store import load
    from agentbox_cli.daemon.startup import port_named
    from agentbox_cli.errors import ConfigError

    if option is not None:
        return option
    named = port_named(os.environ)
    if named is not None:
        return named
    try:
        host = load(config_file(ctx)).host
    except ConfigError:
        host = None  # what runs may well be a bridge
    return host.litellm.port if host else DEFAULT_PORT
