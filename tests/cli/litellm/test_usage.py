"""The commands of usage and prices, over a store of their own and over a real daemon."""

import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentbox_cli.providers.pricing import PriceList
from agentbox_cli.usage.by import By
from agentbox_cli.usage.database import open_for_writing, place_of
from agentbox_cli.usage.store import add, price_version
from tests.fakes.commandline import Agentbox
from tests.fakes.on_terminal import OnTerminal
from tests.usage.builders import DEAR, FREE, call, failed_call, request

CONFIG = {
    "models": {
        "default": [
            {"provider": "simulated", "model": "rate-limited"},
            {"provider": "simulated", "model": "echo"},
        ]
    }
}
EVERY = (
    ["usage"],
    ["usage", "--json"],
    ["usage", "--csv"],
    ["usage", "--plot"],
    ["usage", "errors"],
    ["usage", "export"],
    ["usage", "prune", "--before", "today"],
    ["usage", "reprice"],
    ["usage", "vacuum"],
)
DEADLINE_SECONDS = 30.0


@pytest.fixture
def config(config_yml: Path) -> Path:
    config_yml.write_text(json.dumps({"litellm": CONFIG}))
    return config_yml


@pytest.fixture
def database(home: Path) -> Path:
    return home / "data" / "agentbox" / "usage.db"


@pytest.fixture
def store(database: Path, config: Path) -> Path:
    """Two requests of an hour ago: one answered at once, one after a rate limit by a free link."""
    at = time.time() - 3_600
    free = call(provider="simulated", model="echo", link=2, attempt=2, at=at)
    engine = open_for_writing(place_of(None, database)).engine
    version = price_version(engine, {"openai/gpt-4o": DEAR, "simulated/echo": FREE})
    rows = [
        request(1, call(at=at), at=at, project="thesis"),
        request(2, failed_call(at=at), free, at=at),
    ]
    add(engine, rows, version)
    engine.dispose()
    return database


@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_before_the_first_use_everything_is_empty_and_fine(
    agentbox: Agentbox, config: Path, database: Path, arguments: list[str]
) -> None:
    result = agentbox("litellm", *arguments)
    assert result.exit_code == 0
    assert result.err.startswith("nothing was used yet: ")
    assert not database.exists()


@pytest.mark.parametrize("by", By)
def test_a_report_in_each_form_tells_the_same(agentbox: Agentbox, store: Path, by: By) -> None:
    told = agentbox("litellm", "usage", "--by", by.value, "--json").document
    table = agentbox("litellm", "usage", "--by", by.value)
    rows = list(csv.DictReader(io.StringIO(agentbox("litellm", "usage", "--by", by, "--csv").out)))
    assert table.exit_code == 0
    assert [row["key"] for row in rows] == [row["key"] for row in told["rows"]]
    assert all(row["key"] in table.out for row in told["rows"])
    assert told["total"]["cost_usd"] == pytest.approx(1_000 * 2e-6 + 100 * 8e-6)
    assert told["total"]["requests"] == (3 if by in {By.PROVIDER, By.MODEL, By.CLASS} else 2)


def test_only_the_time_that_is_asked_for_is_reported(agentbox: Agentbox, store: Path) -> None:
    for span, count in (("--since=10m", 0), ("--since=1d", 2), ("--until=2h", 0)):
        assert agentbox("litellm", "usage", span, "--json").document["total"]["requests"] == count
    assert agentbox("litellm", "usage", "--since", "someday").exit_code == 2
    assert agentbox("litellm", "usage", "--csv", "--json").exit_code == 2


def test_a_plot_in_a_pipe_is_80_columns_wide_and_has_no_colour(
    agentbox: Agentbox, store: Path
) -> None:
    out = agentbox("litellm", "usage", "--plot").out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"openai/gpt-4o": FREE}, "cost in dollars: none\n"),
        ({}, "cost in dollars, without 1 unpriced calls: not known\n"),
    ],
)
def test_a_plot_of_nothing_is_a_line_of_words(
    agentbox: Agentbox,
    config: Path,
    database: Path,
    prices: dict[str, PriceList],
    cost: str,
) -> None:
    at = time.time() - 60
    engine = open_for_writing(place_of(None, database)).engine
    add(engine, [request(1, call(at=at), at=at)], price_version(engine, prices))
    engine.dispose()
    out = agentbox("litellm", "usage", "--plot", "--since", "1d").out
    assert "tokens by hour" in out
    assert "1,100┤" in out
    assert cost in out
    assert "requests that fell back: none\n" in out
    assert "-1" not in out


