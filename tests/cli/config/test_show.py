from pathlib import Path

from inline_snapshot import snapshot

from agentbox_cli.config.document import parse
from agentbox_cli.config.schema import json_schema
from tests.fakes.commandline import Agentbox


def test_everything_is_filled_in(agentbox: Agentbox, seed: Path) -> None:
    document = agentbox("config", "show", "--json").document
    assert (document["schema"], document["file"]) == ("agentbox.config-show/1", str(seed))
    section = document["litellm"]
    assert section["providers"]["anthropic"] == snapshot(
        {
            "api_base": "https://api.anthropic.com",
            "api_key": "${ANTHROPIC_API_KEY}",
            "protocol": None,
            "headers": {},
        }
    )
    assert section["models"]["default"] == snapshot(
        [
            {
                "provider": "openai",
                "model": "gpt-4o",
                "timeout": 120,
                "stream_timeout": 120,
                "connect_timeout": 10,
                "max_input_tokens": 128000,
                "drop_params": [],
            },
            {
                "provider": "gwdg_saia",
                "model": "llama-3.3-70b",
                "timeout": 120,
                "stream_timeout": 120,
                "connect_timeout": 10,
                "max_input_tokens": 128000,
                "drop_params": [],
            },
        ]
    )
    assert section["router"] == snapshot(
        {
            "num_retries": 3,
            "timeout": 120,
            "stream_timeout": 120,
            "connect_timeout": 10,
            "total_timeout": None,
            "retry_after_seconds": 60,
        }
    )
    assert set(section) == set(json_schema()["$defs"]["LiteLLMConfig"]["properties"])


def test_the_text_is_yaml_of_the_same(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "show")
    assert (result.exit_code, result.err) == (0, "")
    shown = parse(result.out, "shown").data
    assert shown == {"litellm": agentbox("config", "show", "--json").document["litellm"]}


def test_keys_are_masked(agentbox: Agentbox, seed: Path) -> None:
    text = seed.read_text().replace("${OPENAI_API_KEY}", "sk-abcdef0123456789")
    headers = "\n      headers: {x-key: ghijkl, x-project: '${P}'}\n\n    gwdg"
    seed.write_text(text.replace("\n\n    gwdg", headers))
    for options in ((), ("--json",)):
        result = agentbox("config", "show", *options)
        assert result.exit_code == 0
        assert "abcdef" not in result.out
        assert "ghijkl" not in result.out
        assert "dummy" not in result.out
        assert "${P}" in result.out


def test_a_password_in_an_address_is_masked(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(seed.read_text().replace("https://chat-ai", "https://me:pass-word@chat-ai"))
    for line in ("config show", "config show --json", "litellm providers --json"):
        result = agentbox(*line.split())
        assert result.exit_code == 0
        assert "pass-word" not in result.out
        assert "https://************@chat-ai.academiccloud.de/v1" in result.out


def test_a_config_with_errors_amounts_to_nothing(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("litellm:\n  prot: 1\n")
    result = agentbox("config", "show")
    assert (result.exit_code, result.out) == (3, "")
    assert "did you mean 'port'?" in result.err
