"""What runs in the daemon's process: take over the lock, bind, announce, serve, drain, withdraw.

The port is bound before anything slow is imported or read, and the proxy announces itself as soon
as it answers.
"""

import argparse
import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop
from pydantic import SecretStr

from agentbox_cli.daemon import instance
from agentbox_cli.daemon.instance import LOG_OFFSET_VARIABLE, TOKEN_VARIABLE
from agentbox_cli.daemon.key import read_or_create
from agentbox_cli.daemon.launch import log_level
from agentbox_cli.daemon.lock import adopt
from agentbox_cli.daemon.log_filter import RedactingFilter
from agentbox_cli.errors import AgentboxError, Exit
from agentbox_cli.paths import Paths, standard_paths
from agentbox_cli.providers.load import load_setup
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy.allocation import Allocation
from agentbox_cli.proxy.drill import SECRET_VARIABLE
from agentbox_cli.proxy.gateway import GatewayPlan
from agentbox_cli.proxy.server import BACKLOG, ProxyServer, bind
from agentbox_cli.proxy.sockets import bind_named

START_SECONDS = 60
SWITCH_SECONDS = 0.0005
GATEWAY_MODULE = "agentbox_cli.mcp.gateway"

_log = logging.getLogger("agentbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What this daemon was started for.

    Args:
        config_file: the config.yml it serves.
        port: where it listens; 0 for any free port.
        lock_fd: the inherited lock.
        working_dir: where the user started it.
        token: the token of this run.
        log_offset: where this run's log begins, in bytes.
    """

    config_file: Path
    port: int
    lock_fd: int
    working_dir: Path
    token: str
    log_offset: int


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; gives the exit code."""
    duty = _duty(argv)
    redacting = _log_to_stderr()
    # A daemon whose starter was killed must not hang half-started for ever.
    signal.alarm(START_SECONDS)
    try:
        paths = standard_paths()
        # The engine and its children must not keep the lock alive.
        adopt(paths.pid_file, duty.lock_fd)
        _raise_file_limit()
        _leave_no_core()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(paths, duty, redacting))
    except AgentboxError as error:
        _log.error("%s%s", error.message, f"; {error.hint}" if error.hint else "")
        return error.exit_code
    return Exit.OK


async def _serve(paths: Paths, duty: Duty, redacting: RedactingFilter) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    resolved = load_setup(duty.config_file, os.environ, duty.working_dir).resolved
    key = SecretStr(read_or_create(paths.key_file))
    redacting.learn((*resolved.secrets(), key))
    sockets = bind(resolved.config.bind, duty.port)
    named = bind_named(resolved.config, paths, BACKLOG)
    server = ProxyServer(
        resolved=resolved,
        key=key,
        instance=duty.token,
        paths=paths,
        gateway=_gateway(paths, duty),
        allocation=Allocation.found(),
    )
    await server.start(sockets, named)
    described = _described(duty, resolved, sockets[0].getsockname()[:2])
    instance.announce(paths, duty.lock_fd, described)
    signal.alarm(0)
    _spare_the_collector()
    _spare_the_loop()
    _log.info("serving on %s with %s", described.url, duty.config_file)
    await stop.wait()
    _log.info("draining: open streams may finish")
    instance.announce(paths, duty.lock_fd, replace(described, draining=True))
    await server.drain()
    instance.withdraw(paths, duty.lock_fd, described)
    _log.info("stopped")


def _gateway(paths: Paths, duty: Duty) -> GatewayPlan:
    # By name: the daemon's own process never imports what the gateway is made of.
    command = (sys.executable, "-P", "-m", GATEWAY_MODULE)
    files = ("--config", str(duty.config_file), "--socket", str(paths.gateway_socket))
    return GatewayPlan(
        command=(*command, *files),
        environ={name: value for name, value in os.environ.items() if name != SECRET_VARIABLE},
        directory=paths.gateway_dir,
        socket=paths.gateway_socket,
    )


def _described(duty: Duty, resolved: Resolved, address: tuple[str, int]) -> instance.Instance:
    host, port = address
    return instance.this_process(
        host=resolved.config.bind or host,
        port=port,
        token=duty.token,
        config_file=duty.config_file,
        working_dir=duty.working_dir,
        ready=True,
        log_offset=duty.log_offset,
    )


def _duty(argv: Sequence[str]) -> Duty:
    parser = argparse.ArgumentParser(prog="agentbox-proxy", allow_abbrev=False)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--working-dir", type=Path, required=True)
    options = parser.parse_args(argv)
    return Duty(
        config_file=options.config,
        port=options.port,
        lock_fd=options.lock_fd,
        working_dir=options.working_dir,
        token=os.environ.pop(TOKEN_VARIABLE, ""),
        log_offset=int(os.environ.pop(LOG_OFFSET_VARIABLE, "0")),
    )


def _spare_the_loop() -> None:
    # A thread that has the interpreter, to write usage, gives it back after this time: by default
    # requests wait for 5 ms (measured).
    sys.setswitchinterval(SWITCH_SECONDS)


def _spare_the_collector() -> None:
    # What is loaded by now stays, and a request leaves no cycles behind: the collector's default
    # pace costs a tenth of each call (measured).
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


def _log_to_stderr() -> RedactingFilter:
    redacting = RedactingFilter()
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(redacting)
    logging.basicConfig(
        handlers=[handler],
        level=log_level(os.environ),
        format="%(asctime)s %(levelname)s %(message)s",
    )
    return redacting


def _leave_no_core() -> None:
    # It would have every key, and where it is put others may read it. Children inherit this.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _raise_file_limit() -> None:
    # Each request holds two connections; the usual soft limit of 1024 is soon used up.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
