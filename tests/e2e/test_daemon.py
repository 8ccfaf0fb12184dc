"""The daemon's life as a user drives it, with chains that need no LiteLLM."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.conftest import User, processes_of

pytestmark = pytest.mark.e2e

CONFIG = """
litellm:
  port: 0
  models:
    default:
      - {provider: simulated, model: rate-limited}
      - {provider: simulated, model: echo}
    dead:
      - {provider: simulated, model: rate-limited}
"""


@pytest.fixture
def somebody(tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path / "somebody")
    user.home.mkdir()
    user.writes(CONFIG)
    yield user
    user.runs("litellm", "stop", "--force")
    assert processes_of(user.home) == []


def address_of(user: User) -> tuple[str, int]:
    status = user.reads("litellm", "status")
    return "127.0.0.1", int(status["port"])


def test_ask_tells_who_served_it(somebody: User) -> None:
    assert somebody.runs("litellm", "start").returncode == 0
    done = somebody.runs("litellm", "ask", "hello")
    assert done.returncode == 0
    assert done.stdout == "[simulated/echo] you said: hello\n"
    assert "served by simulated/echo, link 2/2; simulated/rate-limited=rate_limit" in done.stderr
    again = somebody.reads("litellm", "ask", "hello")
    assert again["attempts"] == "simulated/rate-limited=skipped-cooling"
    assert again["text"] == "[simulated/echo] you said: hello"


def test_ask_fails_with_a_code_for_each_reason(somebody: User) -> None:
    assert somebody.runs("litellm", "ask", "hello").returncode == 5
    assert somebody.runs("litellm", "start").returncode == 0
    nobody = somebody.runs("litellm", "ask", "hello", "-m", "dead")
    assert nobody.returncode == 4
    assert "simulated/rate-limited rate_limit (30 s)" in nobody.stderr
    unknown = somebody.runs("litellm", "ask", "hello", "-m", "defualt")
    assert unknown.returncode == 3
    assert "did you mean 'default'?" in unknown.stderr
    assert "Traceback" not in nobody.stderr + unknown.stderr


def test_eight_starts_at_once_make_one_daemon(somebody: User) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: somebody.runs("litellm", "start"), range(8)))
    assert [run.returncode for run in done] == [0] * 8, [run.stderr for run in done]
    assert sum("already runs" in run.stdout for run in done) == 7
    assert len(processes_of(somebody.home)) == 1


def test_a_taken_port_names_who_has_it(somebody: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = somebody.runs("litellm", "start", "--port", str(port))
    assert done.returncode == 5
    assert f"port {port} on 127.0.0.1 is taken by" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    assert "--port" in done.stderr
    assert processes_of(somebody.home) == []


def test_the_port_is_the_options_then_the_environments_then_the_configs(somebody: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first:
        ours = first.getsockname()[1]
    done = somebody.runs("litellm", "start", LITELLM_PORT=str(ours))
    assert f"http://127.0.0.1:{ours} " in done.stdout
    assert somebody.runs("litellm", "stop").returncode == 0
    wrong = somebody.runs("litellm", "start", LITELLM_PORT="http")
    assert wrong.returncode == 2
    assert "LITELLM_PORT='http' is not a port number" in wrong.stderr


def test_after_kill_9_a_new_start_works(somebody: User) -> None:
    assert somebody.runs("litellm", "start").returncode == 0
    (pid,) = processes_of(somebody.home)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes_of(somebody.home) and time.monotonic() < deadline:
        time.sleep(0.02)
    seen = somebody.runs("litellm", "status", "--json")
    assert seen.returncode == 1
    assert json.loads(seen.stdout)["state"] == "stale"
    assert somebody.runs("litellm", "start").returncode == 0
    assert somebody.runs("litellm", "status").returncode == 0


def test_restart_keeps_the_port_and_a_broken_config_leaves_the_old_one_running(
    somebody: User,
) -> None:
    assert somebody.runs("litellm", "start").returncode == 0
    address, (old,) = address_of(somebody), processes_of(somebody.home)
    assert somebody.runs("litellm", "restart").returncode == 0
    (new,) = processes_of(somebody.home)
    assert (address_of(somebody), new != old) == (address, True)
    somebody.writes(CONFIG.replace("models:", "modles:"))
    refused = somebody.runs("litellm", "restart")
    assert refused.returncode == 3
    assert "config.yml:4:3" in refused.stderr
    assert "did you mean 'models'?" in refused.stderr
    assert processes_of(somebody.home) == [new]


def test_a_switched_off_proxy_does_not_start(somebody: User) -> None:
    somebody.writes(CONFIG.replace("port: 0", "port: 0\n  enabled: false"))
    refused = somebody.runs("litellm", "start")
    assert refused.returncode == 3
    assert "litellm.enabled is false" in refused.stderr
    assert somebody.runs("litellm", "start", "--if-enabled").returncode == 0
    assert processes_of(somebody.home) == []


def test_an_open_stream_finishes_before_the_daemon_stops(somebody: User) -> None:
    # A hanging first link keeps the request open; its timeout ends the wait.
    somebody.writes(
        CONFIG.replace("model: rate-limited}\n      -", "model: hang, timeout: 2}\n      -")
    )
    assert somebody.runs("litellm", "start").returncode == 0
    host, port = address_of(somebody)
    connection = http.client.HTTPConnection(host, port, timeout=30)
    body = {"model": "default", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    connection.request(
        "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"}
    )
    stopped: list[subprocess.CompletedProcess[str]] = []
    stopping = threading.Thread(target=lambda: stopped.append(somebody.runs("litellm", "stop")))
    stopping.start()
    text = connection.getresponse().read().decode()
    connection.close()
    stopping.join(40)
    assert text.rstrip().endswith("data: [DONE]")
    assert stopped[0].returncode == 0
    assert "the proxy has stopped" in stopped[0].stdout


def test_in_the_foreground_an_interrupt_ends_it(somebody: User) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agentbox_cli", "litellm", "start", "--foreground"],
        env=somebody._environment(),
        cwd=somebody.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as said:
        line = next(line for line in said if "serving on" in line)
        assert somebody.runs("litellm", "status").returncode == 0
        second = somebody.runs("litellm", "start", "--foreground")
        assert second.returncode == 5
        assert "there is a proxy" in second.stderr
        process.send_signal(signal.SIGINT)
        rest = said.read()
    assert process.wait(20) == 0, line + rest
    assert "Traceback" not in rest
    assert somebody.runs("litellm", "status").returncode == 1


def test_logs_show_the_end_of_the_log(somebody: User) -> None:
    nothing = somebody.runs("litellm", "logs")
    assert nothing.returncode == 1
    assert somebody.runs("litellm", "start").returncode == 0
    shown = somebody.runs("litellm", "logs", "-n", "1")
    assert shown.returncode == 0
    assert "serving on http://127.0.0.1:" in shown.stdout


def test_a_start_that_fails_says_why_and_leaves_nothing(somebody: User) -> None:
    # The key file is readable by others: the daemon refuses to trust it.
    somebody.state.mkdir(parents=True, mode=0o700)
    (somebody.state / "key").write_text("agentbox-" + "x" * 43, encoding="ascii")
    (somebody.state / "key").chmod(0o644)
    done = somebody.runs("litellm", "start")
    assert done.returncode == 5
    assert "ended during start-up" in done.stderr
    assert str(somebody.state / "key") in done.stderr
    assert processes_of(somebody.home) == []
    assert somebody.runs("litellm", "status").returncode == 1


def test_init_then_check_then_start(tmp_path: Path) -> None:
    user = User(tmp_path / "new")
    user.home.mkdir()
    missing = user.runs("litellm", "start")
    assert missing.returncode == 3
    assert "agentbox litellm init" in missing.stderr
    shown = user.runs("litellm", "init", "--demo", "--dry-run")
    assert shown.returncode == 0
    assert "+litellm:" in shown.stdout
    assert not user.config.exists()
    assert user.runs("litellm", "init", "--demo").returncode == 0
    assert user.config.stat().st_mode & 0o777 == 0o600
    assert user.runs("config", "check").returncode == 0
    again = user.runs("litellm", "init", "--demo")
    assert again.returncode == 3
    assert "has a litellm section already" in again.stderr


def test_init_keeps_what_else_stands_in_the_file(tmp_path: Path) -> None:
    user = User(tmp_path / "new")
    user.home.mkdir()
    before = "# mine\nversion: 3   # of the host\npaths: {a: 1}\n"
    user.writes(before)
    keys = {"OPENAI_API_KEY": "sk-x", "GWDG_API_KEY": "y"}
    assert user.runs("litellm", "init", "--yes", **keys).returncode == 0
    after = user.config.read_text()
    assert after.startswith(before)
    assert "sk-x" not in after
    assert user.runs("config", "check", **keys).returncode == 0


def test_init_without_a_key_tells_the_ways(tmp_path: Path) -> None:
    user = User(tmp_path / "new")
    user.home.mkdir()
    done = user.runs("litellm", "init", "--yes")
    assert done.returncode == 2
    assert "OPENAI_API_KEY" in done.stderr
    assert "--demo" in done.stderr
    unknown = user.runs("litellm", "init", "--provider", "nobody")
    assert unknown.returncode == 2
    assert "known: " in unknown.stderr
    assert not user.config.exists()
