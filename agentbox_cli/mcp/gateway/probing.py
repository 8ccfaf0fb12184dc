"""Ask servers once, from a command: what they are, what they have, how long it takes."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp.shared.exceptions import MCPError
from pydantic import SecretStr

from agentbox_cli.config.mcp_servers import McpServerConfig
from agentbox_cli.config.redaction import redact
from agentbox_cli.errors import ProviderError
from agentbox_cli.mcp.gateway.connecting import Ears, Listed, connected, reason_of
from agentbox_cli.mcp.gateway.cutting import cut
from agentbox_cli.mcp.gateway.pins import Pins
from agentbox_cli.mcp.gateway.report import target, tool_rows
from agentbox_cli.mcp.gateway.session import Greeting, Session
from agentbox_cli.mcp.gateway.settings import Server
from agentbox_cli.mcp.gateway.tools import Filter, Tool, instructions_of, sorted_tools

_LINES_KEPT = 20
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a handshake: `connected`, `greeted` or `listed`, after so many milliseconds."""

    name: str
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What came of asking a server.

    Args:
        server: which one.
        steps: how far it got.
        greeting: what it says of itself; None if it did not get that far.
        listed: what it has.
        reason: why it did not get to the end; None if it did.
        lines: what its program wrote to stderr, the end of it.
        noise: how many lines on its stdout were no message.
    """

    server: Server
    steps: tuple[Step, ...]
    greeting: Greeting | None
    listed: Listed
    reason: str | None
    lines: tuple[str, ...]
    noise: int

    def tools(self, pins: Pins | None) -> tuple[Tool, ...]:
        """What becomes of its tools, and of its instructions as if they were one."""
        config = self.server.config
        chosen = Filter(allow=config.allow, deny=config.deny)
        pinned = pins.tools if pins else None
        text = self.greeting.instructions if self.greeting else ""
        told = instructions_of(text, chosen, pinned)
        return (*sorted_tools(self.listed.tools, chosen, pinned), *([told] if told else ()))


def probe_all(servers: Iterable[Server]) -> list[Probe]:
    """Ask several servers at once."""
    _be_quiet()

    async def ask() -> list[Probe]:
        return list(await asyncio.gather(*map(_probe, servers)))

    return asyncio.run(ask())


def call_once(server: Server, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call a tool in a session of its own.

    Raises:
        ProviderError: the server cannot be reached, or answers with an error.
    """
    _be_quiet()
    return asyncio.run(_call(server, tool, arguments))


async def _probe(server: Server) -> Probe:
    begun = time.monotonic()
    steps: list[Step] = []
    lines: list[str] = []
    noise: list[str] = []
    ended: list[int | None] = []
    greeting, listed, reason = None, Listed(), None

    def step(name: str) -> None:
        steps.append(Step(name=name, ms=round((time.monotonic() - begun) * 1_000, 1)))

    def hear(line: str) -> None:
        lines.append(redact(line[:_LONGEST], server.secrets()))
        del lines[:-_LINES_KEPT]

    ears = Ears(step=step, stderr=hear, noise=noise.append, ended=ended.append)
    try:
        async with connected(server, ears) as connection:
            greeting, listed = connection.greeting, connection.listed
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        reason = _end_of(ended, lines) or reason_of(error, server)
    return Probe(
        server=server,
        steps=tuple(steps),
        greeting=greeting,
        listed=listed,
        reason=reason,
        lines=tuple(lines),
        noise=len(noise),
    )


def _end_of(ended: list[int | None], lines: list[str]) -> str | None:
    if not ended or ended[-1] is None:
        return None
    said = f": {lines[-1]}" if lines else ""
    return f"it ended with status {ended[-1]}{said}"


async def _call(server: Server, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    params = {"name": tool, "arguments": dict(arguments)}
    try:
        async with connected(server, Ears()) as connection:
            answer = await _answer(connection.session, server, params)
    except Exception as error:
        raise ProviderError(
            f"the MCP server {server.name} cannot be asked: {reason_of(error, server)}",
            hint=f"agentbox litellm mcp test {server.name}",
        ) from error
    if isinstance(answer, str):
        raise ProviderError(f"{server.name} answers with an error: {answer}")
    return cut(answer, server.config.max_output_bytes)


async def _answer(
    session: Session, server: Server, params: Mapping[str, Any]
) -> Mapping[str, Any] | str:
    """The result, or what the server's error says."""
    try:
        return await session.ask("tools/call", params, seconds=server.config.timeout)
    except MCPError as error:
        return redact(error.error.message, server.secrets())


def gateway_server(name: str, url: str, key: str | None, config: McpServerConfig) -> Server:
    """The gateway's door of a server, as a server to call: the same limits, by our own address."""
    patient = config.timeout + config.connect_timeout
    seen = McpServerConfig(
        url=f"{url}/mcp/{name}",
        timeout=min(patient, 86_400),
        connect_timeout=max(config.connect_timeout, 60),
        max_output_bytes=config.max_output_bytes,
    )
    headers = {"x-api-key": SecretStr(key)} if key else {}
    return Server(name=name, config=seen, env={}, headers=headers)


def probe_row(probe: Probe, pins: Pins | None) -> dict[str, Any]:
    """A probe as the gateway would report the server."""
    greeting, done = probe.greeting, probe.steps and not probe.reason
    return disabled_row(probe.server) | {
        "state": "down" if probe.reason else "ready",
        "reason": probe.reason,
        "name": greeting.name if greeting else None,
        "version": greeting.release if greeting else None,
        "protocol": greeting.version if greeting else None,
        "connect_ms": probe.steps[-1].ms if done else None,
        "resources": len(probe.listed.resources) + len(probe.listed.templates),
        "prompts": len(probe.listed.prompts),
        "pinned_by": pins.by.value if pins else None,
        "tools": tool_rows(probe.tools(pins)),
    }


def disabled_row(server: Server) -> dict[str, Any]:
    """A server that is switched off."""
    nothing = dict.fromkeys(("reason", "retry_s", "name", "version", "protocol"))
    zero = dict.fromkeys(("calls", "failed", "restarts", "resources", "prompts"), 0)
    return {
        "server": server.name,
        "transport": server.transport,
        "target": target(server),
        "state": "disabled",
        **nothing,
        "connect_ms": None,
        "call_ms": None,
        **zero,
        "pinned_by": None,
        "pin_problem": None,
        "tools": [],
    }


def _be_quiet() -> None:
    # The SDK tells of what it cannot read with a traceback; the probe tells it in a line.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