@pytest.mark.parametrize("option", ["--plot", "--by=model"])
@pytest.mark.parametrize("columns", ["80", "40"])
def test_on_a_terminal_no_line_is_wider_than_it(
    store: Path, monkeypatch: pytest.MonkeyPatch, columns: str, option: str
) -> None:
    for name, value in (("COLUMNS", columns), ("LINES", "24"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    code, shown = OnTerminal("litellm", "usage", option).end()
    assert code == 0
    assert "\x1b[3" not in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)  # bold is no colour
    assert max(len(line.rstrip()) for line in plain.splitlines()) <= int(columns)


def test_failures_exports_and_pruning(agentbox: Agentbox, store: Path) -> None:
    [row] = agentbox("litellm", "usage", "errors", "--json").document["rows"]
    assert (row["kind"], row["status"], row["served_by"]) == ("throttle", 429, "simulated/echo")
    assert "answered by simulated/echo" in agentbox("litellm", "usage", "errors").out
    lines = agentbox("litellm", "usage", "export").out.splitlines()
    assert [json.loads(line)["model"] for line in lines] == ["gpt-4o", "gpt-4o", "echo"]
    assert len(agentbox("litellm", "usage", "export", "--format", "csv").out.splitlines()) == 4

    prune = ("litellm", "usage", "prune", "--before", "1m")
    assert agentbox(*prune, "--dry-run").out == "2 requests would be forgotten\n"
    assert agentbox(*prune).out == "2 requests are forgotten\n"
    assert agentbox("litellm", "usage", "export").out == ""
    assert agentbox("litellm", "usage", "--json").document["total"]["requests"] == 2
    assert agentbox("litellm", "usage", "vacuum", "--json").document["after_bytes"] > 0


def test_a_stream_that_was_cut_was_not_answered(agentbox: Agentbox, store: Path) -> None:
    at = time.time() - 60
    broken = failed_call("connection", at=at, status=200)
    engine = open_for_writing(place_of(None, store)).engine
    add(engine, [request(3, broken, at=at, outcome="cut", served_by="openai/gpt-4o")], 1)
    engine.dispose()
    assert "cut at openai/gpt-4o" in agentbox("litellm", "usage", "errors").out


@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
@pytest.mark.parametrize("damage", ["garbage", "newer"])
def test_a_store_that_cannot_be_read_is_exit_6_with_the_reason(
    agentbox: Agentbox, store: Path, arguments: list[str], damage: str
) -> None:
    if damage == "newer":
        with sqlite3.connect(store) as connection:
            connection.execute("UPDATE schema_version SET version = 999")
        connection.close()
    else:
        store.write_bytes(b"no database at all, but longer than the head of one " * 100)
    result = agentbox("litellm", *arguments)
    assert (result.exit_code, result.out) == (6, "")
    assert result.err.startswith("error: ")
    assert "hint: " in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_a_store_that_may_not_be_read_is_exit_6_with_the_reason(
    store: Path, arguments: list[str]
) -> None:
    store.chmod(0)
    # Root may read everything, unless it gives that up.
    rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [sys.executable, "-m", "agentbox_cli", "litellm", *arguments]
    done = subprocess.run(
        [*(rights if os.geteuid() == 0 else ()), *command],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (6, ""), done.stderr
    assert str(store) in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_that_can_show_ascii_only_shows_it(store: Path) -> None:
    """Python itself escapes names that such a terminal cannot show."""
    engine = open_for_writing(place_of(None, store)).engine
    at = time.time()
    add(engine, [request(9, call(at=at), at=at, project="Überblick 日本")], 1)
    engine.dispose()
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for option in ("--by=project", "--plot", "--csv", "--json"):
        command = [sys.executable, "-m", "agentbox_cli", "litellm", "usage", option]
        done = subprocess.run(command, env=environ, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
        assert done.stdout.strip()


def test_a_price_is_set_shown_used_and_taken_back(
    agentbox: Agentbox, store: Path, config: Path
) -> None:
    before = config.read_text()
    line = ("litellm", "prices", "set", "simulated/echo", "--input", "1", "--output", "2")
    assert agentbox(*line, "--dry-run").exit_code == 0
    assert config.read_text() == before
    assert agentbox(*line).exit_code == 0
    path = 'litellm.usage.prices["simulated/echo"].output_usd'
    assert float(agentbox("config", "get", path).out) == 2
    [told] = agentbox("litellm", "prices", "simulated/echo", "--json").document["prices"]
    assert (told["source"], told["rates"][0]["output_usd"]) == ("config", 2)
    repriced = agentbox("litellm", "usage", "reprice", "--json").document
    assert repriced["after_usd"] > 0
    assert agentbox("config", "undo").exit_code == 0
    assert config.read_text() == before


@pytest.fixture
def running(agentbox: Agentbox, config: Path) -> Iterator[Agentbox]:
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    yield agentbox
    assert agentbox("litellm", "stop").exit_code == 0


def test_a_question_is_in_the_report_of_the_running_proxy(
    running: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTBOX_PROJECT", "Überblick")
    assert running("litellm", "ask", "hi").exit_code == 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    rows: list[dict[str, object]] = []
    while not rows and time.monotonic() < deadline:
        rows = running("litellm", "usage", "--by", "project", "--json").document["rows"]
    assert [(row["key"], row["requests"], row["fell_back"]) for row in rows] == [
        ("Überblick", 1, 1)
    ]
    [caller] = running("litellm", "usage", "--by", "caller", "--json").document["rows"]
    assert caller["key"] == "agentbox-ask"
