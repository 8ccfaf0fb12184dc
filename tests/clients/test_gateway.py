"""The gateway with the servers and clients that people have: from npm, in a real daemon."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastmcp import Client

from agentbox_cli.daemon import instance
from agentbox_cli.paths import standard_paths
from tests.clients import npm
from tests.fakes import mcp_conformance
from tests.fakes.commandline import Agentbox
from tests.fakes.mcp_gateway import text_of, write_config
from tests.fakes.tool_users import TOLD, tool_user

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]

# All of the suite's scenarios for servers, but for these.
UNFIT = {
    "dns-rebinding-protection": "every Origin is refused, also of this machine",
    "elicitation-sep1034-defaults": "a shared session cannot ask a client back",
    "elicitation-sep1330-enums": "as above",
    "logging-set-level": "log messages of a shared session are nobody's",
    "server-sse-polling": "no stream is closed to have clients come back for the rest",
    "tools-call-elicitation": "a shared session cannot ask a client back",
    "tools-call-sampling": "as above",
    "tools-call-with-logging": "log messages of a shared session are nobody's",
}
AT_ONCE = 4


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    place = tmp_path / "docs"
    place.mkdir()
    (place / "a.md").write_text("hello from a file")
    return place


@pytest.fixture
def servers(docs: Path) -> Mapping[str, Any]:
    """Three servers from npm."""
    env = {"PATH": npm.path_with()}
    return {
        "files": {
            "command": npm.program(npm.FILESYSTEM, "mcp-server-filesystem"),
            "args": [str(docs)],
            "env": env,
            "deny": ["write_*", "edit_*", "move_*"],
        },
        "memory": {
            "command": npm.program(npm.MEMORY, "mcp-server-memory"),
            "env": env | {"MEMORY_FILE_PATH": str(docs / "memory.json")},
        },
        "every": {"command": npm.program(npm.EVERYTHING, "mcp-server-everything"), "env": env},
    }


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[str]:
    async with tool_user() as base:
        yield base


@pytest.fixture
def url(
    agentbox: Agentbox,
    home: Path,
    provider: str,
    servers: Mapping[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A daemon with these servers and a provider that calls tools."""
    monkeypatch.setenv("DUMMY", "dummy-key")
    section = {
        "engine": {"mode": "off"},
        "providers": {
            "anthropic": {"api_base": provider, "api_key": "${DUMMY}"},
            "openai": {"api_base": f"{provider}/openai/v1", "api_key": "${DUMMY}"},
        },
        "models": {
            "default": [{"provider": "anthropic", "model": "claude-sonnet-4-5"}],
            "code": [{"provider": "openai", "model": "gpt-4o"}],
        },
        "model_patterns": {"claude-*": "default", "gpt-*": "code"},
        "mcp_servers": servers,
    }
    file = home / "config/agentbox/config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"litellm": section}))
    started = agentbox("litellm", "start", "--port", "0")
    assert started.exit_code == 0, started.err
    found = instance.read(standard_paths().state_file)
    assert found
    listed = agentbox("litellm", "mcp", "list", "--json").document["servers"]
    assert [row["reason"] for row in listed] == [None, None, None]
    yield found.url
    assert agentbox("litellm", "stop").exit_code == 0


