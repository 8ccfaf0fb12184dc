"""The command against a real daemon of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox

CONFIG = {
    "models": {
        "default": [
            {"provider": "simulated", "model": "rate-limited"},
            {"provider": "simulated", "model": "echo"},
        ],
        "good": [{"provider": "simulated", "model": "echo"}],
    }
}


@pytest.fixture
def running(agentbox: Agentbox, config_yml: Path) -> Iterator[Agentbox]:
    config_yml.write_text(json.dumps({"litellm": CONFIG}))
    assert agentbox("litellm", "start", "--port", "0").exit_code == 0
    yield agentbox
    assert agentbox("litellm", "stop").exit_code == 0


def asked(agentbox: Agentbox, alias: str) -> str:
    name: str = agentbox("litellm", "ask", "hi", "-m", alias, "--json").document["request_id"]
    return name


def test_without_a_proxy_the_exit_code_is_5(agentbox: Agentbox) -> None:
    for arguments in ((), ("req_1",)):
        result = agentbox("litellm", "explain", *arguments)
        assert (result.exit_code, result.out) == (5, "")
        assert "the proxy is stopped" in result.err


def test_the_stories_of_a_run(running: Agentbox) -> None:
    empty = running("litellm", "explain")
    assert (empty.exit_code, empty.out) == (0, "no requests yet\n")
    smooth, rough = asked(running, "good"), asked(running, "default")

    listed = running("litellm", "explain")
    assert listed.exit_code == 0
    heading, *lines = listed.out.splitlines()
    assert heading.split() == [
        "TIME",
        "REQUEST",
        "ASKED",
        "ENDPOINT",
        "END",
        "SERVED",
        "BY",
        "CALLS",
        "TOOK",
    ]
    assert [line.split()[1] for line in lines] == [rough, smooth]
    only = running("litellm", "explain", "--failed", "--json").document
    assert [row["request_id"] for row in only["requests"]] == [rough]
    one = running("litellm", "explain", "-n", "1", "--json").document
    assert [row["request_id"] for row in one["requests"]] == [rough]

    told = running("litellm", "explain", rough[4:10])
    assert told.exit_code == 0
    assert told.out.startswith(f"{rough}: chat, stream, asked for 'default' by agentbox-ask at ")
    assert "failed: 429 throttle: " in told.out
    assert "answered by simulated/echo after " in told.out
    [advice] = [line for line in told.out.splitlines() if line.startswith("next: ")]
    assert advice.startswith("next: simulated: rate limited, cools ")
    assert advice.endswith(" s more: `agentbox litellm limits`")

    link = running("litellm", "explain", rough, "--json").document["links"][0]
    assert link["state"] == "cooling"
    assert 0 < link["cooldown_s"] <= 30

    unknown = running("litellm", "explain", "req_nobody")
    assert (unknown.exit_code, unknown.out) == (1, "")
    assert "no request 'req_nobody' among the last 1000 since the proxy was started" in unknown.err
    several = running("litellm", "explain", "req_")
    assert several.exit_code == 1
    assert smooth in several.err


def test_a_proxy_that_tells_no_stories_is_to_be_restarted(
    running: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentbox_cli.daemon.explaining.PATH", "/agentbox/of-another-version")
    result = running("litellm", "explain")
    assert result.exit_code == 5
    assert "agentbox litellm restart" in result.err
