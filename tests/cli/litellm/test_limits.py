"""The commands against a real daemon of their own, and against what one left behind."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from agentbox_cli.cli.litellm.limit_tables import lasting
from agentbox_cli.fallback.stage import Cast
from agentbox_cli.paths import standard_paths
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy import kept
from agentbox_cli.proxy.kept import Kept
from agentbox_cli.proxy.limits import Cooling, Limits, Window
from agentbox_cli.simulate.faults import Fault
from tests.cli.test_output import on_terminal
from tests.fakes.commandline import Agentbox

CONFIG = {
    "models": {
        "default": [
            {"provider": "simulated", "model": "rate-limited"},
            {"provider": "simulated", "model": "echo"},
        ],
        "again": [{"provider": "simulated", "model": "rate-limited"}],
    }
}
NOTICE = "the proxy is stopped: this is what it wrote down last\n"


@pytest.fixture
def running(agentbox: Agentbox, config_yml: Path) -> Iterator[Agentbox]:
    config_yml.write_text(json.dumps({"litellm": CONFIG}))
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    yield agentbox
    assert agentbox("litellm", "stop").exit_code == 0


@pytest.fixture
def left(agentbox: Agentbox) -> Agentbox:
    """What a run left behind: a used-up day, half a minute, and a payment that is due."""
    now = time.time()
    windows = tuple(
        Window(
            name="gwdg_saia",
            window=name,
            limit=limit,
            remaining=remaining,
            seen_at=now - 5.0,
            resets_at=now + seconds - 7.0,
            seconds=seconds,
        )
        for name, limit, remaining, seconds in (
            ("minute", 30, 15, 60),
            ("day", 1000, 0, 86_400),
            ("month", None, 9, 2_592_000),
        )
    )
    cooling = Cooling(
        name="openai",
        kind=ErrorKind.PAYMENT,
        since=now - 1.0,
        until=now + 599.0,
        message="You have no credit.",
    )
    paths = standard_paths()
    paths.state_dir.mkdir(parents=True)
    known = Limits(as_of=now - 2.0, windows=windows, cooling=(cooling,))
    kept.write(paths.limits_file, Kept(schema=kept.SCHEMA, accounts={"openai": "x"}, limits=known))
    return agentbox


def test_where_nothing_was_left_behind_nothing_is_known(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "limits")
    assert result.exit_code == 0
    assert result.out == "no quota window is known\n\nnothing cools\n"
    assert result.err == NOTICE
    assert agentbox("litellm", "limits", "reset", "--all").out == "there is nothing to forget\n"


def test_windows_are_bars_with_what_is_left(left: Agentbox) -> None:
    result = left("litellm", "limits")
    assert (result.exit_code, result.err) == (0, NOTICE)
    heading, minute, day, month, _, cools, openai = result.out.splitlines()
    assert heading.split() == ["QUOTA", "OF", "WINDOW", "USED", "LEFT", "STARTS", "ANEW"]
    assert minute.split()[:5] == ["gwdg_saia", "minute", "##########----------", "15/30", "15"]
    assert " in 53 s, " in minute or " in 52 s, " in minute
    assert day.split()[:5] == ["gwdg_saia", "day", "#" * 20, "1000/1000", "0"]
    assert month.split()[:4] == ["gwdg_saia", "month", "9", "in"]
    assert cools.split()[:3] == ["LEFT", "ALONE", "AFTER"]
    assert openai.split()[:2] == ["openai", "payment"]
    assert openai.endswith("10 min  You have no credit.")


def test_on_a_terminal_the_bars_are_drawn(left: Agentbox) -> None:
    shown = on_terminal("from agentbox_cli.front import main; main(['litellm', 'limits'])", 100)
    assert "━" * 20 in shown
    assert "15/30" in shown
    assert "You have no credit." in shown


def test_without_colour_the_bars_are_there_too(left: Agentbox) -> None:
    script = "from agentbox_cli.front import main; main(['litellm', 'limits'])"
    shown = on_terminal(script, 100, NO_COLOR="1")
    assert "━" * 20 in shown
    assert "\x1b[3" not in shown


def test_the_json_of_what_was_left_behind(left: Agentbox) -> None:
    document = left("litellm", "limits", "--json").document
    for row in document["windows"]:
        row.update(resets_at=0, resets_in_s=0)
    for row in document["cooling"]:
        row.update(since=0, until=0, remaining_s=0)
    document["as_of"] = 0
    assert document == snapshot(
        {
            "schema": "agentbox.limits/1",
            "live": False,
            "as_of": 0,
            "windows": [
                {
                    "name": "gwdg_saia",
                    "window": "minute",
                    "limit": 30,
                    "used": 15,
                    "remaining": 15,
                    "resets_at": 0,
                    "resets_in_s": 0,
                },
                {
                    "name": "gwdg_saia",
                    "window": "day",
                    "limit": 1000,
                    "used": 1000,
                    "remaining": 0,
                    "resets_at": 0,
                    "resets_in_s": 0,
                },
                {
                    "name": "gwdg_saia",
                    "window": "month",
                    "limit": None,
                    "used": None,
                    "remaining": 9,
                    "resets_at": 0,
                    "resets_in_s": 0,
                },
            ],
            "cooling": [
                {
                    "name": "openai",
                    "class": "error",
                    "kind": "payment",
                    "since": 0,
                    "until": 0,
                    "remaining_s": 0,
                    "message": "You have no credit.",
                }
            ],
        }
    )


def test_a_reset_changes_what_was_left_behind(left: Agentbox) -> None:
    dry = left("litellm", "limits", "reset", "openai/gpt-4o", "--dry-run")
    assert dry.out == "would forget the cooldown of openai after payment\n"
    assert "what it wrote down last" in dry.err
    assert len(left("litellm", "limits", "--json").document["cooling"]) == 1

    done = left("litellm", "limits", "reset", "openai/gpt-4o")
    assert (done.exit_code, done.out) == (0, "forgot the cooldown of openai after payment\n")
    document = left("litellm", "limits", "--json").document
    assert (len(document["windows"]), document["cooling"]) == (3, [])

    saia = left("litellm", "limits", "reset", "gwdg_saia")
    assert saia.out.splitlines() == [
        "forgot the minute window of gwdg_saia, 15 left",
        "forgot the day window of gwdg_saia, 0 left",
        "forgot the month window of gwdg_saia, 9 left",
    ]
    assert kept.read(standard_paths().limits_file).accounts == {"openai": "x"}


@pytest.mark.parametrize("arguments", [(), ("openai", "--all")])
def test_a_reset_names_one_link_or_all(left: Agentbox, arguments: tuple[str, ...]) -> None:
    result = left("litellm", "limits", "reset", *arguments)
    assert result.exit_code == 2
    assert "or give --all" in result.err
    assert len(left("litellm", "limits", "--json").document["cooling"]) == 1


def test_a_running_proxy_tells_and_resets(running: Agentbox) -> None:
    assert running("litellm", "limits").out == "no quota window is known\n\nnothing cools\n"
    running("litellm", "ask", "hi")
    told = running("litellm", "limits")
    assert (told.exit_code, told.err) == (0, "")
    row = told.out.splitlines()[-1]
    assert row.startswith("simulated/rate-limited  throttle  ")
    assert running("litellm", "limits", "--json").document["live"] is True

    status = running("litellm", "status").out
    assert status.splitlines()[-1].startswith("simulated/rate-limited  throttle  ")
    assert status.count("Rate limit reached") == 1, "once, though two aliases have the link"

    wrong = running("litellm", "limits", "reset", "simulated/rate-limitd")
    assert wrong.exit_code == 2
    assert "did you mean 'simulated/rate-limited'?" in wrong.err

    forgot = running("litellm", "limits", "reset", "simulated/rate-limited", "--json").document
    assert (forgot["schema"], forgot["live"]) == ("agentbox.limits-reset/1", True)
    assert [row["name"] for row in forgot["cooling"]] == ["simulated/rate-limited"]
    answered = running("litellm", "ask", "hi", "--json").document
    assert answered["attempts"] == "simulated/rate-limited=rate_limit", "it was called again"


def test_a_real_restart_knows_the_limits_until_the_key_changes(
    agentbox: Agentbox, config_yml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = Cast(["openai"])
    try:
        cast["openai"].faults.put("openai/gpt-4o", Fault(status=402))
        config_yml.write_text(json.dumps({"litellm": paid_and_free(cast)}))
        monkeypatch.setenv("OPENAI_API_KEY", "sk-an-empty-account")
        for label in ("payment", "skipped-cooling"):
            assert agentbox("litellm", "restart", "--port", "0").exit_code == 0
            answered = agentbox("litellm", "ask", "hi", "--json").document
            assert answered["attempts"] == f"openai/gpt-4o={label}"
            assert cast["openai"].journal.count("openai/gpt-4o") == 1
        assert "openai asks for payment" in agentbox("litellm", "status").err

        cast["openai"].faults.clear()
        monkeypatch.setenv("OPENAI_API_KEY", "sk-a-full-account")
        assert agentbox("litellm", "restart", "--port", "0").exit_code == 0
        answered = agentbox("litellm", "ask", "hi", "--json").document
        assert (answered["served_by"], answered["attempts"]) == ("openai/gpt-4o", "")
        assert "-account" not in standard_paths().limits_file.read_text()
    finally:
        agentbox("litellm", "stop")
        cast.close()


def paid_and_free(cast: Cast) -> dict[str, Any]:
    return {
        "engine": {"mode": "off"},
        "providers": {"openai": {"api_base": f"{cast.addresses['openai']}/openai/v1"}},
        "models": {
            "default": [
                {"provider": "openai", "model": "gpt-4o"},
                {"provider": "simulated", "model": "echo"},
            ]
        },
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (59.4, "59 s"),
        (61.0, "1 min"),
        (3_599.0, "1 h 0 min"),
        (44_000.0, "12 h 13 min"),
        (90_000.0, "1 d 1 h"),
        (86_399.0, "1 d 0 h"),
    ],
)
def test_spans_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert lasting(seconds) == text
