"""How the servers are, as plain data for `mcp list`."""

import shlex
from collections.abc import Iterable
from typing import Any

from agentbox_cli.config.masking import starred
from agentbox_cli.mcp.gateway.hub import Hub
from agentbox_cli.mcp.gateway.settings import Server
from agentbox_cli.mcp.gateway.tools import Tool, ToolState
from agentbox_cli.mcp.gateway.upstream import Upstream

# Until a person accepts them.
_WITHHELD = (ToolState.NEW, ToolState.CHANGED)


def status_of(hub: Hub) -> dict[str, Any]:
    """All servers, and what is wrong with their config if it cannot be used any more."""
    return {
        "from": "gateway",
        "problem": hub.problem,
        "servers": [server_row(upstream) for upstream in hub.upstreams.values()],
    }


def brief_of(hub: Hub) -> list[dict[str, Any]]:
    """How each server is at this moment, in few words, for `status`."""
    return [
        {
            "server": upstream.server.name,
            "state": upstream.state.value,
            "reason": upstream.reason,
            "tools": len(upstream.shown().tools),
            "withheld": sum(tool.state in _WITHHELD for tool in upstream.judged()),
        }
        for upstream in hub.upstreams.values()
    ]


def server_row(upstream: Upstream) -> dict[str, Any]:
    """One server."""
    greeting, tally, pins = upstream.greeting, upstream.tally, upstream.pins
    return {
        "server": upstream.server.name,
        "transport": upstream.server.transport,
        "target": target(upstream.server),
        "state": upstream.state.value,
        "reason": upstream.reason,
        "retry_s": None if upstream.retry_s is None else round(upstream.retry_s, 1),
        "name": greeting.name if greeting else None,
        "version": greeting.release if greeting else None,
        "protocol": greeting.version if greeting else None,
        "connect_ms": _rounded(tally.connect_ms),
        "call_ms": _rounded(tally.last_ms),
        "calls": tally.calls,
        "failed": tally.failed,
        "restarts": tally.restarts,
        "resources": len(upstream.listed.resources) + len(upstream.listed.templates),
        "prompts": len(upstream.listed.prompts),
        "pinned_by": pins.by.value if pins else None,
        "pin_problem": upstream.pin_problem,
        "tools": tool_rows(upstream.judged()),
    }


def tool_rows(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """What becomes of tools."""
    return [
        {"tool": tool.name, "state": tool.state.value, "reason": tool.reason} for tool in tools
    ]


def target(server: Server) -> str:
    """What is started or spoken to, without a key."""
    config = server.config
    return starred(config.url or shlex.join((config.command or "", *config.args)))


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)
