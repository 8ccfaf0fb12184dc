"""Running the server: over stdio, or over HTTP on this machine.

FastMCP is a second of imports, so it is imported here, with as little around it as can be.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentbox_cli.daemon.key import read_or_create
from agentbox_cli.errors import ProxyError
from agentbox_cli.mcp.calls.home import Home
from agentbox_cli.mcp.server.guarding import Guard
from agentbox_cli.mcp.server.toolset import Toolset
from agentbox_cli.proxy.client_tokens import TokenBook

if TYPE_CHECKING:
    from fastmcp import FastMCP

# FastMCP takes settings from the environment, where a wrong one ends it, and from a `.env` in the
# working directory, which is not ours to trust.
_SETTINGS = {
    "FASTMCP_ENV_FILE": os.devnull,
    "FASTMCP_LOG_ENABLED": "false",
    "FASTMCP_CHECK_FOR_UPDATES": "off",
}


HOST, PATH = "127.0.0.1", "/mcp"
_QUIET = {"log_config": None, "log_level": "critical", "access_log": False, "ws": "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is served.

    Args:
        home: whose proxy it speaks for.
        toolsets: which tools it has.
        workspace: the folder that the analyst may read; None for where the client works.
    """

    home: Home
    toolsets: frozenset[Toolset]
    workspace: Path | None


def serve_stdio(offer: Offer) -> None:
    """Serve one client over stdin and stdout, until it closes stdin."""
    server = _built(offer)
    _run(server.run_stdio_async(show_banner=False))


def serve_http(offer: Offer, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve any number of clients over HTTP on 127.0.0.1, until a signal ends it.

    Args:
        offer: what is served.
        port: where to listen; 0 for any free port.
        on_ready: told the address.

    Raises:
        ProxyError: the port cannot be had, or the install's key not be read.
        KeyboardInterrupt: it was ended by ^C.
    """
    key_file = offer.home.paths.key_file
    read_or_create(key_file)
    tokens = TokenBook(offer.home.paths.client_tokens)
    with _listening(port) as listening:
        server = _built(offer)
        from starlette.middleware import Middleware  # noqa: PLC0415 - comes with FastMCP

        on_ready(f"http://{HOST}:{listening.getsockname()[1]}{PATH}")
        _run(
            server.run_http_async(
                show_banner=False,
                path=PATH,
                sockets=[listening],
                host_origin_protection=False,  # ours is stricter
                middleware=[Middleware(Guard, key_file=key_file, tokens=tokens)],
                uvicorn_config=_QUIET,
            )
        )


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is no port"
        raise ProxyError(
            f"cannot listen on {HOST} port {port}: {reason}",
            hint="choose another one with --port; 0 takes any free one",
        ) from error


def _built(offer: Offer) -> "FastMCP[Any]":
    """Import and build: many new objects and no garbage, so nobody looks for it (measured)."""
    for name in [name for name in os.environ if name.startswith("FASTMCP_")]:
        del os.environ[name]
    os.environ.update(_SETTINGS)
    gc.disable()
    from agentbox_cli.mcp.server.build import build  # noqa: PLC0415 - a second of imports

    # What clients should know they are told; the libraries' own words are for their makers.
    logging.getLogger().addHandler(logging.NullHandler())
    server = build(offer.home, offer.toolsets, offer.workspace)
    gc.freeze()
    gc.enable()
    return server


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run until it ends; a signal ends it with everything it started.

    Raises:
        KeyboardInterrupt: it was ended by ^C.
    """
    ended_by: list[signal.Signals] = []

    async def run() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end(number: signal.Signals) -> None:
            ended_by.append(number)
            if task is not None:
                task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end, number)
        try:
            await work
        except (asyncio.CancelledError, Exception):
            # Streams that are torn down break in their own ways.
            if not ended_by:
                raise

    asyncio.run(run())
    if signal.SIGINT in ended_by:
        raise KeyboardInterrupt
