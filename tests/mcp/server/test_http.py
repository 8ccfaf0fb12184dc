"""`agentbox litellm mcp serve --http`: the same server for clients with the key."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

from tests.e2e.conftest import User, processes_of
from tests.fakes.waiting import soon
from tests.mcp.conftest import SERVE

pytestmark = pytest.mark.e2e

CONFIG = """
litellm:
  port: 0
  models:
    default: [{provider: simulated, model: echo}]
"""
DEADLINE = 60


@pytest.fixture
def somebody(tmp_path: Path) -> Iterator[User]:
    one = User(tmp_path / "somebody")
    one.home.mkdir()
    one.writes(CONFIG)
    yield one
    one.runs("litellm", "stop", "--force")
    assert processes_of(one.home) == []


@pytest.fixture
def url(somebody: User) -> Iterator[str]:
    server = subprocess.Popen(
        [*SERVE, "litellm", "mcp", "serve", "--http", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=somebody._environment(),
        cwd=somebody.home,
        text=True,
    )
    assert server.stdout is not None
    yield server.stdout.readline().split()[4].rstrip(";")
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=DEADLINE)
    assert (server.returncode, err) == (130, "\n")


async def test_a_client_with_the_key_is_served_and_others_are_not(
    somebody: User, url: str
) -> None:
    key = somebody.runs("litellm", "key").stdout.strip()
    transport = StreamableHttpTransport(url, headers={"authorization": f"Bearer {key}"})
    async with Client(transport) as client:
        told = await client.call_tool("complete", {"prompt": "hello"})
        assert told.structured_content is not None
        assert told.structured_content["text"] == "[simulated/echo] you said: hello"
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with httpx2.AsyncClient() as http:
        nobody = await http.post(url, json=hello)
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"] == "Bearer"
        assert "agentbox litellm key" in nobody.json()["error"]
        page = {"authorization": f"Bearer {key}", "origin": "http://127.0.0.1:9"}
        assert (await http.post(url, json=hello, headers=page)).status_code == 403
        elsewhere = url.removesuffix("/mcp") + "/anything"
        assert (await http.get(elsewhere)).status_code == 401
    # A new key opens at once, and the old one nothing more.
    fresh = somebody.runs("litellm", "key", "--rotate").stdout.strip()
    for held, status in ((key, 401), (fresh, 404)):
        sent = {"authorization": f"Bearer {held}"}
        assert httpx2.get(elsewhere, headers=sent).status_code == status


async def test_what_the_holder_of_a_token_asks_is_counted_as_theirs(
    somebody: User, url: str
) -> None:
    tokens = {
        name: somebody.runs("litellm", "key", "add", name).stdout.strip()
        for name in ("alice", "bob")
    }
    key = somebody.runs("litellm", "key").stdout.strip()
    for held in (*tokens.values(), tokens["bob"], key):
        transport = StreamableHttpTransport(url, headers={"authorization": f"Bearer {held}"})
        async with Client(transport) as client:
            await client.call_tool("complete", {"prompt": "hello"})
    assert somebody.runs("litellm", "key", "remove", "bob").returncode == 0
    sent = {"authorization": f"Bearer {tokens['bob']}"}
    assert httpx2.get(url, headers=sent).status_code == 401
    rows: dict[str, int] = {}

    async def counted() -> bool:
        told = somebody.reads("litellm", "usage", "--by", "caller")["rows"]
        rows.update({row["key"]: row["requests"] for row in told})
        return sum(rows.values()) == 4

    await soon(counted)
    assert rows == {"alice": 1, "bob": 2, "agentbox-mcp": 1}


def test_a_port_that_is_taken_is_told(somebody: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = somebody.runs("litellm", "mcp", "serve", "--http", "--port", port)
    assert done.returncode == 5
    assert f"cannot listen on 127.0.0.1 port {port}: " in done.stderr
    assert "--port" in done.stderr
