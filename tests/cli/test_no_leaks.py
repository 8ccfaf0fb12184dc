"""No key reaches an output, a log or a file of ours, whatever a command does or fails at."""

import os
import shlex
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer

from agentbox_cli.cli.app import root
from agentbox_cli.cli.lazy import LazyGroup
from tests.fakes.commandline import Agentbox

# None has a shape that anybody would know a key by.
IN_ENVIRONMENT = "0a1b2c3d4e5f60718293a4b5"
IN_ENV_FILE = "b5a493827160f5e4d3c2b1a0"
IN_KEY_FILE = "1f2e3d4c5b6a798877665544"
IN_CONFIG = "445566778879a6b5c4d3e2f1"
TYPED = "9c8b7a6f5e4d3c2b1a0f9e8d"
KEYS = (IN_ENVIRONMENT, IN_ENV_FILE, IN_KEY_FILE, IN_CONFIG, TYPED)

# Nothing listens on the address.
CONFIG = f"""\
# once {IN_CONFIG}
web_server:
  password: {IN_CONFIG}
litellm:
  # or {IN_CONFIG}
  enabled: true
  providers:  # {IN_CONFIG}
    openai:
      api_base: http://127.0.0.1:9/v1
      api_key: ${{OPENAI_API_KEY}}
      headers:
        x-token: {IN_CONFIG}  # not {IN_CONFIG}
    gwdg_saia:
      api_base: http://127.0.0.1:9/v1
      api_key: ${{GWDG_API_KEY}}
    anthropic:
      api_base: http://127.0.0.1:9
    lab:
      api_base: http://me:{IN_CONFIG}@127.0.0.1:9/v1
      api_key: {IN_CONFIG}
    spare:
      api_base: http://127.0.0.1:9/v1
      api_key: ${{SPARE_KEY:-{IN_CONFIG}}}
  mcp_servers:
    tools:
      command: tools
      env:
        LOG: {IN_CONFIG}
        API_KEY: {IN_CONFIG}
    hosted:
      url: http://127.0.0.1:9/mcp
      headers:
        x-token: {IN_CONFIG}
  models:
    default:
      - provider: simulated
        model: echo
    all:
      - provider: openai
        model: gpt-4o
      - provider: gwdg_saia
        model: qwen3-32b
      - provider: anthropic
        model: claude-sonnet-4-5
      - provider: lab
        model: llama
"""

