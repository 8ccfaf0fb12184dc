"""The commands of usage over a real daemon and a real Postgres, which goes away and comes back."""

import http.client
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.usage.database import Place
from tests.fakes.commandline import Agentbox
from tests.fakes.postgres import PostgresServer, postgres_server
from tests.fakes.waiting import eventually

PAID = "simulated/echo"
COMMANDS = (
    ["usage"],
    ["usage", "--json"],
    ["usage", "--plot"],
    ["usage", "--html", "page.html"],
    ["usage", "errors"],
    ["usage", "export"],
    ["usage", "prune", "--before", "today"],
    ["usage", "reprice"],
    ["usage", "vacuum"],
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


@pytest.fixture
def place(server: PostgresServer) -> Place:
    return server.new_database()


@pytest.fixture
def configure(config_yml: Path, place: Place) -> Callable[..., None]:
    def write(**section: Any) -> None:
        usage = {"database": place.url, **section.pop("usage", {})}
        told = {
            "models": {"default": [_link("rate-limited"), _link("echo")]},
            "model_patterns": {"odd-*": "default"},
            "usage": usage,
            **section,
        }
        config_yml.write_text(json.dumps({"litellm": told}))

    write()
    return write


@pytest.fixture
def started(agentbox: Agentbox) -> Iterator[Callable[[], int]]:
    """Starts the proxy, gives its port; it is stopped at the end."""

    def start() -> int:
        assert agentbox("litellm", "start", "--port", "0").exit_code == 0
        return int(agentbox("litellm", "status", "--json").document["port"])

    yield start
    agentbox("litellm", "stop")


def test_each_command_works_over_postgres(
    agentbox: Agentbox, configure: Callable[..., None], started: Callable[[], int]
) -> None:
    configure(usage={"prices": {PAID: {"input_usd": 1_000, "output_usd": 1_000}}})
    port = started()
    assert [_ask(port, "default")[0] for _ in range(3)] == [200] * 3
    eventually(lambda: _total(agentbox)["requests"] == 3)
    total = _total(agentbox)
    assert (total["fell_back"], total["failed"], total["unpriced"]) == (3, 0, 0)
    assert total["cost_usd"] > 0
    for arguments in COMMANDS[:5]:
        assert agentbox("litellm", *arguments).exit_code == 0, arguments
    lines = agentbox("litellm", "usage", "export").out.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["model"] for row in rows if row["kind"] == ""] == ["echo"] * 3

    price = ("litellm", "prices", "set", PAID, "--input", "2000", "--output", "2000")
    assert agentbox(*price).exit_code == 0
    repriced = agentbox("litellm", "usage", "reprice", "--json").document
    assert repriced["after_usd"] == pytest.approx(2 * total["cost_usd"])
    assert agentbox("litellm", "usage", "vacuum").exit_code == 0
    prune = ("litellm", "usage", "prune", "--before", "0m", "--json")
    assert agentbox(*prune, "--dry-run").document["requests"] == 3
    assert agentbox(*prune).document["requests"] == 3
    assert agentbox("litellm", "usage", "export").out == ""
    assert _total(agentbox)["cost_usd"] == pytest.approx(2 * total["cost_usd"])


def test_a_postgres_that_is_down_at_the_start_gets_everything_when_it_comes(
    agentbox: Agentbox,
    server: PostgresServer,
    configure: Callable[..., None],
    started: Callable[[], int],
    home: Path,
) -> None:
    journal = home / "state" / "agentbox" / "usage.journal"
    server.stop()
    try:
        port = started()
        assert [_ask(port, "default")[0] for _ in range(4)] == [200] * 4
        eventually(lambda: journal.exists() and journal.read_bytes().count(b"\n") == 4)
        [warning] = eventually(lambda: _warnings(agentbox))
        assert "journal" in warning
        for arguments in COMMANDS:
            result = agentbox("litellm", *arguments)
            assert (result.exit_code, result.out) == (6, ""), arguments
            assert "Traceback" not in result.err
    finally:
        server.start()
    eventually(lambda: _total(agentbox)["requests"] == 4, "what waited is written")
    eventually(lambda: not journal.exists())
    assert _warnings(agentbox) == []


