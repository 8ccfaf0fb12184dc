"""A user with a proxy whose providers are simulated, and MCP clients of the real command."""

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from agentbox_cli.fallback.stage import Cast
from tests.e2e.conftest import KEYS, User, processes_of, section

MODELS = {
    "default": [
        {"provider": "openai", "model": "gpt-4o"},
        {"provider": "gwdg_saia", "model": "llama-3.3-70b"},
    ],
    "unpriced": [{"provider": "openai", "model": "made-up"}],
    "vectors": [{"provider": "openai", "model": "text-embedding-3-small"}],
    "slow": [{"provider": "openai", "model": "slow"}],
    "gone": [{"provider": "openai", "model": "gone"}],
    "dead": [{"provider": "openai", "model": "dead"}],
}
SERVE = [sys.executable, "-P", "-m", "agentbox_cli"]

# FastMCP's client; tests know of which kind its answers are, types do not.
AnyClient = Any


@pytest.fixture(scope="module")
def cast() -> Iterator[Cast]:
    providers = Cast(["anthropic", "gwdg_saia", "openai"])
    yield providers
    providers.close()


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, cast: Cast) -> Iterator[User]:
    somebody = User(tmp_path_factory.mktemp("user"), dict(KEYS))
    somebody.writes(section(cast, MODELS, engine={"mode": "off"}))
    yield somebody
    stopped = somebody.runs("litellm", "stop", "--force")
    assert stopped.returncode == 0, stopped.stderr
    assert processes_of(somebody.home) == []


@asynccontextmanager
async def connected(
    user: User,
    *arguments: str,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[AnyClient]:
    """A FastMCP client of `agentbox litellm mcp serve`, over real pipes."""
    transport = StdioTransport(
        SERVE[0],
        [*SERVE[1:], "litellm", "mcp", "serve", *arguments],
        env={**user._environment(), **(environ or {})},
        cwd=str(cwd or user.home),
        keep_alive=False,
        log_file=user.home / "mcp.log",
    )
    async with Client(transport, **settings) as client:
        yield client


async def failure(client: AnyClient, tool: str, **arguments: Any) -> str:
    """What a tool fails with."""
    called = await client.call_tool(tool, arguments, raise_on_error=False)
    assert called.is_error
    (text,) = texts(called)
    assert "Traceback" not in text
    return text


def texts(called: Any) -> list[str]:
    """An answer's blocks of text."""
    return [block.text for block in called.content]


@contextlib.contextmanager
def faulty(cast: Cast, deployment: str, *faults: Any) -> Iterator[None]:
    """Let a deployment fail meanwhile."""
    provider = cast[deployment.partition("/")[0]]
    provider.faults.put(deployment, *faults)
    try:
        yield
    finally:
        provider.faults.clear()