# Every command, as it may be run; `start` and what needs a running proxy stand apart.
LINES = """
completions bash
config check
litellm bridge --socket /nowhere/at/all/s
litellm bridge --if-exists
config check --json
config check --sarif
config diff
config diff --json
config edit
config edit --json
config edit --dry-run
config get litellm
config get web_server
config get web_server.password --json
config get litellm.providers.lab.api_base
config get litellm.providers
config get litellm.providers.lab.api_key
config get litellm.providers.openai.headers
config get litellm --json
config get nothing
config path
config path --json
config schema
config schema --write
config set litellm.enabled false --dry-run
config set litellm.enabled false --dry-run --json
config set litellm.providers.lab.api_key ${LAB} --dry-run
config set litellm.providers.openai.headers {} --json
config set litellm.port 4001
config set litellm.port 4001 --dry-run
config set litellm.providers.lab.api_base https://llm.example.org/v1 --dry-run
config set litellm.providers.lab.timeout 3
config show
config show --json
config undo
config undo --dry-run
config undo --json
config unset litellm --dry-run
config unset litellm.providers.lab --dry-run
config unset litellm.providers.lab.api_key --dry-run --json
litellm agents
litellm agents --json
litellm run gemini
litellm env claude
litellm env opencode --json
litellm connect opencode --dry-run
litellm connect codex --json
litellm disconnect codex
litellm mcp connect gemini --dry-run --json
litellm mcp disconnect gemini
litellm ask hello
litellm chaos --scenario all-down
litellm explain req_1
litellm export dockerfile
litellm export container-init
litellm export systemd
litellm export launchd
litellm health --port 9
litellm health --if-enabled --json --port 9
litellm import FILE
litellm import FILE --dry-run
litellm mcp list
litellm mcp list --json
litellm mcp add new --url http://127.0.0.1:9/mcp --header x-key={IN_ENVIRONMENT}
litellm mcp remove tools --dry-run
litellm mcp test tools
litellm mcp test hosted --json
litellm mcp call tools x --json {"a":1}
litellm mcp accept tools --dry-run
litellm mcp import mcp.json
litellm mcp import mcp.json --dry-run --json
litellm mcp remove hosted --json
litellm import FILE --dry-run --json
litellm import FILE --yes
litellm import config.json --dry-run --json
litellm init --yes
litellm init --yes --dry-run
litellm key
litellm key add alice
litellm key list
litellm key remove alice --json
litellm logs
litellm models
litellm models --json
litellm models add new lab/llama --dry-run
litellm models move all 1 2 --dry-run
litellm models remove all --dry-run
litellm models rename all every --dry-run
litellm providers
litellm providers --json
litellm providers add mine --api-base https://llm.example.org/v1 --dry-run
litellm providers login openai --stdin --dry-run
litellm providers login openai --stdin
litellm providers logout gwdg_saia --dry-run
litellm providers logout gwdg_saia
litellm providers remove lab --dry-run
litellm providers remove lab --dry-run --json
litellm mcp serve --no-start
litellm limits
litellm limits reset --all --dry-run
litellm render
litellm render --json
litellm render --standalone
litellm render --standalone --json
litellm restart
litellm status
litellm prices
litellm prices --json
litellm prices lab/llama
litellm prices show openai/gpt-4o --json
litellm prices set lab/llama --input 1 --output 2 --dry-run
litellm prices set lab/llama --input 1 --output 2
litellm stop
litellm test-fallback --list --json
litellm test-fallback --live
litellm top
litellm usage
litellm usage errors --json
litellm usage export --format csv
litellm usage prune --before today --dry-run
litellm usage reprice --dry-run
litellm usage vacuum
plugins list
""".strip().splitlines()
STARTED = (
    "litellm start --port 0",
    "litellm status",
    "litellm status --json",
    "litellm ask hello",
    "litellm ask hello --model all",
    "litellm explain --failed",
    "litellm top",
    "litellm top --json",
    "litellm limits",
    "litellm limits reset openai",
    "litellm explain req_ --json",
    "litellm test-fallback default",
    "litellm usage",
    "litellm usage --by model --json",
    "litellm usage --plot",
    "litellm usage errors",
    "litellm usage export",
    "litellm usage reprice",
    "litellm logs",
    "litellm restart",
    "litellm stop",
)

