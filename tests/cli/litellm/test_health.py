"""`health` asks a port, whoever serves there."""

import json
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox

CONFIG = {
    "port": 0,
    "engine": {"mode": "off"},
    "models": {"default": [{"provider": "simulated", "model": "echo"}]},
}


def writes(home: Path, section: object) -> None:
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"litellm": section}))


# A port where nobody of this machine listens: the discard service of old.
CLOSED = "9"


def test_a_proxy_answers(agentbox: Agentbox, home: Path) -> None:
    writes(home, CONFIG)
    assert agentbox("litellm", "start").exit_code == 0
    port = agentbox("litellm", "status", "--json").document["port"]
    found = agentbox("litellm", "health", "--port", str(port))
    assert (found.exit_code, found.out) == (0, f"the proxy answers on http://127.0.0.1:{port}\n")
    assert agentbox("litellm", "stop").exit_code == 0
    assert agentbox("litellm", "health", "--port", str(port)).exit_code == 1


def test_none_answers(agentbox: Agentbox) -> None:
    found = agentbox("litellm", "health", "--port", CLOSED)
    assert (found.exit_code, found.out) == (1, "no proxy answers on http://127.0.0.1:9\n")


def test_the_port_is_that_of_the_environment_or_the_config(
    agentbox: Agentbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes(home, {**CONFIG, "port": 7})
    assert agentbox("litellm", "health", "--json").document["url"] == "http://127.0.0.1:7"
    monkeypatch.setenv("LITELLM_PORT", "9")
    assert agentbox("litellm", "health", "--json").document["url"] == "http://127.0.0.1:9"
    monkeypatch.setenv("LITELLM_PORT", "x")
    assert agentbox("litellm", "health").exit_code == 2


@pytest.mark.parametrize(
    ("section", "code", "said"),
    [
        ({**CONFIG, "enabled": False}, 0, "no proxy is wanted: "),
        (CONFIG, 1, "no proxy answers"),
        ({"port": "x"}, 1, "no proxy answers"),
    ],
)
def test_where_none_is_wanted_all_is_well(
    agentbox: Agentbox, home: Path, section: object, code: int, said: str
) -> None:
    writes(home, section)
    found = agentbox("litellm", "health", "--if-enabled", "--port", CLOSED)
    assert (found.exit_code, found.out.startswith(said)) == (code, True)


def test_without_a_config_none_is_wanted(agentbox: Agentbox) -> None:
    assert agentbox("litellm", "health", "--port", CLOSED, "--if-enabled").exit_code == 0


def test_where_a_socket_is_mounted_a_bridge_is_wanted(
    agentbox: Agentbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTBOX_SOCKET", str(tmp_path / "litellm.sock"))
    assert agentbox("litellm", "health", "--port", CLOSED, "--if-enabled").exit_code == 1
