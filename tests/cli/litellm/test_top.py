"""`top` on a terminal of its own, against a real daemon; keys are pressed."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.fakes.commandline import Agentbox
from tests.fakes.full_screen import ENTER, LEAVE, FullScreen

LIMITED, ECHO = "simulated/rate-limited", "simulated/echo"
CONFIG = {
    "models": {
        "default": [
            {"provider": "simulated", "model": "rate-limited"},
            {"provider": "simulated", "model": "echo"},
        ],
        "fast": [{"provider": "simulated", "model": "echo"}],
    },
    "budgets": {"daily_usd": 5},
}
TOP = ("litellm", "top")
KEYS = "j/k select  p pause  c clear cooldown  s sort  q quit"


@pytest.fixture
def running(agentbox: Agentbox, config_yml: Path) -> Iterator[Agentbox]:
    """A daemon that was asked one question, which its first link did not answer."""
    config_yml.write_text(json.dumps({"litellm": CONFIG}))
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    assert agentbox("litellm", "ask", "hi").exit_code == 0
    yield agentbox
    assert agentbox("litellm", "stop").exit_code == 0


def line_of(frame: list[str], link: str) -> str:
    return next((line for line in frame if line[2:].startswith(f"{link} ")), "")


def state(link: str, word: str, frame: list[str]) -> bool:
    return f" {word}" in line_of(frame, link)


# One picture.


def test_without_a_proxy_it_says_how_to_start_one(agentbox: Agentbox) -> None:
    told = agentbox(*TOP)
    assert told.exit_code == 1
    assert told.err == "error: the proxy is stopped\nhint: agentbox litellm start\n"


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_where_there_is_no_terminal_one_plain_picture_is_printed(
    running: Agentbox, options: tuple[str, ...]
) -> None:
    told = running(*TOP, *options)
    assert told.exit_code == 0
    assert "\x1b" not in told.out
    lines = told.out.splitlines()
    assert lines[0].startswith("agentbox  running on http://127.0.0.1:")
    assert lines[1].startswith("today $0.00")
    assert lines[2].startswith("daily budget")
    assert lines[2].endswith("$0.00 of $5.00")
    assert "cooling" in line_of(lines, LIMITED)
    assert line_of(lines, ECHO).endswith(" default, fast")
    [failover] = [line for line in lines if "→" in line or "->" in line]
    assert f"default: {LIMITED} rate_limit" in failover


def test_json_is_one_document(running: Agentbox) -> None:
    told = json.loads(running(*TOP, "--json").out)
    assert told["schema"] == "agentbox.top/1"
    assert {row["link"] for row in told["links"]} >= {LIMITED, ECHO}
    assert told["failovers"][0]["served_by"] == ECHO


def test_once_on_a_terminal_is_as_wide_as_it_and_takes_no_screen(running: Agentbox) -> None:
    with FullScreen(*TOP, "--once", columns=60) as top:
        assert top.end() == 0
        assert ENTER not in top.shown
        assert "\x1b[33m" in top.shown


# On a terminal.


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (100, 30), (40, 10), (200, 50)])
def test_a_picture_fills_the_terminal_and_no_more(
    running: Agentbox, columns: int, lines: int
) -> None:
    with FullScreen(*TOP, columns=columns, lines=lines) as top:
        frame = top.until(lambda frame: frame[-1].startswith("j/k"), "the keys")
        assert len(frame) == lines
        assert max(map(cell_len, frame)) <= columns
        assert any(line.startswith("> ") for line in frame)
        if columns >= 80:
            assert any("req_" in line for line in frame)
            title = next(line for line in frame if line.startswith("  LINK"))
            assert "FAILED" in title, "it is not cut"
            assert ("P95" in title) is (columns > 80)
            assert frame[-1] == KEYS
        top.press("q")
        assert top.end() == 0


def test_where_not_all_links_have_room_it_says_of_how_many(running: Agentbox) -> None:
    with FullScreen(*TOP, columns=80, lines=12) as top:
        frame = top.until(lambda frame: frame[-1].startswith("j/k"), "the keys")
        assert any(line.startswith("  LINK, 1 of 2 ") for line in frame), frame
        top.press("q")
        assert top.end() == 0


def test_keys_select_pause_clear_and_sort(running: Agentbox) -> None:
    with FullScreen(*TOP) as top:
        frame = top.until_shown(KEYS)
        assert line_of(frame, LIMITED).startswith("> ")
        assert state(LIMITED, "cooling", frame)
        top.press("c")
        top.until(lambda frame: state(LIMITED, "ok", frame), "no cooldown")
        assert "forgot the cooldown" in top.frame()[-1]
        top.press("\x1b[B")
        top.until(lambda frame: line_of(frame, ECHO).startswith("> "), "the next link")
        top.press("p")
        top.until(lambda frame: state(ECHO, "paused", frame), "a pause")
        assert top.frame()[-1] == f"{ECHO} is paused"
        assert running("litellm", "ask", "hi", "-m", "fast").exit_code == 4
        top.press("p")
        top.until(lambda frame: state(ECHO, "ok", frame), "it goes on")
        top.press("s")
        top.until_shown("sorted by calls")
        top.press("k")
        top.until(lambda frame: line_of(frame, LIMITED).startswith("> "), "the link above")
        top.press("q")
        assert top.end() == 0
    assert running("litellm", "ask", "hi", "-m", "fast").exit_code == 0


def test_an_arrow_that_arrives_in_pieces_is_one_key(running: Agentbox) -> None:
    with FullScreen(*TOP) as top:
        top.until_shown(KEYS)
        for piece in ("\x1b", "[", "B"):
            top.press(piece)
        top.until(lambda frame: line_of(frame, ECHO).startswith("> "), "the next link")


def test_a_new_size_is_drawn(running: Agentbox) -> None:
    with FullScreen(*TOP, "--interval", "60") as top:
        top.until_shown(KEYS)
        top.resize(100, 30)
        top.until(lambda frame: len(frame) == 30, "a larger picture")


def test_without_colour_the_selected_link_is_still_marked(running: Agentbox) -> None:
    with FullScreen(*TOP, NO_COLOR="1") as top:
        top.until_shown(f"> {LIMITED}")
        for colour in range(30, 38):
            assert f"[{colour}m" not in top.shown
            assert f";{colour}m" not in top.shown


@pytest.mark.parametrize("how", ["q", "\x03", "\x04", signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_however_it_ends(
    running: Agentbox, how: str | signal.Signals
) -> None:
    with FullScreen(*TOP) as top:
        top.until_shown(KEYS)
        assert top.settings() != top.usual
        if isinstance(how, str):
            top.press(how)
            code = top.end()
        else:
            code = top.end(how)
        expected = {"q": 0, "\x04": 0, "\x03": 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
        assert code == expected[how]
        assert top.settings() == top.usual
        assert top.shown.count(ENTER) == top.shown.count(LEAVE) == 1


def test_a_crash_gives_the_terminal_back_too(running: Agentbox, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from agentbox_cli.cli.live import view\n"
        "def broken(*_): raise RuntimeError('broken')\n"
        "view.View.sort_next = broken\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        screen = FullScreen(*TOP)
    with screen as top:
        top.until_shown(KEYS)
        top.press("s")
        assert top.end() == 70
        assert top.settings() == top.usual
        assert LEAVE in top.shown
        assert "please report it" in top.shown.partition(LEAVE)[2]


def test_stopped_and_taken_up_again_it_gives_the_terminal_back_in_between(
    running: Agentbox,
) -> None:
    with FullScreen(*TOP) as top:
        top.until_shown(KEYS)
        top.press("\x1a")
        _, status = os.waitpid(top.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert top.settings() == top.usual
        top.process.send_signal(signal.SIGCONT)
        top.press("s")
        top.until_shown("sorted by calls")
        assert top.shown.count(ENTER) == 2
        top.press("q")
        assert top.end() == 0


def test_a_proxy_that_goes_away_is_waited_for(running: Agentbox) -> None:
    with FullScreen(*TOP) as top:
        top.until_shown(KEYS)
        assert running("litellm", "stop").exit_code == 0
        top.until_shown("the proxy is stopped")
        top.until_shown("agentbox litellm start")
        top.press("jp")
        assert running("litellm", "start", "--port", "0").exit_code == 0
        top.until_shown(f"> {LIMITED}")
        top.press("q")
        assert top.end() == 0
