"""The official inspector, from npm, as a client of our MCP server."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import npm
from tests.e2e.conftest import User, processes_of
from tests.mcp.conftest import SERVE

pytestmark = pytest.mark.clients

CONFIG = """
litellm:
  port: 0
  models:
    default:
      - {provider: simulated, model: rate-limited}
      - {provider: simulated, model: echo}
"""


@pytest.fixture
def somebody(tmp_path: Path) -> Iterator[User]:
    one = User(tmp_path / "somebody")
    one.home.mkdir()
    one.writes(CONFIG)
    yield one
    one.runs("litellm", "stop", "--force")
    assert processes_of(one.home) == []


def test_the_inspector_lists_and_calls_our_tools(somebody: User) -> None:
    inspector = npm.program(npm.INSPECTOR, "mcp-inspector")
    environ = somebody._environment()
    # It passes little of its environment on.
    homes = [f"{name}={value}" for name, value in environ.items() if name.startswith("XDG_")]
    passed = [part for home in homes for part in ("-e", home)]

    def inspected(*arguments: str) -> dict[str, object]:
        done = subprocess.run(
            [
                inspector,
                "--cli",
                *passed,
                *SERVE,
                "litellm",
                "mcp",
                "serve",
                "--method",
                *arguments,
            ],
            env={**environ, "PATH": npm.path_with(inspector)},
            cwd=somebody.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        told: dict[str, object] = json.loads(done.stdout)
        return told

    listed = inspected("tools/list")["tools"]
    assert isinstance(listed, list)
    assert {"complete", "analyze"} <= {tool["name"] for tool in listed}
    call = ("--tool-name", "complete", "--tool-arg", "prompt=hello")
    answer = inspected("tools/call", *call)["structuredContent"]
    assert isinstance(answer, dict)
    assert answer["text"] == "[simulated/echo] you said: hello"
    assert answer["attempts"] == ["simulated/rate-limited=rate_limit"]
