"""`agentbox litellm bridge`: the host's proxy at a container's own 127.0.0.1."""

import os
from pathlib import Path
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.container import mounted_socket
from agentbox_cli.cli.output import notice, say
from agentbox_cli.paths import CONTAINER_SOCKET

app = command()


@app.command()
def bridge(
    *,
    socket: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            readable=False,  # typer knows nothing of sockets; `prepare` says whose it is
            help=f"The mounted socket; by default $AGENTBOX_SOCKET, else {CONTAINER_SOCKET}.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Listen here; by default $LITELLM_PORT, else 4000; 0 for any.",
            show_default=False,
        ),
    ] = None,
    if_exists: Annotated[
        bool,
        typer.Option("--if-exists", help="Do nothing if no directory is mounted there."),
    ] = False,
) -> None:
    """Bridge 127.0.0.1:4000 of a container to the proxy of its host.

    Run it inside. The host names the container in litellm.socket and mounts the directory of
    its socket. It runs until ^C or SIGTERM, then lets open answers finish. While the host's
    proxy is down callers get 503. Exit code 5 if the port is taken or the socket not to be had.

    Example: agentbox litellm bridge --socket /run/agentbox/litellm.sock
    """
    from agentbox_cli.deploy.bridge import is_mounted, prepare, run

    path = socket or mounted_socket()
    if if_exists and not is_mounted(path):
        notice(f"no bridge: there is no directory {path.parent}")
        return
    made = prepare(path, _port(port))
    if made is None:
        say(f"there is a bridge to {path} already")
        return
    run(made, lambda: _tell(made.url, path))


def _tell(url: str, path: Path) -> None:
    import sys

    say(f"{url} leads to {path}")
    sys.stdout.flush()
    if not path.exists():
        notice(f"nothing listens on {path} yet: callers get 503 until the host's proxy runs")


def _port(option: int | None) -> int:
    from agentbox_cli.config.model import DEFAULT_PORT
    from agentbox_cli.daemon.startup import port_named

    if option is not None:
        return option
    named = port_named(os.environ)
    return DEFAULT_PORT if named is None else named