# What people get wrong, with a key where none belongs.
MISPLACED = {
    "as port": f"litellm:\n  port: {IN_CONFIG}\n",
    "as address": f"litellm:\n  providers:\n    openai:\n      api_base: {IN_CONFIG}\n",
    "as provider": f"litellm:\n  providers:\n    openai: {IN_CONFIG}\n",
    "as list": f"litellm:\n  providers:\n    openai:\n      api_key: [{IN_CONFIG}]\n",
    "as section": f"litellm:\n  providers:\n    openai:\n      api_key:\n        {IN_CONFIG}: 1\n",
    "half a reference": f"litellm:\n  providers:\n    openai:\n      api_key: ${{{IN_CONFIG}\n",
    "as choice": f"litellm:\n  auth: {IN_CONFIG}\n",
    "as a number": f"litellm:\n  router: {{timeout: {IN_CONFIG}}}\n",
    "as protocol": f"litellm:\n  providers:\n    a: {{protocol: {IN_CONFIG}}}\n",
    "as provider's name": f"litellm:\n  providers:\n    {IN_CONFIG}: {{}}\n",
    "as a link": f"litellm:\n  models:\n    a: [{IN_CONFIG}]\n",
    "as a link's provider": f"litellm:\n  models:\n    a: [{{provider: {IN_CONFIG}, model: b}}]\n",
    "as unknown key": f"litellm:\n  router:\n    {IN_CONFIG}: 1\n",
    "as header's name": f"litellm:\n  providers:\n    a:\n      headers: {{'{IN_CONFIG} x': 1}}\n",
    "as target of a pattern": f"litellm:\n  model_patterns:\n    x: {IN_CONFIG}\n",
    "as host": f"litellm:\n  allowed_hosts: ['{IN_CONFIG} ']\n  auth: none\n",
    "as top level": f"{IN_CONFIG}\n",
    "as top section": f"{IN_CONFIG}:\n  a: 1\n",
    "as tag": f"litellm:\n  bind: !{IN_CONFIG} x\n",
    "as alias": f"litellm:\n  bind: *{IN_CONFIG}\n",
    "behind a reference": f"litellm:\n  providers:\n    a: {{api_key: '${{A}}{IN_CONFIG}${{'}}\n",
    "default": f"litellm:\n  providers:\n    openai:\n      api_key: ${{A:-{IN_CONFIG}}}\n",
    "without a blank": f"litellm:\n  providers:\n    openai:\n      api_key:{IN_CONFIG}\n",
    "open quote": f'litellm:\n  providers:\n    openai:\n      api_key: "{IN_CONFIG}\n',
    "after a tab": f"litellm:\n  providers:\n    openai:\n\tapi_key: {IN_CONFIG}\n",
    "two lines": (
        f"litellm:\n  providers:\n    a:\n      api_key: |\n        {IN_CONFIG}\n        x\n"
    ),
    "key twice": (
        f"litellm:\n  providers:\n    a:\n      api_key: {IN_CONFIG}\n      api_key: {IN_CONFIG}\n"
    ),
    "in an address of a database": (
        f"litellm:\n  usage: {{database: 'postgres://me:{IN_CONFIG}@127.0.0.1:9/x'}}\n"
        "  models:\n    default: [{provider: simulated, model: echo}]\n"
    ),
    "in the options of a database": (
        f"litellm:\n  usage:\n    database: postgresql://127.0.0.1:9/x?password={IN_CONFIG}\n"
        "  models:\n    default: [{provider: simulated, model: echo}]\n"
    ),
    "as a database": f"litellm:\n  usage: {{database: {IN_CONFIG}}}\n",
    "in the wrong place": f"litellm:\n  api_key: {IN_CONFIG}\n",
    "control character": f"litellm:\n  providers:\n    a:\n      api_key: {IN_CONFIG}\x07\n",
}
READERS = (
    "config check",
    "config check --json",
    "config check --sarif",
    "config show",
    "config set litellm.port 4001 --dry-run",
    "litellm models",
    "litellm providers --json",
    "config get litellm",
    "config unset litellm.router --dry-run",
    "config edit --json",
    "config diff",
    "config undo --dry-run",
    "litellm models add new simulated/echo --dry-run --json",
    "litellm import FILE --dry-run",
    "litellm status",
    "config get litellm.usage",
    "config get litellm.usage.database --json",
    "litellm start --port 0",
    "litellm ask hello",
    "litellm usage",
    "litellm usage vacuum --json",
    "litellm status --json",
    "litellm logs",
    "litellm stop",
    "litellm test-fallback",
)


@pytest.fixture
def keyed(
    config_yml: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, agentbox: Agentbox
) -> Path:
    """A config with a key in every place that a key may come from."""
    config_yml.write_text(CONFIG)
    env = config_yml.parent / ".env"
    env.touch(mode=0o600)
    env.write_text(f"GWDG_API_KEY={IN_ENV_FILE}\n")
    file = tmp_path / "anthropic.key"
    file.write_text(f"{IN_KEY_FILE}\n")
    monkeypatch.setenv("OPENAI_API_KEY", IN_ENVIRONMENT)
    monkeypatch.setenv("ANTHROPIC_API_KEY_FILE", str(file))
    monkeypatch.setenv("EDITOR", "true")
    Path("FILE").write_text(
        "model_list:\n  - model_name: a\n    litellm_params:\n"
        f"      model: openai/gpt-4o\n      api_key: {IN_CONFIG}\n"
    )
    Path("mcp.json").write_text(
        '{"mcpServers": {"a": {"command": "x", "env": {"TOKEN": "%s"}}, "b": {"url":'
        ' "http://h/mcp", "headers": {"Authorization": "Bearer %s"}, "%s": 1}}}'
        % ((IN_CONFIG,) * 3)
    )
    Path("config.json").write_text(
        '{"Providers": [{"name": "x", "api_base_url": "https://llm.example.org/v1/chat/completions",'
        f' "api_key": "{IN_CONFIG}", "models": ["m"]}}], "APIKEY": "{IN_CONFIG}",'
        ' "Router": {"default": "x,m"}}'
    )
    return config_yml


