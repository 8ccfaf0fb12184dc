"""Servers that run elsewhere: over streamable HTTP and SSE, made with FastMCP."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import mcp_http_server
from tests.fakes.mcp_gateway import RunningGateway, running_gateway, text_of
from tests.fakes.waiting import eventually, soon

SECRET = "hush-hush-12345"


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(kind: str, port: int) -> Iterator[None]:
    command = [sys.executable, mcp_http_server.__file__, kind, str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: is_open(port))
            yield
        finally:
            process.kill()


def entry(kind: str, port: int) -> dict[str, object]:
    path = "sse" if kind == "sse" else "mcp"
    headers = {"Authorization": "Bearer ${DOCS_TOKEN}", "X-Team": "a"}
    return {"url": f"http://127.0.0.1:{port}/{path}", "transport": kind, "headers": headers}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    found = {"http": free_port(), "sse": free_port()}
    with serving("http", found["http"]), serving("sse", found["sse"]):
        yield found


@pytest.fixture(scope="module")
def shared(
    ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    servers = {kind: entry(kind, port) for kind, port in ports.items()}
    home = tmp_path_factory.mktemp("home")
    with running_gateway(servers, home, {"DOCS_TOKEN": SECRET}) as gateway:
        yield gateway


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_a_tool_elsewhere_is_called_with_the_headers_of_the_config(
    shared: RunningGateway, kind: str
) -> None:
    async with shared.client() as client:
        assert text_of(await client.call_tool(f"{kind}-echo", {"text": "hi"})) == "hi"
        token = await client.call_tool(f"{kind}-seen", {"name": "authorization"})
        assert text_of(token) == f"Bearer {SECRET}"
        assert text_of(await client.call_tool(f"{kind}-seen", {"name": "x-team"})) == "a"
    assert SECRET not in shared.log.read_text()


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_a_call_that_is_cancelled_is_cancelled_at_the_server(
    shared: RunningGateway, kind: str, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    async with shared.client() as client:
        call = asyncio.create_task(client.call_tool(f"{kind}-wait", {"file": str(note)}))

        async def waits() -> bool:
            return note.exists() and note.read_text() == "waiting"

        await soon(waits)
        call.cancel()

        async def is_over() -> bool:
            return note.read_text() == "cancelled"

        await soon(is_over)
        assert text_of(await client.call_tool(f"{kind}-echo", {"text": "on"})) == "on"


async def test_a_server_that_was_started_anew_is_found_again(tmp_path: Path) -> None:
    port = free_port()
    environ = {"DOCS_TOKEN": SECRET}
    with running_gateway({"it": entry("http", port)}, tmp_path, environ) as gateway:
        row = await gateway.state("it", "down")
        assert row["reason"].startswith("it cannot be reached")
        with serving("http", port):
            await gateway.state("it", "ready")
            async with gateway.client() as client:
                assert text_of(await client.call_tool("it-echo", {"text": "a"})) == "a"
        with serving("http", port):
            async with gateway.client() as client:
                # It has forgotten the session, which is opened anew for this very call.
                result = await client.call_tool("it-echo", {"text": "b"})
                assert (text_of(result), result.is_error) == ("b", False)


async def test_an_address_that_serves_something_else_is_down_with_the_reason(
    tmp_path: Path, ports: dict[str, int]
) -> None:
    elsewhere = {"url": f"http://127.0.0.1:{ports['http']}/nothing"}
    wrong = {"url": f"http://127.0.0.1:{ports['http']}/mcp", "transport": "sse"}
    with running_gateway({"a": elsewhere, "b": wrong}, tmp_path) as gateway:
        assert "Not Found" in (await gateway.state("a", "down"))["reason"]
        assert (await gateway.state("b", "down"))["reason"]
