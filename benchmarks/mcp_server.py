"""Our MCP server, from nothing to its answer to `initialize` and to its list of tools."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.figures import Figure, of_rounds
from benchmarks.lineup import Effort
from benchmarks.processes import private_directory
from benchmarks.startup import AGENTBOX

INITIALIZE_SECONDS = 1.5

_ME = {"name": "bench", "version": "1"}
_HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _ME}


def starts(effort: Effort) -> Iterator[Figure]:
    """Seconds until a client that has just started the server is answered."""
    with private_directory() as directory:
        environ = _environment(directory)
        # The first one compiles what was never imported before, and is not counted.
        seen = [_seconds(environ) for _ in range(effort.starts + 1)][1:]
    hello, tools = ([each[place] for each in seen] for place in (0, 1))
    yield of_rounds("mcp serve, initialize answered", hello, "s", at_most=INITIALIZE_SECONDS)
    yield of_rounds("mcp serve, tools listed", tools, "s")


def _environment(home: Path) -> dict[str, str]:
    # Where bytecode is not written, every start would compile a thousand modules anew.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    kinds = ("CONFIG", "STATE", "CACHE", "DATA")
    return {**kept, "HOME": str(home), **{f"XDG_{k}_HOME": str(home / k) for k in kinds}}


def _seconds(environ: Mapping[str, str]) -> tuple[float, float]:
    begun = time.perf_counter()
    server = subprocess.Popen(
        [str(AGENTBOX), "litellm", "mcp", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
        cwd=environ["HOME"],
    )
    _ask(server, 1, "initialize", _HELLO)
    hello = time.perf_counter() - begun
    _ask(server, 2, "tools/list", {})
    tools = time.perf_counter() - begun
    server.communicate()
    return hello, tools


def _ask(
    server: subprocess.Popen[bytes], number: int, method: str, params: Mapping[str, object]
) -> None:
    assert server.stdin is not None
    assert server.stdout is not None
    asked = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    server.stdin.write(json.dumps(asked).encode() + b"\n")
    server.stdin.flush()
    told = json.loads(server.stdout.readline())
    assert "result" in told, told
