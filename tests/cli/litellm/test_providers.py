from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.fakes.commandline import Agentbox


def test_the_shape_of_the_json(agentbox: Agentbox, seed: Path) -> None:
    document = agentbox("litellm", "providers", "--json").document
    assert document["schema"] == "agentbox.providers/1"
    providers = {provider["name"]: provider for provider in document["providers"]}
    assert list(providers)[:3] == ["openai", "gwdg_saia", "anthropic"]
    assert providers["anthropic"] == snapshot(
        {
            "name": "anthropic",
            "title": "Anthropic",
            "plugin": "anthropic",
            "distribution": "agentbox-cli",
            "configured": True,
            "api_base": "https://api.anthropic.com",
            "key": "set",
            "key_source": "environment",
            "models": ["claude-opus-4-1", "claude-sonnet-4-5", "claude-haiku-4-5"],
        }
    )
    assert providers["simulated"] == snapshot(
        {
            "name": "simulated",
            "title": "Simulated (answers without a network)",
            "plugin": "simulated",
            "distribution": "agentbox-cli",
            "configured": False,
            "api_base": None,
            "key": "not-needed",
            "key_source": None,
            "models": ["echo", "rate-limited", "down", "hang"],
        }
    )


def test_no_key_is_shown(agentbox: Agentbox, seed: Path) -> None:
    assert "dummy" not in agentbox("litellm", "providers").out
    assert "dummy" not in agentbox("litellm", "providers", "--json").out


def test_a_missing_key_and_an_unused_provider_are_told(
    agentbox: Agentbox, config_yml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_KEY", "dummy-1")
    config_yml.write_text(
        "litellm:\n"
        "  providers:\n"
        "    mine:\n"
        "      api_base: http://127.0.0.1:8000/v1\n"
        "      api_key: ${MINE_KEY}\n"
        "    openai:\n"
        "      api_key: ${OPENAI_API_KEY}\n"
        "  models:\n"
        "    default: [{provider: mine, model: any}]\n"
    )
    result = agentbox("litellm", "providers")
    assert result.exit_code == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert rows[0] == ["PROVIDER", "TITLE", "CONFIGURED", "KEY", "FROM", "ADDRESS"]
    assert rows[1] == ["mine", "mine", "yes", "set", "environment", "http://127.0.0.1:8000/v1"]
    assert rows[2] == ["openai", "OpenAI", "yes", "missing", "https://api.openai.com/v1"]
    assert ["anthropic", "Anthropic", "no", "missing", "https://api.anthropic.com"] in rows[3:]
