"""What `test-fallback` takes and prints; what it proves is tested below `tests/fallback`."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from agentbox_cli.cli.litellm import fallback_live, fallback_report
from agentbox_cli.cli.litellm.fallback_report import show
from agentbox_cli.errors import NotSo
from agentbox_cli.fallback.live import Price
from agentbox_cli.fallback.scenarios import Group
from agentbox_cli.fallback.verdicts import Outcome, Report, Row
from tests.fakes.commandline import Agentbox
from tests.fakes.waiting import eventually

HERE = "http://127.0.0.1:9/v1"
CONFIG = {
    "providers": {"first": {"api_base": HERE}, "second": {"api_base": HERE}},
    "models": {
        "default": [{"provider": "first", "model": "x"}, {"provider": "second", "model": "y"}],
        "alone": [{"provider": "first", "model": "x"}],
    },
    "engine": {"mode": "off"},
}


@pytest.fixture(autouse=True)
def config(home: Path) -> Path:
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"litellm": CONFIG}), encoding="utf-8")
    return file


def row(scenario: str, outcome: Outcome = Outcome.HOLDS, **more: object) -> Row:
    known = {"alias": "code", "endpoint": "chat", "group": Group.ERROR, **more}
    return Row(scenario=scenario, outcome=outcome, **known)  # type: ignore[arg-type] # a table of any fields


BROKEN = row("auth", Outcome.BREAKS, stream=True, why="nobody answered", hint="do this")
REPORT = Report(
    rows=(
        row("auth"),
        BROKEN,
        row("not-found", endpoint="messages"),
        row("rate-limit", Outcome.STOPS, group=Group.RATE_LIMIT, stopped_by="on_rate_limit"),
        row(
            "single-link", Outcome.REMARK, alias="fast", endpoint=None, why="only one", hint="add"
        ),
    ),
    elapsed_s=1.26,
)


def printed(
    capsys: pytest.CaptureFixture[str], report: Report = REPORT, **options: bool
) -> list[str]:
    show(report, **{"as_json": False, "only_failed": False, **options})
    return capsys.readouterr().out.splitlines()


def test_the_matrix_has_a_line_for_each_alias_and_class(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys) == [
        "ALIAS  WHAT FAILS  CHAT      MESSAGES",
        "code   error       ✗ 1 of 2  ✓ 1",
        "code   rate limit  ■ 1",
        "■ rate limit: on_rate_limit is off in your config, so the failure is passed on",
        "warning: fast: only one (add)",
        "✗ code: auth by chat, streamed: nobody answered",
        "  -> do this",
        "4 checks in 1.3 s: 1 failed",
    ]


def test_a_terminal_without_the_symbols_gets_words(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    show(REPORT, as_json=False, only_failed=False)
    out.flush()
    said = out.buffer.getvalue().decode("ascii")
    assert "FAILED 1 of 2  ok 1" in said
    assert "stops 1" in said


def test_only_what_failed_is_shown_and_all_of_it_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys, only_failed=True) == [
        "ALIAS  WHAT FAILS  CHAT",
        "code   error       ✗ 1 of 1",
        "✗ code: auth by chat, streamed: nobody answered",
        "  -> do this",
        "4 checks in 1.3 s: 1 failed",
    ]


def test_json_has_the_failed_ones_only_too(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads("\n".join(printed(capsys, as_json=True, only_failed=True)))
    assert (document["ok"], document["mode"]) == (False, "simulated")
    assert [check["why"] for check in document["checks"]] == ["nobody answered"]


def test_a_flood_of_failures_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback_report, "TOLD_IN_FULL", 2)
    lines = printed(capsys, Report(rows=(BROKEN,) * 5, elapsed_s=1.0))
    assert sum(line.startswith("✗") for line in lines) == 2
    assert "  ... and 3 more; --only-failed --json has them all" in lines


def test_links_are_told_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    asked = row("link 1", expected="a/1", status=200, elapsed_ms=12.4)
    refused = row("link 2", Outcome.BREAKS, expected="b/2", status=401, why="no", hint="key")
    lines = printed(capsys, Report(rows=(asked, refused), elapsed_s=1.0, mode="live"))
    assert lines == [
        "ALIAS  LINK  ASKED BY  STATUS  MS  RESULT",
        "code   a/1   chat      200     12  ok",
        "code   b/2   chat      401         no",
        "  -> key",
        "2 links in 1.0 s: 1 of 2 do not answer",
    ]


def test_a_scenario_is_proven_and_written_for_ci(agentbox: Agentbox, tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    done = agentbox("litellm", "test-fallback", "--scenario", "auth", "--junit", str(file))
    assert done.exit_code == 0, done.err
    assert done.out.splitlines()[:2] == [
        "ALIAS    WHAT FAILS  CHAT  GENERATE",
        "default  error       ✓ 2   ✓ 2",
    ]
    assert "warning: alone: a single link has nothing to fall back to" in done.out
    root = ET.parse(file).getroot()  # noqa: S314 - it is our own
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("5", "0", "1")


def test_a_file_that_cannot_be_written_is_told(agentbox: Agentbox, tmp_path: Path) -> None:
    done = agentbox("litellm", "test-fallback", "alone", "--junit", str(tmp_path / "no" / "x"))
    assert done.exit_code == 2
    assert "--junit: cannot write" in done.err


def test_the_list_says_what_would_be_checked(agentbox: Agentbox) -> None:
    done = agentbox("litellm", "test-fallback", "--list", "--scenario", "html", "--full")
    assert done.exit_code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["ALIAS", "SCENARIO", "ASKED", "BY", "MUST", "COME", "FROM"]
    assert lines[1] == "default  html      chat                second/y"
    assert lines[-1] == "4 checks would be made"
    document = agentbox("litellm", "test-fallback", "--list", "--json").document
    assert document["mode"] == "list"
    assert document["checks"][-1]["ok"] is None


def test_an_unknown_scenario_or_alias_is_told(agentbox: Agentbox) -> None:
    done = agentbox("litellm", "test-fallback", "--scenario", "flood")
    assert done.exit_code == 2
    assert "rate-limit" in done.err
    done = agentbox("litellm", "test-fallback", "defualt")
    assert done.exit_code == 2
    assert "did you mean 'default'?" in done.err


def test_live_asks_before_it_spends(agentbox: Agentbox) -> None:
    done = agentbox("litellm", "test-fallback", "default", "--live")
    assert done.exit_code == 2
    assert "2 tiny requests to real providers with your keys: at most $0.0000" in done.err
    assert "first/x, second/y cost, which is not known" in done.err
    assert "--yes" in done.err


def test_live_tells_what_cannot_be_reached(agentbox: Agentbox) -> None:
    done = agentbox("litellm", "test-fallback", "default", "--live", "--yes", "--json")
    assert done.exit_code == 1
    assert done.document["mode"] == "live"
    checks = done.document["checks"]
    assert [check["expected"] for check in checks] == ["first/x", "second/y"]
    assert all(check["why"].startswith("cannot be reached: ") for check in checks)


@pytest.mark.parametrize("option", ["--full", "--list", "--scenario=auth"])
def test_live_is_one_request_each_and_nothing_else(agentbox: Agentbox, option: str) -> None:
    done = agentbox("litellm", "test-fallback", "--live", "--yes", option)
    assert done.exit_code == 2
    assert "--live asks each link once" in done.err


@pytest.mark.parametrize("answer", ["y\n", "n\n"])
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    asked = io.StringIO(answer)
    asked.isatty = lambda: True  # type: ignore[method-assign] # a person at a terminal
    monkeypatch.setattr(sys, "stdin", asked)
    price = Price(dollars=0.1, unknown=(), requests=2)
    if answer == "y\n":
        fallback_live._ask_before(price, yes=False)
    else:
        with pytest.raises(NotSo):
            fallback_live._ask_before(price, yes=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_ended_leaves_nothing(number: int, tmp_path: Path) -> None:
    place = tmp_path / "t"
    place.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agentbox_cli", "litellm", "test-fallback", "--full"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(place)},
    )
    try:
        (daemon,) = eventually(lambda: daemons(place), "a daemon is announced")
        process.send_signal(number)
        assert process.wait(30) == 130
    finally:
        process.kill()
        process.wait()
    assert not Path(f"/proc/{daemon}").exists()
    assert list(place.iterdir()) == []


def daemons(place: Path) -> list[str]:
    files = place.glob("agentbox-drill-*/state/agentbox/litellm.state.json")
    return [str(json.loads(file.read_text())["pid"]) for file in files]
