"""`run`, `env`, `connect`, `disconnect` and `agents` as their user meets them, on a real proxy."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.shipped import AGENTS
from tests.e2e.conftest import User
from tests.fakes.stub_agent import write_stub

CONFIG = """\
litellm:
  port: 0
  models:
    default: [{provider: simulated, model: echo}]
    code: [{provider: simulated, model: echo, max_input_tokens: 64000}]
    fast: [{provider: simulated, model: echo}]
"""
RUNNABLE = [name for name, agent in AGENTS.items() if agent.launch]


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user with every agent on PATH and a proxy that runs."""
    home = tmp_path_factory.mktemp("user")
    user = User(home, {"PATH": f"{home}/bin:/usr/bin:/bin", "SHELL": "/bin/bash"})
    for agent in AGENTS.values():
        write_stub(home / "bin", agent.program)
    user.writes(CONFIG)
    started = user.runs("litellm", "start")
    assert started.returncode == 0, started.stderr
    yield user
    assert user.runs("litellm", "stop", "--force").returncode == 0


def url_of(user: User) -> str:
    url: str = user.reads("litellm", "status")["url"]
    return url


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    about: dict[str, Any] = json.loads(done.stdout)
    return about


@pytest.mark.parametrize("name", RUNNABLE)
def test_an_agent_is_led_to_the_proxy_and_its_own_files_stay(somebody: User, name: str) -> None:
    before = visible_files(somebody.home)
    about = told(somebody.runs("litellm", "run", name, "--", "-p", "hi"))
    assert about["argv"][-2:] == ["-p", "hi"]
    private = somebody.state / "agents" / name
    texts = [file.read_text() for file in private.rglob("*") if file.is_file()]
    reached = " ".join([*about["argv"], *about["env"].values(), *texts])
    assert url_of(somebody) in reached
    assert visible_files(somebody.home) == before
    assert {file.stat().st_mode & 0o077 for file in private.rglob("*") if file.is_file()} <= {0}


def visible_files(home: Path) -> set[Path]:
    """What stands in a home, but for our own state and cache."""
    ours = (home / "state", home / "cache")
    return {
        file
        for file in home.rglob("*")
        if file.is_file() and not any(file.is_relative_to(place) for place in ours)
    }


def test_the_process_becomes_the_agent(somebody: User) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agentbox_cli", "litellm", "run", "claude"],
        env={**somebody._environment(), "STUB_EXIT": "7"},
        stdout=subprocess.PIPE,
        text=True,
    )
    out, _ = process.communicate(timeout=60)
    assert json.loads(out)["pid"] == process.pid
    assert process.returncode == 7


def test_a_script_without_an_interpreter_is_run_as_shells_do(somebody: User) -> None:
    directory = somebody.home / "plain"
    directory.mkdir()
    (directory / "claude").write_text('echo "I am $1, not installed properly"; exit 3\n')
    (directory / "claude").chmod(0o755)
    done = somebody.runs("litellm", "run", "claude", PATH=f"{directory}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (3, "I am --settings, not installed properly\n")


def test_claude_gets_its_models_its_window_and_no_key_of_a_provider(somebody: User) -> None:
    env = told(somebody.runs("litellm", "run", "claude", ANTHROPIC_API_KEY="sk-ant-real"))["env"]
    assert env["ANTHROPIC_BASE_URL"] == url_of(somebody)
    assert env["ANTHROPIC_AUTH_TOKEN"] == "agentbox"
    assert env["ANTHROPIC_MODEL"] == "code"
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "fast"
    assert env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "64000"
    assert "ANTHROPIC_API_KEY" not in env
    plain = told(somebody.runs("litellm", "run", "claude", "-m", "default"))["env"]
    assert plain["ANTHROPIC_MODEL"] == "default"
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in plain


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        (["claude", "-p", "hi", "-m", "opus"], ["-p", "hi", "-m", "opus"]),
        (["claude", "--", "-m", "opus"], ["-m", "opus"]),
        (["claude", "-m", "fast", "--", "--", "-x"], ["--", "-x"]),
        (["claude", "--model=fast", "--help"], ["--help"]),
        (["-m", "fast", "claude", "two words", ""], ["two words", ""]),
        (["claude"], []),
    ],
)
def test_what_stands_behind_the_name_is_the_agents(
    somebody: User, typed: list[str], passed: list[str]
) -> None:
    about = told(somebody.runs("litellm", "run", *typed))
    assert about["argv"][2:] == passed
    asked = "fast" if "fast" in " ".join(typed) else "code"
    assert about["env"]["ANTHROPIC_MODEL"] == asked


