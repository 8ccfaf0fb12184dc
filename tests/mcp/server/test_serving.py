"""`agentbox litellm mcp serve` as a process: what it starts, prints, imports, and how it ends."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.conftest import User, processes_of
from tests.fakes.waiting import eventually
from tests.mcp.conftest import SERVE, connected, failure

pytestmark = pytest.mark.e2e

DEADLINE = 60
CONFIG = """
litellm:
  port: 0
  models:
    default:
      - {provider: simulated, model: rate-limited}
      - {provider: simulated, model: echo}
"""
# What only a tool that is called may need.
HEAVY = {
    "agentbox_cli.proxy.app",
    "aiohttp",
    "keyring",
    "litellm",
    "plotext",
    "plotly",
    "pluggy",
    "requests",
    "ruamel",
    "sqlalchemy",
    "tomlkit",
    "uvloop",
}


@pytest.fixture
def somebody(tmp_path: Path) -> Iterator[User]:
    one = User(tmp_path / "somebody")
    one.home.mkdir()
    one.writes(CONFIG)
    yield one
    one.runs("litellm", "stop", "--force")
    assert processes_of(one.home) == []


class Raw:
    """The server with bare pipes."""

    def __init__(self, user: User, *options: str, stderr: Any = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [SERVE[0], *options, *SERVE[1:], "litellm", "mcp", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=user._environment(),
            cwd=user.home,
        )

    def asks(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        self.tells(method, number, **params)
        assert self.process.stdout is not None
        while True:
            told: dict[str, Any] = json.loads(self.process.stdout.readline())
            assert told["jsonrpc"] == "2.0"
            if told.get("id") == number:
                return told

    def tells(self, method: str, number: int | None = None, **params: Any) -> None:
        numbered = {} if number is None else {"id": number}
        line = {"jsonrpc": "2.0", **numbered, "method": method, "params": params}
        self.sends(json.dumps(line).encode())

    def sends(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def greets(self) -> dict[str, Any]:
        me = {"name": "test", "version": "1"}
        hello = self.asks(
            1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=me
        )
        self.tells("notifications/initialized")
        return hello

    def ends(self) -> tuple[int, str, str]:
        """Its exit code, and what else it wrote to stdout and stderr."""
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out.decode(), (err or b"").decode()


@contextmanager
def raw(user: User, *options: str, stderr: Any = subprocess.PIPE) -> Iterator[Raw]:
    server = Raw(user, *options, stderr=stderr)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


def test_stdout_carries_json_rpc_only_and_stdin_ends_it(somebody: User) -> None:
    with raw(somebody) as server:
        hello = server.greets()["result"]
        assert hello["serverInfo"]["name"] == "agentbox"
        assert "list_models" in hello["instructions"]
        server.sends(b"this is no json")
        server.sends(b'{"jsonrpc": "2.0", "id": 5}')
        called = server.asks(7, "tools/call", name="usage", arguments={"since": "someday"})
        assert called["result"]["isError"] is True
        code, out, err = server.ends()
    assert code == 0
    assert [json.loads(line)["jsonrpc"] for line in out.splitlines()] == ["2.0"] * out.count("\n")
    assert err == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_a_traceback(somebody: User, number: signal.Signals) -> None:
    with raw(somebody) as server:
        server.greets()
        server.process.send_signal(number)
        code, _, err = server.ends()
    assert code == (0 if number is signal.SIGTERM else 130)
    assert "Traceback" not in err


def test_a_drill_that_nobody_waits_for_leaves_no_process(somebody: User) -> None:
    somebody.environ["TMPDIR"] = str(somebody.home)
    with raw(somebody) as server:
        server.greets()
        server.tells("tools/call", 2, name="test_fallback", arguments={})
        eventually(lambda: len(processes_of(somebody.home)) > 1, "the drill's daemon runs")
        code, _, err = server.ends()
    assert code == 0
    assert "Traceback" not in err
    assert processes_of(somebody.home) == []
    assert list(somebody.home.glob("agentbox-drill-*")) == []


def test_it_imports_no_more_than_it_needs(somebody: User, tmp_path: Path) -> None:
    told = tmp_path / "imports"
    with told.open("w") as stderr, raw(somebody, "-X", "importtime", stderr=stderr) as server:
        server.greets()
        assert len(server.asks(2, "tools/list")["result"]["tools"]) >= 7
        server.ends()
    lines = told.read_text().splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if "|" in line}
    assert "fastmcp.server.server" in imported
    needless = {name for name in imported for each in HEAVY if re.match(rf"{each}(\.|$)", name)}
    assert needless == set()


async def test_a_proxy_that_does_not_run_is_started_when_it_is_needed(somebody: User) -> None:
    async with connected(somebody) as client:
        state = (await client.call_tool("status", {})).structured_content
        assert state["state"] == "stopped"
        told = await client.call_tool("complete", {"prompt": "hello"})
    assert told.structured_content["text"] == "[simulated/echo] you said: hello"
    # It serves others, too, and stays.
    assert somebody.reads("litellm", "status")["state"] == "running"


async def test_without_leave_to_start_it_the_next_step_is_told(somebody: User) -> None:
    async with connected(somebody, "--no-start") as client:
        said = await failure(client, "complete", prompt="hello")
    assert said == (
        "the proxy is stopped, and this server was told not to start it\n"
        "next step: run: agentbox litellm start"
    )
    assert somebody.reads("litellm", "status")["state"] == "stopped"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, ("there is no config file", "next step: run: agentbox litellm init")),
        ("litellm:\n  port: no\n", ("litellm.port", "config.yml")),
        (CONFIG.replace("litellm:", "litellm:\n  enabled: false"), ("litellm.enabled is false",)),
        ("litellm: {}\n", ("there is no alias to serve", "agentbox litellm init")),
        (CONFIG.replace("default:", "other:"), ("unknown model 'default'", "other")),
    ],
    ids=["none", "broken", "disabled", "empty", "no default"],
)
async def test_a_config_that_cannot_be_used_is_an_error_with_the_next_step(
    somebody: User, config: str | None, words: tuple[str, ...]
) -> None:
    if config is None:
        somebody.config.unlink()
    else:
        somebody.writes(config)
    async with connected(somebody) as client:
        assert (await client.call_tool("status", {})).is_error is False
        said = await failure(client, "complete", prompt="hello")
    assert [word for word in words if word not in said] == []


async def test_the_settings_of_a_strange_directory_are_not_taken(somebody: User) -> None:
    (somebody.home / ".env").write_text("FASTMCP_LOG_LEVEL=nonsense\nFASTMCP_TEST_MODE=maybe\n")
    async with connected(somebody, environ={"FASTMCP_LOG_LEVEL": "nonsense"}) as client:
        assert (await client.call_tool("status", {})).is_error is False


async def test_the_official_client_gets_along_with_it(somebody: User) -> None:
    parameters = StdioServerParameters(
        command=SERVE[0],
        args=[*SERVE[1:], "litellm", "mcp", "serve"],
        env=somebody._environment(),
        cwd=somebody.home,
    )
    async with (
        stdio_client(parameters) as (reading, writing),
        ClientSession(reading, writing) as session,
    ):
        hello = await session.initialize()
        assert hello.server_info.name == "agentbox"
        told = await session.call_tool("complete", {"prompt": "hello"})
    assert told.structured_content is not None
    assert told.structured_content["served_by"] == "simulated/echo"