async def run(*command: str, directory: Path, may_fail: bool = False, **variables: str) -> str:
    """What a program prints; it must end well, unless it may fail."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env={**os.environ, "PATH": npm.path_with(command[0]), **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(120):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = told.decode()
    assert may_fail or process.returncode == 0, text[-3_000:]
    return text


async def test_servers_from_npm_work_side_by_side(url: str, docs: Path) -> None:
    path = {"path": str(docs / "a.md")}
    async with Client(f"{url}/mcp") as one, Client(f"{url}/mcp") as other:
        names = {tool.name for tool in await one.list_tools()}
        assert "files-read_text_file" in names
        assert "files-write_file" not in names
        assert "hello from a file" in text_of(await one.call_tool("files-read_text_file", path))
        entity = {"name": "Ada", "entityType": "person", "observations": ["wrote notes"]}
        await one.call_tool("memory-create_entities", {"entities": [entity]})
        # The same server, so the same memory.
        found = text_of(await other.call_tool("memory-search_nodes", {"query": "Ada"}))
        assert "wrote notes" in found
        assert text_of(await one.call_tool("every-echo", {"message": "hi"})) == "Echo: hi"
        assert [prompt.name for prompt in await one.list_prompts()]
        resources = await one.list_resources()
        assert (await one.read_resource(resources[0].uri))[0]


async def test_the_inspector_lists_and_calls(url: str, tmp_path: Path) -> None:
    inspector = npm.program(npm.INSPECTOR, "mcp-inspector")
    base = (inspector, "--cli", f"{url}/mcp", "--transport", "http", "--method")
    listed = json.loads(await run(*base, "tools/list", directory=tmp_path))
    assert "every-echo" in [tool["name"] for tool in listed["tools"]]
    call = ("tools/call", "--tool-name", "every-echo", "--tool-arg", "message=hi")
    assert json.loads(await run(*base, *call, directory=tmp_path)) == {
        "content": [{"type": "text", "text": "Echo: hi"}]
    }


@pytest.fixture
def suite_url(agentbox: Agentbox, home: Path) -> Iterator[str]:
    """A daemon with the suite's own server behind the gateway."""
    server = {"command": sys.executable, "args": [mcp_conformance.__file__]}
    write_config(home / "config/agentbox/config.yml", {"suite": server})
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    found = instance.read(standard_paths().state_file)
    assert found
    yield f"{found.url}/mcp/suite"
    assert agentbox("litellm", "stop").exit_code == 0


async def test_the_conformance_suite_is_content(suite_url: str, tmp_path: Path) -> None:
    suite = npm.program(npm.CONFORMANCE, "conformance")
    listed = (await run(suite, "list", directory=tmp_path)).partition("Client scenarios")[0]
    scenarios = set(re.findall(r"^ +- (\S+)$", listed, re.MULTILINE))
    assert set(UNFIT) < scenarios
    turns = asyncio.Semaphore(AT_ONCE)

    async def fails(scenario: str) -> str | None:
        async with turns:
            at = ("server", "--url", suite_url, "--scenario", scenario)
            told = await run(suite, *at, directory=tmp_path, may_fail=True)
        held = re.search(r"Passed: [1-9]\d*/\d+, 0 failed, 0 warnings", told)
        return None if held else f"{scenario}: {told[-400:]}"

    found = await asyncio.gather(*map(fails, sorted(scenarios - set(UNFIT))))
    assert len(found) >= 24
    assert [each for each in found if each] == []


async def test_claude_code_calls_a_tool_of_the_gateway(
    agentbox: Agentbox, url: str, tmp_path: Path
) -> None:
    claude = npm.program(npm.CLAUDE, "claude")
    assert agentbox("litellm", "mcp", "connect", "claude").exit_code == 0
    told = await run(
        *(claude, "-p", "please call the tool", "--allowedTools", "mcp__agentbox__every-echo"),
        directory=tmp_path,
        ANTHROPIC_BASE_URL=url,
        ANTHROPIC_AUTH_TOKEN="not-needed",
        ANTHROPIC_MODEL="default",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        DISABLE_TELEMETRY="1",
        DISABLE_AUTOUPDATER="1",
        ENABLE_TOOL_SEARCH="false",
        IS_SANDBOX="1",
    )
    assert TOLD in told
    assert "Echo: hello" in told


async def test_codex_calls_a_tool_of_the_gateway(
    agentbox: Agentbox, url: str, home: Path, tmp_path: Path
) -> None:
    codex = npm.program(npm.CODEX, "codex")
    assert agentbox("litellm", "mcp", "connect", "codex").exit_code == 0
    provider = f'{{name = "a", base_url = "{url}/v1", wire_api = "responses"}}'
    told = await run(
        *(codex, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
        *("-c", f"model_providers.here={provider}", "-c", "model_provider=here"),
        *("-c", "model=code", "please call the tool"),
        directory=tmp_path,
    )
    assert "Echo: hello" in told
