"""What the `mcp` commands share: the servers of the config, and the daemon that has them open."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agentbox_cli.cli.setting import config_file
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.daemon.instance import Instance
    from agentbox_cli.mcp.gateway.settings import Server

# Servers that have just been started may take this long until it is known how they are.
GATEWAY_SECONDS = 90.0


def servers_of(ctx: typer.Context) -> "dict[str, Server]":
    """The servers of the config that this command uses; raises ConfigError if it is not valid."""
    from agentbox_cli.mcp.gateway.settings import read_servers

    return read_servers(config_file(ctx), dict(os.environ))


def server_of(ctx: typer.Context, name: str) -> "Server":
    """One server; raises UsageError with what was meant if there is none of that name."""
    from agentbox_cli.config.mcp_entries import check_known

    servers = servers_of(ctx)
    check_known(name, servers)
    return servers[name]


def pins_of(ctx: typer.Context) -> Path:
    """Where the pinned tools of the config stand."""
    from agentbox_cli.mcp.gateway.pins import pins_file

    return pins_file(config_file(ctx))


def running_daemon(ctx: typer.Context) -> "Instance | None":
    """The daemon that serves this config; None if none does."""
    from agentbox_cli.daemon import client, instance
    from agentbox_cli.daemon.identity import Sameness, compare

    found = instance.read(standard_paths().state_file)
    if found is None or found.config_file != config_file(ctx):
        return None
    alive = compare(found.identity) is Sameness.SAME
    return found if alive and client.is_serving(found) else None


def wake_gateway(ctx: typer.Context) -> None:
    """Have a running daemon start the gateway, if it began without: agents may come soon."""
    from agentbox_cli.daemon import client

    daemon = running_daemon(ctx)
    if daemon is not None:
        # Whether it answers in that time does not matter.
        client.get(daemon, "/agentbox/mcp", key_file=standard_paths().key_file, timeout=0.2)


def gateway_rows(ctx: typer.Context) -> dict[str, Any] | None:
    """How the gateway's servers are; None where no daemon serves this config."""
    from agentbox_cli.daemon import client

    daemon = running_daemon(ctx)
    if daemon is None:
        return None
    key_file = standard_paths().key_file
    answer = client.get(daemon, "/agentbox/mcp", key_file=key_file, timeout=GATEWAY_SECONDS)
    return answer.body if answer is not None and "servers" in answer.body else None
