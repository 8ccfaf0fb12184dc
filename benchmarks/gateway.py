"""What the MCP gateway costs: calls through it beside calls over a session of one's own."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from benchmarks import bare, ours
from benchmarks.figures import Figure, differences, of_rounds
from benchmarks.lineup import Effort
from benchmarks.processes import (
    POLL_SECONDS,
    ROOT,
    get,
    helper,
    private_directory,
    rss_mb,
    write_private,
)

ADDED_MS = 10.0
KILLED_MS = 1_000.0
AT_ONCE = 50
SERVERS = ("a", "b", "c", "d", "e")
# Rounds of paired calls are short, so there may be many.
CALLS_A_ROUND = 10
SCRIPT = ROOT / "tests" / "fakes" / "mcp_script.py"
HI = {"text": "hi"}


def gateway(effort: Effort) -> Iterator[Figure]:
    """Calls of a tool that answers at once, and what becomes of calls when servers fail."""
    with _daemon() as (url, home):
        yield from asyncio.run(_measured(effort, url))
        yield Figure(name="MCP gateway, memory", value=_memory(home), unit="MB")
    if effort.litellm_rounds:
        with helper("fastmcp_proxy", str(SCRIPT)) as proxy:
            while not get(proxy.port, "/")[0]:
                time.sleep(POLL_SECONDS)
            url = f"http://127.0.0.1:{proxy.port}/mcp"
            values = asyncio.run(_paired(effort.rounds // 2, url, "echo"))
        yield of_rounds("MCP tool call, FastMCP's own proxy adds", values, "ms")
        with (
            helper("provider") as provider,
            private_directory() as directory,
            bare.running(directory, provider.port, mcp=_entry()) as litellm,
        ):
            target = litellm.target
            url = f"http://127.0.0.1:{target.port}/mcp/"
            values = asyncio.run(_paired(effort.litellm_rounds, url, "it-echo", target.key))
        yield of_rounds("MCP tool call, LiteLLM's own gateway adds", values, "ms")


def _entry() -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(SCRIPT)]}


@contextmanager
def _daemon() -> Iterator[tuple[str, ours.Home]]:
    with private_directory() as directory:
        home = ours.Home(directory, provider_port=9, engine="off")
        section: dict[str, Any] = {
            "engine": {"mode": "off"},
            "models": {"default": [{"provider": "simulated", "model": "echo"}]},
            "mcp_servers": dict.fromkeys(SERVERS, _entry()),
        }
        write_private(home.paths.config_file, {"litellm": section})
        try:
            yield home.start().url, home
        finally:
            home.stop()


async def _measured(effort: Effort, url: str) -> list[Figure]:
    begun = time.perf_counter()
    async with Client(f"{url}/mcp", mode="legacy") as client:
        await client.list_tools()
        first = (time.perf_counter() - begun) * 1_000
        at_once, lost = await _at_once(client)
        killed, after = await _killed(effort, client)
    added = await _paired(effort.rounds, f"{url}/mcp", "a-echo")
    return [
        Figure(
            name="MCP, first list of 5 servers, gateway not started yet", value=first, unit="ms"
        ),
        of_rounds("MCP tool call, the gateway adds", added, "ms", at_most=ADDED_MS),
        Figure(name="MCP, 50 calls at once over 5 servers", value=at_once, unit="ms"),
        Figure(name="MCP, of these lost", value=lost, unit="calls", at_most=0),
        of_rounds("MCP, kill -9 during a call: until the error", killed, "ms", at_most=KILLED_MS),
        of_rounds("MCP, the call after it, with the server's start", after, "ms"),
    ]


async def _paired(rounds: int, url: str, tool: str, key: str = "") -> list[float]:
    """Milliseconds that a call takes longer than over a stdio session, round by round."""
    own = StdioServerParameters(command=sys.executable, args=[str(SCRIPT)])
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=shown, timeout=60) as http,
        Client(own, mode="legacy") as direct,
        Client(streamable_http_client(url, http_client=http), mode="legacy") as through,
    ):
        await through.list_tools()
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds + 1):
            taken[0].append(await _median(direct, "echo"))
            taken[1].append(await _median(through, tool))
    return differences(taken[1][1:], taken[0][1:])


async def _median(client: Client, tool: str) -> float:
    times = []
    for _ in range(CALLS_A_ROUND):
        begun = time.perf_counter()
        await client.call_tool(tool, HI)
        times.append((time.perf_counter() - begun) * 1_000)
    return sorted(times)[CALLS_A_ROUND // 2]


async def _at_once(client: Client) -> tuple[float, int]:
    begun = time.perf_counter()
    calls = [client.call_tool(f"{SERVERS[n % 5]}-echo", {"text": str(n)}) for n in range(AT_ONCE)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    took = (time.perf_counter() - begun) * 1_000
    return took, sum(_text(result) != str(n) for n, result in enumerate(results))


async def _killed(effort: Effort, client: Client) -> tuple[list[float], list[float]]:
    """Until the error, and what the call after it takes; each time of another server."""
    until, after = [], []
    for server in SERVERS[: min(effort.kills, len(SERVERS))]:
        pid = int(_text(await client.call_tool(f"{server}-pid", {})))
        call = asyncio.create_task(client.call_tool(f"{server}-sleep", {"text": "60"}))
        await asyncio.sleep(0.2)
        begun = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        assert (await call).is_error
        until.append((time.perf_counter() - begun) * 1_000)
        begun = time.perf_counter()
        assert not (await client.call_tool(f"{server}-echo", HI)).is_error
        after.append((time.perf_counter() - begun) * 1_000)
    return until, after


def _text(result: Any) -> str:
    content = getattr(result, "content", ())
    return str(content[0].text) if content else ""


def _memory(home: ours.Home) -> float:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            told = (entry / "cmdline").read_bytes() if (entry / "cmdline").exists() else b""
            if b"agentbox_cli.mcp.gateway" in told and os.fsencode(home.directory) in told:
                return rss_mb(int(entry.name))
    raise AssertionError("the gateway does not run")
