"""The whole way: a client, the daemon, the gateway that it starts, a server behind it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def test_status_tells_of_the_gateway_and_its_servers_before_anybody_called_them(
    agentbox: Agentbox, url: str, home: Path
) -> None:
    def told() -> dict[str, Any] | None:
        found = agentbox("litellm", "status", "--json").document["gateway"]
        states = [each["state"] for each in found["servers"]]
        return found if states and "starting" not in states else None

    (row,) = (eventually(told) or {})["servers"]
    assert (row["server"], row["state"], row["reason"]) == ("files", "ready", None)
    assert (row["tools"], row["withheld"]) == (10, 0)
    servers = {"files": script("poisoned"), "gone": {"command": "no-such-program"}}
    write_config(home / "config/agentbox/config.yml", servers)

    def changed() -> dict[str, Any] | None:
        found = {each["server"]: each for each in (told() or {}).get("servers", ())}
        return found if {"files", "gone"} <= set(found) and found["files"]["withheld"] else None

    rows = eventually(changed) or {}
    assert (rows["files"]["tools"], rows["files"]["withheld"]) == (9, 2)
    assert (rows["gone"]["state"], rows["gone"]["tools"]) == ("down", 0)
    assert "no-such-program" in rows["gone"]["reason"]
    shown = agentbox("litellm", "status").out
    assert "MCP gateway ready (pid " in shown
    assert "2 withheld: agentbox litellm mcp accept files" in shown
    assert re.search(r"gone +down +0 +\S", shown)


def test_a_first_server_that_is_added_has_the_gateway_started(
    agentbox: Agentbox, url: str, home: Path
) -> None:
    assert agentbox("litellm", "stop").exit_code == 0
    write_config(home / "config/agentbox/config.yml", {})
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    assert agentbox("litellm", "status", "--json").document["gateway"]["state"] == "off"
    command = [str(word) for word in (script()["command"], *script()["args"])]
    assert agentbox("litellm", "mcp", "add", "files", "--", *command).exit_code == 0
    state = agentbox("litellm", "status", "--json").document["gateway"]["state"]
    assert state in ("starting", "ready")


def test_a_gateway_that_leads_back_to_itself_does_not_grow_without_end(
    agentbox: Agentbox, url: str, home: Path
) -> None:
    write_config(
        home / "config/agentbox/config.yml", {"files": script(), "itself": {"url": f"{url}/mcp"}}
    )

    def row() -> dict[str, object] | None:
        rows = agentbox("litellm", "mcp", "list", "--json").document["servers"]
        return next((row for row in rows if row["server"] == "itself" and row["reason"]), None)

    found = eventually(row)
    assert found
    assert found["reason"] == "it answered with an error: this is the gateway itself"
    assert found["tools"] == []


def test_an_import_leaves_our_own_gateway_out(agentbox: Agentbox, url: str) -> None:
    Path("mcp.json").write_text(f'{{"mcpServers": {{"x": {{"url": "{url}/mcp"}}}}}}')
    result = agentbox("litellm", "mcp", "import", "mcp.json")
    assert result.exit_code == 0
    assert "x: it is agentbox itself, and left out" in result.err


def test_the_daemon_itself_knows_nothing_of_mcp() -> None:
    code = "import sys, agentbox_cli.daemon.serve; print({'mcp', 'fastmcp'} & {*sys.modules})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
