"""The example config, exactly as a user has it, from check to stop."""

import http.client
import json
import socket
from pathlib import Path

import pytest

from tests.e2e.conftest import KEYS, SEED, User, processes_of

pytestmark = pytest.mark.e2e

CHAINS = {
    "default": ["openai/gpt-4o", "gwdg_saia/llama-3.3-70b"],
    "fast": ["openai/gpt-4o-mini", "gwdg_saia/llama-3.3-70b"],
    "code": ["openai/gpt-4o", "gwdg_saia/codestral-22b"],
    "reasoning": ["gwdg_saia/deepseek-r1", "openai/o1"],
}


@pytest.fixture(scope="module", autouse=True)
def seed(user: User) -> None:
    user.writes(SEED.read_text(encoding="utf-8"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_config_is_fine_but_for_a_provider_that_no_chain_uses(user: User) -> None:
    done = user.runs("config", "check")
    assert done.returncode == 0, done.stdout
    told, *_, summary = done.stdout.splitlines()
    assert told.startswith("config.yml:15:5: warning: litellm.providers.anthropic: ")
    assert summary == f"{user.config}: 0 errors, 1 warning"


def test_the_aliases_have_the_chains_as_written(user: User) -> None:
    rows = user.reads("litellm", "models")["aliases"]
    chains = {
        row["alias"]: [f"{link['provider']}/{link['model']}" for link in row["links"]]
        for row in rows
        if row["source"] == "config"
    }
    assert chains == CHAINS


def test_every_chain_is_proven_and_the_counts_are_the_evidence(user: User) -> None:
    report = user.reads("litellm", "test-fallback")
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]
    checks = report["checks"]
    assert {check["alias"] for check in checks} == set(CHAINS)
    assert {(check["endpoint"], check["stream"]) for check in checks} == {
        (endpoint, stream)
        for endpoint in ("chat", "messages", "responses", "generate")
        for stream in (False, True)
    }
    usual = {"rate-limit", "context-window", "server-error", "timeout", "refused", "auth"}
    on = [check for check in checks if check["scenario"] in usual]
    off = [check for check in checks if check["toggles"]["off"]]
    assert len(on) == 4 * 6 * 8
    assert len(off) == 4 * 4
    for check in on:
        first, second = CHAINS[check["alias"]]
        calls = {"server-error": 2, "refused": 0}.get(check["scenario"], 1)
        assert check["upstream_calls"] == {first: calls, second: 1}, check
        assert check["served_by"] == second
    for check in off:
        assert check["served_by"] is None
        assert check["status"] in {429, 400, 500}
        assert check["upstream_calls"][CHAINS[check["alias"]][1]] == 0
    assert report["elapsed_s"] < 90  # a hang, not a speed, is what this would tell


def test_a_drill_leaves_nothing_behind(user: User) -> None:
    assert processes_of(user.home) == []
    assert not user.state.exists() or not (user.state / "litellm.state.json").exists()


def test_start_status_stop(user: User) -> None:
    port = free_port()
    started = user.runs("litellm", "start", "--port", str(port))
    assert started.returncode == 0, started.stderr
    assert f"http://127.0.0.1:{port}" in started.stdout
    status = user.reads("litellm", "status")
    assert status["schema"] == "agentbox.status/1"
    assert (status["state"], status["ready"], status["port"]) == ("running", True, port)
    assert status["auth"] == "same-user"
    assert status["config_file"] == str(user.config)
    assert {row["alias"] for row in status["aliases"]} >= set(CHAINS)
    link = status["aliases"][0]["links"][0]
    assert link["lanes"] == {
        "chat": "direct",
        "messages": "litellm",
        "responses": "direct",
        "embeddings": "none",
        "generate": "direct",
    }
    again = user.runs("litellm", "start", "--port", str(port))
    assert again.returncode == 0
    assert "already runs" in again.stdout
    other = user.runs("litellm", "start", "--port", str(free_port()))
    assert other.returncode == 5
    assert f"already runs on port {port}" in other.stderr
    stopped = user.runs("litellm", "stop")
    assert stopped.returncode == 0
    assert processes_of(user.home) == []
    assert user.runs("litellm", "status").returncode == 1
    assert user.runs("litellm", "stop").returncode == 0


def test_no_key_is_in_any_file_or_process_list_or_log(user: User) -> None:
    port = free_port()
    assert user.runs("litellm", "start", "--port", str(port), "--wait", "engine").returncode == 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/agentbox/status")
    said = connection.getresponse().read().decode()
    connection.close()
    pids = processes_of(user.home)
    assert len(pids) == 2  # the daemon, and LiteLLM behind it
    command_lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids]
    engine = next(pid for pid, line in zip(pids, command_lines, strict=True) if "litellm" in line)
    engine_environment = Path(f"/proc/{engine}/environ").read_bytes().decode()
    written = [
        path.read_bytes().decode("utf-8", "replace")
        for path in user.state.rglob("*")
        if path.is_file()
    ]
    assert user.runs("litellm", "stop").returncode == 0
    for key in KEYS.values():
        for text in (said, engine_environment, *command_lines, *written):
            assert key not in text


def test_state_files_are_private(user: User) -> None:
    for path in user.state.rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_missing_key_is_a_warning_and_start_goes_on(user: User) -> None:
    done = user.runs("config", "check", OPENAI_API_KEY="")
    assert done.returncode == 0
    assert "OPENAI_API_KEY is" in done.stdout
    started = user.runs("litellm", "start", "--port", str(free_port()), OPENAI_API_KEY="")
    assert started.returncode == 0, started.stderr
    assert "warning: OPENAI_API_KEY is" in started.stderr
    states = {
        (row["alias"], link["link"]): link["state"]
        for row in user.reads("litellm", "status")["aliases"]
        for link in row["links"]
    }
    assert user.runs("litellm", "stop").returncode == 0
    assert states["default", 1] == "key-missing"
    assert states["default", 2] == "ok"


def test_with_no_key_at_all_the_check_fails_and_start_refuses(user: User) -> None:
    none = dict.fromkeys(KEYS, "")
    done = user.runs("config", "check", "--json", **none)
    assert done.returncode == 3
    problems = json.loads(done.stdout)["problems"]
    errors = [problem for problem in problems if problem["severity"] == "error"]
    assert {problem["path"] for problem in errors} == {f"litellm.models.{a}" for a in CHAINS}
    refused = user.runs("litellm", "start", "--port", "0", **none)
    assert refused.returncode == 3
    assert "no alias has a usable link" in refused.stderr
    assert processes_of(user.home) == []


def test_the_file_is_untouched(user: User) -> None:
    assert user.config.read_bytes() == SEED.read_bytes()
    assert [path.name for path in user.config.parent.iterdir()] == ["config.yml"]
