"""`start --if-enabled` where no proxy is wanted, and where that cannot be known."""

import json
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox


def writes(home: Path, text: str) -> None:
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text)


def test_without_a_config_nothing_is_started(agentbox: Agentbox) -> None:
    result = agentbox("litellm", "start", "--if-enabled")
    assert (result.exit_code, result.out) == (0, "")
    assert result.err.startswith("no proxy is started: there is no config file; looked for /host-")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version: 1\n", "has no litellm section"),
        ("# nothing\n", "has no litellm section"),
        ("litellm:\n  enabled: false\n", "says litellm.enabled: false"),
    ],
)
def test_a_config_that_wants_none_is_no_error(
    agentbox: Agentbox, home: Path, text: str, why: str
) -> None:
    writes(home, text)
    result = agentbox("litellm", "start", "--if-enabled")
    assert (result.exit_code, result.out) == (0, "")
    assert result.err == f"no proxy is started: {home}/config/agentbox/config.yml {why}\n"
    assert agentbox("litellm", "start").exit_code == 3


@pytest.mark.parametrize("text", ["litellm:\n  prot: 1\n", "litellm: [\n", "[1]\n"])
def test_a_config_that_is_wrong_is_one(agentbox: Agentbox, home: Path, text: str) -> None:
    writes(home, text)
    result = agentbox("litellm", "start", "--if-enabled")
    assert (result.exit_code, result.out) == (3, "")
    assert result.err.startswith("error: ")


def test_a_config_that_is_named_must_be_there(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert agentbox("--config", "/no.yml", "litellm", "start", "--if-enabled").exit_code == 3
    monkeypatch.setenv("AGENTBOX_CONFIG", "/no.yml")
    assert agentbox("litellm", "start", "--if-enabled").exit_code == 3


def test_where_there_is_no_home_it_is_said(
    agentbox: Agentbox, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/nowhere")
    links = [{"provider": "simulated", "model": "echo"}]
    writes(
        home, json.dumps({"litellm": {"models": {"default": links}, "engine": {"mode": "off"}}})
    )
    result = agentbox("litellm", "start", "--port", "0")
    assert result.exit_code == 0, result.err
    assert "no home can be written to: state, key and usage are in " in result.err
    assert agentbox("litellm", "stop").exit_code == 0
