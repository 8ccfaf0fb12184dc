"""Chaos as a process: an agent's requests, a line for each, and nothing left behind."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.commandline import Agentbox

DEADLINE = 60.0
REQUESTS = 30

Start = Callable[..., "Chaos"]


class Chaos:
    """A running `agentbox litellm chaos --json`."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agentbox_cli", "litellm", "chaos", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=home,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def told(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._lines.get(timeout=DEADLINE))
        assert document.pop("schema") == "agentbox.chaos/1"
        return document

    def ends(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Its exit code, and what it said on stderr."""
        self._process.send_signal(number)
        code = self._process.wait(DEADLINE)
        assert self._process.stderr is not None
        return code, self._process.stderr.read()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    @property
    def pid(self) -> int:
        return self._process.pid


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    running = []

    def begin(*arguments: str) -> Chaos:
        running.append(Chaos(home, "--json", *arguments))
        return running[-1]

    yield begin
    for one in running:
        one.close()


def ask(url: str, model: str = "default") -> tuple[int, str | None]:
    """The status, and the request's id."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        response = connection.getresponse()
        response.read()
        return response.status, response.headers["x-agentbox-request-id"]
    finally:
        connection.close()


def test_every_request_is_told_and_the_chain_answers_them_all(start: Start, home: Path) -> None:
    chaos = start("--seed", "7", "--rate", "0.7", "--scenario", "server-error")
    ready = chaos.told()
    assert (ready["event"], ready["aliases"], ready["seed"]) == ("ready", ["default"], 7)
    asked = [ask(ready["url"]) for _ in range(REQUESTS)]
    told = [chaos.told() for _ in range(REQUESTS)]
    assert {status for status, _ in asked} == {200}
    assert [row["request_id"] for row in told] == [request_id for _, request_id in asked]
    met = [row for row in told if row["failed"]]
    assert met
    assert {row["end"] for row in told} == {"answered"}
    assert met[0]["failed"] == [{"link": "simulated/rate-limited", "why": "server"}]
    assert {row["served_by"] for row in told} <= {"simulated/rate-limited", "simulated/echo"}
    code, said = chaos.ends()
    assert code == 0
    assert "no config.yml: serving the demo chain" in said
    summary = chaos.told()
    assert summary == {
        "event": "summary",
        "requests": REQUESTS,
        "met_failure": len(met),
        "answered": REQUESTS,
        "unanswered": 0,
        "cut": 0,
    }
    assert list(home.rglob("*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_asked_and_leaves_nothing(start: Start, number: int) -> None:
    chaos = start()
    url = chaos.told()["url"]
    children = Path(f"/proc/{chaos.pid}/task/{chaos.pid}/children").read_text()
    assert children == ""  # it is one process
    assert chaos.ends(number)[0] == 0
    port = int(url.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_the_users_chains_are_served_beside_the_users_proxy(
    start: Start, home: Path, agentbox: Agentbox
) -> None:
    provider = {"api_base": "http://127.0.0.1:9/v1"}
    models = {
        "code": [{"provider": "first", "model": "x"}, {"provider": "second", "model": "y"}],
        "broken": [{"provider": "nobody", "model": "z"}],
    }
    section = {
        "port": 0,
        "providers": {"first": provider, "second": provider},
        "models": models,
        "model_patterns": {"gpt-*": "code"},
        "engine": {"mode": "off"},
    }
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"litellm": section}), encoding="utf-8")
    chaos = start("--rate", "1", "--scenario", "context-window")
    ready = chaos.told()
    assert ready["aliases"] == ["code"]
    assert ask(ready["url"], "gpt-5")[0] == 200
    row = chaos.told()
    assert (row["alias"], row["served_by"]) == ("code", "second/y")
    assert row["failed"] == [{"link": "first/x", "why": "context_window"}]
    status = agentbox("litellm", "status", "--json").document
    assert status["state"] == "stopped"
    code, said = chaos.ends()
    assert code == 0
    assert "warning: broken is left out: unknown provider 'nobody'" in said


def test_people_get_a_line_for_each_request(home: Path) -> None:
    from agentbox_cli.cli.litellm.chaos import _end
    from agentbox_cli.fallback.chaos import Request
    from agentbox_cli.proxy.story import End

    def request(end: End, served_by: str | None, status: int | None) -> Request:
        return Request(
            request_id="req_1",
            alias="code",
            failed=(),
            served_by=served_by,
            end=end,
            status=status,
            elapsed_ms=1.0,
        )

    assert _end(request(End.ANSWERED, "a/1", 200)) == "a/1"
    assert _end(request(End.CUT, "a/1", 200)) == "a/1, cut"
    assert _end(request(End.FAILED, None, 503)) == "failed (503)"
    assert _end(request(End.CLIENT_LEFT, None, None)) == "client-left"


def test_the_documented_lines_have_the_fields_that_are_printed(start: Start) -> None:
    page = (Path(__file__).parents[3] / "docs" / "json.md").read_text()
    lines = [json.loads(line) for line in page.splitlines() if '"agentbox.chaos/1"' in line]
    documented = {line["event"]: line.keys() - {"schema"} for line in lines}
    chaos = start("--seed", "1")
    ready = chaos.told()
    ask(ready["url"])
    request = chaos.told()
    chaos.ends()
    assert documented == {one["event"]: one.keys() for one in (ready, request, chaos.told())}


def test_a_taken_port_is_told(agentbox: Agentbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = agentbox("litellm", "chaos", "--port", str(port))
    assert done.exit_code == 5
    assert f"cannot listen on 127.0.0.1 port {port}" in done.err


@pytest.mark.parametrize("name", ["all-down", "refused"])
def test_a_story_is_no_way_to_fail(agentbox: Agentbox, name: str) -> None:
    done = agentbox("litellm", "chaos", "--scenario", name)
    assert done.exit_code == 2
    assert f"{name} is no way for one call to fail" in done.err
    assert "cut-late" in done.err


def test_a_config_that_is_named_must_be_there(agentbox: Agentbox) -> None:
    done = agentbox("--config", "nowhere.yml", "litellm", "chaos")
    assert done.exit_code == 3
    assert os.environ["HOME"] not in done.out
