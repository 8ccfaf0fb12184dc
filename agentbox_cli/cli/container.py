"""What a command can tell of the container that it runs in."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import CONTAINER_SOCKET, HOST_CONFIG

if TYPE_CHECKING:
    from agentbox_cli.mcp.calls.elsewhere import Elsewhere

SOCKET_VARIABLE = "AGENTBOX_SOCKET"
# Set by the init script for the container's command: who starts the proxy meanwhile.
INIT_VARIABLE = "AGENTBOX_INIT_PID"

_ON_ITS_WAY_SECONDS = 10.0
_PAUSE = 0.1


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


def on_its_way() -> float:
    """Until when to wait for what starts with the container, on the monotonic clock."""
    return time.monotonic() + _ON_ITS_WAY_SECONDS


def status_here(port: int, token: str | None, deadline: float) -> dict[str, Any] | None:
    """What the container's proxy or bridge tells of itself, whichever of its users runs that.

    Args:
        port: where it is asked.
        token: what it is shown.
        deadline: until when it may be on its way: what starts it starts the command too.

    Raises:
        ProxyError: it is there, and does not take the token.
    """
    from agentbox_cli.deploy.health import at_port, status_at_port

    while True:
        is_coming = (has_socket() or init_starts()) and time.monotonic() < deadline
        status = status_at_port(port, token)
        if status is not None:
            return status
        if at_port(port) is not None:
            raise _unknown_here(port, token)
        if not is_coming:
            return None
        time.sleep(_PAUSE)


def seeker(ctx: typer.Context) -> "Callable[[], Elsewhere | None] | None":
    """Finds the container's proxy or bridge, as often as it is called; None outside of one.

    Only who calls in the first seconds waits for what may be on its way.
    """
    if not is_container():
        return None
    from agentbox_cli.daemon.client import token_named
    from agentbox_cli.mcp.calls.elsewhere import Elsewhere

    deadline = on_its_way()

    def seek() -> Elsewhere | None:
        port, token = usual_port(ctx), token_named(os.environ)
        status = status_here(port, token, deadline)
        return Elsewhere(port=port, token=token, status=status) if status else None

    return seek


def _unknown_here(port: int, token: str | None) -> ProxyError:
    from agentbox_cli.daemon.client import KEY_VARIABLE

    shown = f"does not take the token in {KEY_VARIABLE}" if token else "wants a key"
    return ProxyError(
        f"the proxy behind 127.0.0.1:{port} {shown}",
        hint=f"set {KEY_VARIABLE} to what its owner gets from: agentbox litellm key add NAME",
    )
