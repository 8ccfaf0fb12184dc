"""The whole way: a client, the daemon, the gateway that it starts, a server behind it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastmcp import Client

from agentbox_cli.daemon import instance
from agentbox_cli.paths import standard_paths
from tests.fakes.commandline import Agentbox
from tests.fakes.mcp_gateway import script, text_of, write_config
from tests.fakes.processes import lives
from tests.fakes.waiting import eventually


@pytest.fixture
def url(agentbox: Agentbox, home: Path) -> Iterator[str]:
    write_config(home / "config/agentbox/config.yml", {"files": script()})
    started = agentbox("litellm", "start", "--port", "0")
    assert started.exit_code == 0, started.err
    found = instance.read(standard_paths().state_file)
    assert found
    yield found.url
    assert agentbox("litellm", "stop").exit_code == 0


async def test_a_client_of_the_daemon_calls_a_tool_and_nothing_is_left(
    agentbox: Agentbox, url: str
) -> None:
    async with Client(f"{url}/mcp") as client:
        assert "files-echo" in [tool.name for tool in await client.list_tools()]
        assert text_of(await client.call_tool("files-echo", {"text": "hi"})) == "hi"
        pid = int(text_of(await client.call_tool("files-pid", {})))
    assert agentbox("litellm", "stop").exit_code == 0
    eventually(lambda: not lives(pid), "the server ended")
    assert not standard_paths().gateway_socket.exists()
