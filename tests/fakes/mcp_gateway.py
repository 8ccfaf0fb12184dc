"""The real gateway in a process of its own, with servers of `mcp_script.py` behind it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.fakes.waiting import eventually, soon

SCRIPT = Path(__file__).with_name("mcp_script.py")
Mode = Literal["legacy", "auto"]


def script(*modes: str, **more: Any) -> dict[str, Any]:
    """The config of a server that is `mcp_script.py`."""
    return {"command": sys.executable, "args": [str(SCRIPT), *modes], **more}


def write_config(file: Path, servers: Mapping[str, Any]) -> None:
    """A config.yml with these servers; JSON is YAML."""
    models = {"default": [{"provider": "simulated", "model": "echo"}]}
    section = {"models": models, "mcp_servers": servers}
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name("config.new")
    fresh.write_text(json.dumps({"litellm": section}))
    fresh.replace(file)


@dataclass(frozen=True, kw_only=True)
class RunningGateway:
    """A gateway on a socket."""

    config: Path
    socket: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pins(self) -> dict[str, Any]:
        """What is pinned, by server."""
        text = (self.config.parent / "mcp.pins.json").read_text()
        found: dict[str, Any] = json.loads(text)["servers"]
        return found

    def set(self, servers: Mapping[str, Any]) -> None:
        """Change the config."""
        write_config(self.config, servers)

    def http(self) -> httpx2.AsyncClient:
        """A plain client."""
        transport = httpx2.AsyncHTTPTransport(uds=str(self.socket))
        return httpx2.AsyncClient(transport=transport, base_url="http://gateway", timeout=30)

    async def status(self) -> dict[str, Any]:
        """How the servers are, by name."""
        async with self.http() as http:
            rows = (await http.get("/status")).json()["servers"]
        return {row["server"]: row for row in rows}

    async def state(self, server: str, *states: str) -> dict[str, Any]:
        """How a server is, as soon as it is in one of these states."""

        async def row() -> dict[str, Any] | None:
            found = (await self.status()).get(server)
            return found if found and found["state"] in states else None

        found = await soon(row, f"{server} is {states}")
        assert found
        return found

    @asynccontextmanager
    async def client(
        self, path: str = "/mcp", mode: Mode = "legacy", **more: Any
    ) -> AsyncIterator[Client]:
        """The SDK's client, in a session."""
        async with self.http() as http:
            transport = streamable_http_client(f"http://gateway{path}", http_client=http)
            async with Client(transport, mode=mode, **more) as client:
                yield client


@contextmanager
def running_gateway(
    servers: Mapping[str, Any], home: Path, environ: Mapping[str, str] | None = None
) -> Iterator[RunningGateway]:
    """Start a gateway; it is ended, and must not leave anything behind."""
    config = home / "gateway" / "config.yml"
    write_config(config, servers)
    # A path of pytest's may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="mcp-") as place, (home / "mcp.log").open("wb") as log:
        socket = Path(place) / "s"
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "agentbox_cli.mcp.gateway"),
                *("--config", str(config), "--socket", str(socket)),
            ],
            env={**os.environ, **(environ or {})},
            stderr=log,
            start_new_session=True,
        )
        try:
            eventually(lambda: socket.exists() or process.poll() is not None, "the socket")
            yield RunningGateway(
                config=config, socket=socket, log=home / "mcp.log", process=process
            )
            process.terminate()
            assert process.wait(20) in (0, -signal.SIGTERM)
        finally:
            process.kill()
            process.wait()


def text_of(result: Any) -> str:
    """The texts of a tool's answer."""
    return "\n".join(block.text for block in result.content)