@pytest.fixture(autouse=True)
def stopped(agentbox: Agentbox) -> Iterator[None]:
    """No proxy outlives the test that may have started it."""
    yield
    assert agentbox("litellm", "stop", "--force").exit_code == 0


def check(agentbox: Agentbox, home: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(f"{TYPED}\n"))
    result = agentbox(*shlex.split(line))
    told = {"stdout": result.out, "stderr": result.err, **dict(written(home))}
    for key in KEYS:
        found = [place for place, text in told.items() if key in text]
        assert found == [], (line, key)


def written(home: Path) -> Iterator[tuple[str, str]]:
    """Every file below the home but those that are there to hold what the user wrote."""
    for file in home.rglob("*"):
        is_users = file.name in (".env", "config.yml") or "backups" in file.parts
        if file.is_file() and not is_users:
            yield str(file), file.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("line", LINES)
def test_a_command_tells_no_key(
    agentbox: Agentbox, home: Path, keyed: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(agentbox, home, line, monkeypatch)


def test_a_running_proxy_tells_no_key(
    agentbox: Agentbox, home: Path, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELLM_LOG_LEVEL", "DEBUG")
    try:
        for line in STARTED:
            check(agentbox, home, line, monkeypatch)
    finally:
        agentbox("litellm", "stop")


@pytest.mark.parametrize("name", MISPLACED)
def test_a_key_in_the_wrong_place_is_not_repeated(
    agentbox: Agentbox, home: Path, keyed: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed.write_text(MISPLACED[name])
    for line in READERS:
        check(agentbox, home, line, monkeypatch)


@pytest.mark.parametrize(
    "line",
    [
        f"config set litellm.providers.lab.api_key {IN_ENVIRONMENT}",
        f"config set litellm.providers.lab.api_key {TYPED}",
        f"config set litellm.providers.lab.api_key '${{A:-{TYPED}}}'",
        f"config set litellm.port {TYPED}",
        f"config set litellm.auth {TYPED}",
        f"config set litellm.models '[{TYPED}]'",
        f"config set litellm.{TYPED} 1",
        f"config get litellm.{TYPED}",
        f"litellm providers add mine --key-env {TYPED}",
        f"litellm start --port {IN_ENVIRONMENT}",
        f"litellm {IN_ENVIRONMENT}",
        f"--config {IN_ENVIRONMENT} config check",
        f"litellm providers login {IN_ENVIRONMENT}",
    ],
)
def test_a_key_on_the_command_line_is_not_repeated(
    agentbox: Agentbox, home: Path, keyed: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(agentbox, home, line, monkeypatch)


def test_a_fault_of_ours_tells_no_key(
    agentbox: Agentbox, home: Path, keyed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"with {os.environ['OPENAI_API_KEY']}")

    monkeypatch.setattr("agentbox_cli.providers.load.find_problems", fail)
    check(agentbox, home, "config check", monkeypatch)
    assert "RuntimeError: with [redacted]" in (home / "state/agentbox/bug.log").read_text()


def test_every_command_is_here() -> None:
    named = " \n".join((*LINES, *STARTED)) + " "
    assert [
        path for path in leaves(typer.main.get_command(root())) if f"{path} " not in named
    ] == []


def leaves(group: Any, path: str = "") -> Iterator[str]:
    for name in group.table:
        found = group.load(name)
        if isinstance(found, LazyGroup):
            yield from leaves(found, f"{path}{name} ")
        else:
            yield f"{path}{name}"