def test_this_machine_is_left_out_of_the_proxy_of_a_network(somebody: User) -> None:
    proxied = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "intranet.example"}
    env = told(somebody.runs("litellm", "run", "codex", **proxied))["env"]
    assert env["NO_PROXY"] == "intranet.example,127.0.0.1,localhost,::1"
    assert "NO_PROXY" not in told(somebody.runs("litellm", "run", "codex"))["env"]


@pytest.mark.parametrize(
    ("line", "code", "error", "hint"),
    [
        ("run claud", 2, "unknown agent 'claud'", "did you mean 'claude'? there are: claude, "),
        ("run claude -m cod", 3, "unknown alias 'cod'", "did you mean 'code'?"),
        ("run claude -m", 2, "-m needs an alias", ""),
        ("mcp connect aider", 1, "Aider has no config for MCP servers", ""),
        ("connect claude -m x", 3, "unknown alias 'x'", "there are: default, code, fast"),
        ("env claude --shell tcsh", 2, "'--shell'", ""),
    ],
)
def test_what_cannot_be_is_told_with_what_to_do(
    somebody: User, line: str, code: int, error: str, hint: str
) -> None:
    done = somebody.runs("litellm", *line.split())
    assert (done.returncode, done.stdout) == (code, "")
    assert error in done.stderr
    assert hint in done.stderr


