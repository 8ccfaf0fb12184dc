"""Claude Code and Codex, configured by `mcp connect` alone, call tools of ours and of the gateway.

Nothing is started for them beforehand but the proxy: the gateway's server may be late.
"""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agentbox_cli.daemon import instance
from agentbox_cli.paths import standard_paths
from tests.clients import npm
from tests.clients.test_gateway import run
from tests.fakes.commandline import Agentbox
from tests.fakes.mcp_gateway import script
from tests.fakes.tool_users import TOLD, tool_user

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

CASES = {
    "complete": ({"prompt": "are you there?"}, "[simulated/echo] you said: are you there?"),
    "list_models": ({}, "rate-limited"),
    "quick_check": ({"subject": "plus.py", "question": "what is it?"}, "files_read"),
    "docs-echo": ({"text": "hello gateway"}, "hello gateway"),
}


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[str]:
    async with tool_user() as base:
        yield base


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small repository."""
    place = tmp_path / "repository"
    place.mkdir()
    (place / "plus.py").write_text("def plus(a, b):\n    return a - b\n")
    for line in (("init", "-q"), ("add", ".")):
        subprocess.run(["git", *line], cwd=place, check=True)
    return place


@pytest.fixture
def url(
    agentbox: Agentbox, home: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A daemon that was started a moment ago; only the agents' own alias calls tools."""
    monkeypatch.setenv("DUMMY", "dummy-key")
    section: Mapping[str, Any] = {
        "engine": {"mode": "off"},
        "providers": {
            "anthropic": {"api_base": provider, "api_key": "${DUMMY}"},
            "openai": {"api_base": f"{provider}/openai/v1", "api_key": "${DUMMY}"},
        },
        "models": {
            "default": [
                {"provider": "simulated", "model": "rate-limited"},
                {"provider": "simulated", "model": "echo"},
            ],
            "fast": [{"provider": "simulated", "model": "echo"}],
            "claude": [{"provider": "anthropic", "model": "claude-sonnet-4-5"}],
            "codex": [{"provider": "openai", "model": "gpt-4o"}],
        },
        "mcp_servers": {"docs": script()},
    }
    file = home / "config/agentbox/config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"litellm": section}))
    started = agentbox("litellm", "start", "--port", "0")
    assert started.exit_code == 0, started.err
    found = instance.read(standard_paths().state_file)
    assert found
    yield found.url
    assert agentbox("litellm", "stop").exit_code == 0


@pytest.mark.parametrize("tool", CASES)
async def test_claude_code_calls_our_tools(
    agentbox: Agentbox, url: str, project: Path, tool: str
) -> None:
    claude = npm.program(npm.CLAUDE, "claude")
    assert agentbox("litellm", "mcp", "connect", "claude").exit_code == 0
    given, expected = CASES[tool]
    server = "agentbox" if tool == "docs-echo" else "agentbox-models"
    told = await run(
        *(claude, "-p", f"call the tool {tool} with {json.dumps(given)}"),
        *("--allowedTools", f"mcp__{server}__{tool}"),
        directory=project,
        ANTHROPIC_BASE_URL=url,
        ANTHROPIC_AUTH_TOKEN="not-needed",
        ANTHROPIC_MODEL="claude",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        DISABLE_TELEMETRY="1",
        DISABLE_AUTOUPDATER="1",
        ENABLE_TOOL_SEARCH="false",
        IS_SANDBOX="1",
    )
    assert TOLD in told
    assert expected in told, told
    assert agentbox("litellm", "mcp", "disconnect", "claude").exit_code == 0


@pytest.mark.parametrize("tool", CASES)
async def test_codex_calls_our_tools(
    agentbox: Agentbox, url: str, project: Path, tool: str
) -> None:
    codex = npm.program(npm.CODEX, "codex")
    assert agentbox("litellm", "mcp", "connect", "codex").exit_code == 0
    given, expected = CASES[tool]
    provider = f'{{name = "a", base_url = "{url}/v1", wire_api = "responses"}}'
    told = await run(
        *(codex, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
        *("-c", f"model_providers.here={provider}", "-c", "model_provider=here"),
        *("-c", "model=codex", f"call the tool {tool} with {json.dumps(given)}"),
        directory=project,
    )
    assert TOLD in told, told
    assert expected in told, told