def test_signs_that_no_postgres_takes_lose_no_request(
    agentbox: Agentbox, configure: Callable[..., None], started: Callable[[], int]
) -> None:
    port = started()
    for asked in ("odd-\0one", "odd-\ntwo"):
        assert _ask(port, asked)[0] == 200
    eventually(lambda: _total(agentbox)["requests"] == 2)
    lines = agentbox("litellm", "usage", "export").out.splitlines()
    assert {json.loads(line)["asked"] for line in lines} == {"odd-one", "odd-two"}


def test_a_budget_is_known_after_a_restart(
    agentbox: Agentbox, configure: Callable[..., None], started: Callable[[], int]
) -> None:
    price = {PAID: {"input_usd": 1_000_000, "output_usd": 1_000_000}}
    configure(
        models={"default": [_link("echo")]},
        usage={"prices": price},
        budgets={"daily_usd": 60},
    )
    port = started()
    assert _ask(port, "default", max_tokens=5)[0] == 200
    eventually(lambda: _total(agentbox)["cost_usd"] > 0)
    spent = _total(agentbox)["cost_usd"]
    assert agentbox("litellm", "restart", "--port", "0").exit_code == 0
    status = agentbox("litellm", "status", "--json").document
    _ask(status["port"], "default", max_tokens=10_000)  # has the database read
    [row] = agentbox("litellm", "status", "--json").document["budgets"]
    assert row["spent_usd"] == pytest.approx(spent)
    code, body = _ask(status["port"], "default", max_tokens=10_000)
    assert code == 429
    assert "daily budget of $60.00 has $" in body["error"]["message"]


def test_two_daemons_on_one_sqlite_file_both_keep_everything(
    agentbox: Agentbox,
    config_yml: Path,
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two installs that share a data folder: each has its own state, both write one file."""
    file = tmp_path / "shared" / "usage.db"
    section = {"models": {"default": [_link("echo")]}, "usage": {"database": str(file)}}
    config_yml.write_text(json.dumps({"litellm": section}))
    ports, states = [], [home / "state-one", home / "state-two"]
    try:
        for state in states:
            monkeypatch.setenv("XDG_STATE_HOME", str(state))
            monkeypatch.setenv("XDG_DATA_HOME", str(state / "data"))
            assert agentbox("litellm", "start", "--port", "0").exit_code == 0
            ports.append(agentbox("litellm", "status", "--json").document["port"])
        for _ in range(100):
            assert [_ask(port, "default")[0] for port in ports] == [200, 200]
        for state in states:
            monkeypatch.setenv("XDG_STATE_HOME", str(state))
            assert _warnings(agentbox) == []
    finally:
        for state in states:
            monkeypatch.setenv("XDG_STATE_HOME", str(state))
            agentbox("litellm", "stop")
    connection = sqlite3.connect(file)
    [(rows, ids)] = connection.execute("SELECT count(*), count(DISTINCT request_id) FROM requests")
    [(sums,)] = connection.execute("SELECT sum(requests) FROM totals")
    connection.close()
    assert (rows, ids, sums) == (200, 200, 200)
    assert not list(home.rglob("usage.journal"))
    logs = "".join(log.read_text() for log in home.rglob("litellm.log"))
    assert "Traceback" not in logs
    assert "cannot be kept" not in logs


def _link(model: str) -> dict[str, str]:
    return {"provider": "simulated", "model": model}


def _ask(port: int, model: str, **fields: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _total(agentbox: Agentbox) -> dict[str, Any]:
    time.sleep(0.02)
    return dict(agentbox("litellm", "usage", "--since", "all", "--json").document["total"])


def _warnings(agentbox: Agentbox) -> list[str]:
    return list(agentbox("litellm", "status", "--json").document["warnings"])