def test_an_agent_that_is_not_there_or_too_old_is_not_run(somebody: User) -> None:
    done = somebody.runs("litellm", "run", "claude", PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert "Claude Code is not installed" in done.stderr
    assert "hint: npm install -g @anthropic-ai/claude-code" in done.stderr
    write_stub(somebody.home / "old", "claude", "1.0.3")
    done = somebody.runs("litellm", "run", "claude", PATH=f"{somebody.home}/old:/usr/bin:/bin")
    assert done.returncode == 1
    assert "Claude Code 1.0.3 is too old; agentbox needs 2.0.0 or later" in done.stderr


def test_a_shell_is_led_to_the_proxy_by_what_env_prints(somebody: User) -> None:
    printed = somebody.runs("litellm", "env", "claude").stdout
    codex = somebody.runs("litellm", "env", "codex", "--shell", "zsh").stdout
    done = subprocess.run(
        ["bash", "-c", f"{printed}\n{codex}\ncodex exec hi\nclaude"],
        env={**somebody._environment(), "ANTHROPIC_API_KEY": "sk-ant-real"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["argv"][-2:] == ["exec", "hi"]
    assert f'model_providers.agentbox.base_url="{url_of(somebody)}/v1"' in first["argv"]
    assert second["env"]["ANTHROPIC_BASE_URL"] == url_of(somebody)
    assert "ANTHROPIC_API_KEY" not in second["env"]


def test_a_config_is_connected_seen_and_taken_back(somebody: User) -> None:
    file = somebody.home / ".codex/config.toml"
    file.parent.mkdir()
    file.write_text('# mine\nmodel = "o3"\n')
    plan = somebody.runs("litellm", "connect", "codex", "--dry-run")
    assert '-model = "o3"\n+model = "code"\n' in plan.stdout
    assert file.read_text() == '# mine\nmodel = "o3"\n'
    done = somebody.runs("litellm", "connect", "codex")
    assert done.stdout == f"wrote {file}\ncodex is connected to the proxy\n"
    again = somebody.runs("litellm", "connect", "codex")
    assert again.stdout == "codex is connected to the proxy already\n"
    assert somebody.runs("litellm", "mcp", "connect", "codex").returncode == 0
    assert f'url = "{url_of(somebody)}/mcp"' in file.read_text()
    rows = {row["name"]: row for row in somebody.reads("litellm", "agents")["agents"]}
    (connected,) = rows["codex"]["connected"]
    assert connected["parts"] == ["models", "server", "tools"]
    assert connected["state"] == "connected"
    assert rows["claude"]["connected"] == []
    shown = somebody.runs("litellm", "agents").stdout
    assert "codex     99.0.0   models, server, tools" in shown
    assert somebody.runs("litellm", "mcp", "disconnect", "codex").returncode == 0
    done = somebody.runs("litellm", "disconnect", "codex")
    assert done.stdout == f"wrote {file}\ncodex is disconnected\n"
    assert file.read_text() == '# mine\nmodel = "o3"\n'
    assert somebody.runs("litellm", "disconnect", "codex").stdout == (
        "codex is disconnected already\n"
    )


def test_an_agent_gets_our_server_or_the_gateway_or_both(somebody: User) -> None:
    file = somebody.home / ".claude.json"
    theirs = '{\n  "mcpServers": {"mine": {"command": "x"}} // mine\n}\n'
    file.write_text(theirs)
    plan = somebody.runs("litellm", "mcp", "connect", "claude", "--dry-run")
    assert '"agentbox-models"' in plan.stdout
    assert file.read_text() == theirs

    def entries(*line: str) -> dict[str, Any]:
        done = somebody.runs("litellm", "mcp", *line)
        assert done.returncode == 0, done.stderr
        text = file.read_text().replace("// mine", "")
        found: dict[str, Any] = json.loads(text)["mcpServers"]
        assert found.pop("mine") == {"command": "x"}
        return found

    ours = entries("connect", "claude", "--only", "server")["agentbox-models"]
    assert ours["type"] == "stdio"
    assert ours["args"][-3:] == ["litellm", "mcp", "serve"]
    assert Path(ours["command"]).is_absolute()
    assert set(entries("connect", "claude")) == {"agentbox", "agentbox-models"}
    assert set(entries("disconnect", "claude", "--only", "server")) == {"agentbox"}
    assert set(entries("connect", "claude", "--only", "server")) == {"agentbox", "agentbox-models"}
    assert set(entries("disconnect", "claude", "--only", "gateway")) == {"agentbox-models"}
    assert entries("disconnect", "claude") == {}
    assert file.read_text() == theirs


def test_a_server_of_codex_gets_the_variables_that_the_proxy_needs(somebody: User) -> None:
    config = somebody.home / "keyed.yml"
    config.write_text(
        """litellm:
  providers:
    openai: {api_key: "${MY_KEY}"}
  models:
    default: [{provider: openai, model: gpt-4o}]
  mcp_servers:
    docs: {url: "http://127.0.0.1:9/mcp", headers: {Authorization: "Bearer ${DOCS_TOKEN}"}}
"""
    )
    named = ("--config", str(config), "litellm", "mcp")
    done = somebody.runs(*named, "connect", "codex", "--only", "server", MY_KEY="sk-1234567890")
    assert done.returncode == 0, done.stderr
    text = (somebody.home / ".codex/config.toml").read_text()
    entry = tomllib.loads(text)["mcp_servers"]["agentbox-models"]
    assert entry["args"] == ["--config", str(config), "litellm", "mcp", "serve"]
    assert {"MY_KEY", "DOCS_TOKEN", "XDG_CONFIG_HOME"} <= set(entry["env_vars"])
    assert "sk-1234567890" not in text
    assert somebody.runs(*named, "disconnect", "codex").returncode == 0


def test_where_a_key_is_wanted_an_agent_gets_our_server_alone(somebody: User) -> None:
    config = somebody.home / "by-key.yml"
    config.write_text(CONFIG.replace("  port: 0\n", "  port: 4123\n  auth: key\n"))
    named = ("--config", str(config), "litellm", "mcp")
    done = somebody.runs(*named, "connect", "claude", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "without the gateway: the gateway wants a key" in done.stderr
    assert '"agentbox-models"' in done.stdout
    assert ":4123/mcp" not in done.stdout
    refused = somebody.runs(*named, "connect", "claude", "--only", "gateway")
    assert refused.returncode == 1
    assert "the gateway wants a key" in refused.stderr


def test_a_broken_file_of_an_agent_is_told_with_its_place(somebody: User) -> None:
    file = somebody.home / ".qwen/settings.json"
    file.parent.mkdir()
    file.write_text('{\n  "a": 1\n  "b": 2\n}\n')
    done = somebody.runs("litellm", "connect", "qwen")
    assert done.returncode == 3
    assert f"{file}:3:3: a ',' or '}}' is missing here" in done.stderr
    assert file.read_text() == '{\n  "a": 1\n  "b": 2\n}\n'


def test_llm_keeps_its_own_files_behind_a_private_directory(somebody: User) -> None:
    theirs = somebody.home / "config/io.datasette.llm"
    theirs.mkdir(parents=True, exist_ok=True)
    (theirs / "logs.db").write_text("theirs")
    (theirs / "extra-openai-models.yaml").write_text("- model_id: mine\n")
    env = told(somebody.runs("litellm", "run", "llm"))["env"]
    private = Path(env["LLM_USER_PATH"])
    assert (private / "logs.db").resolve() == theirs / "logs.db"
    merged = (private / "extra-openai-models.yaml").read_text()
    assert "mine" in merged
    assert f"api_base: {url_of(somebody)}/v1" in merged
    assert (theirs / "extra-openai-models.yaml").read_text() == "- model_id: mine\n"
    # What it made there belongs to its user, and is beside the rest from then on.
    (private / "templates").mkdir()
    assert told(somebody.runs("litellm", "run", "llm"))["env"]["LLM_USER_PATH"] == str(private)
    assert (theirs / "templates").is_dir()
    assert (private / "templates").is_symlink()


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[User]:
    """A user whose proxy does not run yet."""
    user = User(tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    for name in ("claude", "opencode"):
        write_stub(tmp_path / "bin", name)
    yield user
    assert user.runs("litellm", "stop", "--force").returncode == 0


def test_the_proxy_is_started_for_an_agent(stopped: User) -> None:
    stopped.writes(CONFIG)
    printed = stopped.runs("litellm", "env", "claude")
    assert "the proxy does not run: agentbox litellm start" in printed.stderr
    env = told(stopped.runs("litellm", "run", "claude"))["env"]
    status = stopped.reads("litellm", "status")
    assert status["state"] == "running"
    assert env["ANTHROPIC_BASE_URL"] == status["url"]


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ("", "there is no config file"),
        ("litellm: {prot: 1}\n", "unknown key 'prot'"),
        (f"{CONFIG}  enabled: false\n", "litellm.enabled is false"),
        ("litellm: {models: {}}\n", "there is no alias to serve"),
    ],
)
def test_without_a_config_that_serves_no_agent_is_started(
    stopped: User, config: str, error: str
) -> None:
    if config:
        stopped.writes(config)
    done = stopped.runs("litellm", "run", "claude")
    assert (done.returncode, done.stdout) == (3, "")
    assert error in done.stderr


def test_a_wanted_key_is_in_no_argument_and_no_config_of_an_agent(stopped: User) -> None:
    stopped.writes(f"{CONFIG}  auth: key\n")
    key = stopped.runs("litellm", "key").stdout.strip()
    about = told(stopped.runs("litellm", "run", "claude"))
    assert about["env"]["ANTHROPIC_AUTH_TOKEN"] == key
    assert key not in " ".join(about["argv"])
    refused = stopped.runs("litellm", "connect", "opencode")
    assert refused.returncode == 1
    assert "the proxy wants a key" in refused.stderr
    assert "agentbox litellm run opencode" in refused.stderr
    assert stopped.runs("litellm", "connect", "claude").returncode == 0
    written = (stopped.home / ".claude/settings.json").read_text()
    assert json.loads(written)["apiKeyHelper"] == "agentbox litellm key"
    assert key not in written
    only = ("--only", "gateway")
    assert stopped.runs("litellm", "mcp", "connect", "claude", *only).returncode == 1


def test_servers_in_the_config_bring_the_gateway_with_connect(stopped: User) -> None:
    stopped.writes(f"{CONFIG}  mcp_servers: {{docs: {{url: 'http://127.0.0.1:9/mcp'}}}}\n")
    assert stopped.runs("litellm", "connect", "claude").returncode == 0
    assert "/mcp" in (stopped.home / ".claude.json").read_text()
    assert stopped.runs("litellm", "disconnect", "claude").returncode == 0
    assert not (stopped.home / ".claude.json").exists()
