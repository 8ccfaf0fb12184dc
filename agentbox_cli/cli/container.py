"""What a command can tell of the container that it runs in."""

import os
from pathlib import Path

import typer

from agentbox_cli.paths import CONTAINER_SOCKET, HOST_CONFIG

SOCKET_VARIABLE = "AGENTBOX_SOCKET"
# Set by the init script for the container's command: who starts the proxy meanwhile.
INIT_VARIABLE = "AGENTBOX_INIT_PID"


def mounted_socket() -> Path:
    """Where the host's proxy has its socket for this container, if it has one."""
    return Path(os.environ.get(SOCKET_VARIABLE) or CONTAINER_SOCKET)


def has_socket() -> bool:
    """Whether the directory of such a socket is mounted."""
    from agentbox_cli.deploy.bridge import is_mounted

    return is_mounted(mounted_socket())


def init_starts() -> bool:
    """Whether the container's init script is on its way to a proxy or a bridge."""
    from agentbox_cli.daemon.identity import identify

    named = os.environ.get(INIT_VARIABLE, "")
    return named.isdecimal() and identify(int(named)) is not None


def is_container() -> bool:
    """Whether the host has mounted a config or a socket for us."""
    return os.path.exists(HOST_CONFIG) or has_socket()  # noqa: PTH110 - Path.exists may raise


def usual_port(ctx: typer.Context) -> int:
    """The port that agents ask: by `LITELLM_PORT`, else by the config, else 4000."""
    from agentbox_cli.cli.setting import config_file
    from agentbox_cli.config.model import DEFAULT_PORT
    from agentbox_cli.config.store import load
    from agentbox_cli.daemon.startup import port_named
    from agentbox_cli.errors import ConfigError

    named = port_named(os.environ)
    if named is not None:
        return named
    try:
        host = load(config_file(ctx)).host
    except ConfigError:
        host = None  # what runs may well be a bridge
    return host.litellm.port if host else DEFAULT_PORT
