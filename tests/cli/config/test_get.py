from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.fakes.commandline import Agentbox


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("litellm.port", "4000\n"),
        ("litellm.enabled", "true\n"),
        ("litellm.models.default[1].model", "llama-3.3-70b\n"),
        ("litellm.providers.openai.api_key", "${OPENAI_API_KEY}\n"),
        (
            "litellm.models.default",
            "- provider: openai\n  model: gpt-4o\n- provider: gwdg_saia\n  model: llama-3.3-70b\n",
        ),
        ("litellm.models.default[1]", "provider: gwdg_saia\nmodel: llama-3.3-70b\n"),
        ("litellm.router", "num_retries: 3\ntimeout: 120\nretry_after_seconds: 60\n"),
    ],
)
def test_a_value_is_printed_as_it_stands_there(
    agentbox: Agentbox, seed: Path, path: str, text: str
) -> None:
    result = agentbox("config", "get", path)
    assert (result.exit_code, result.out, result.err) == (0, text, "")


def test_an_unset_value_is_its_default(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "get", "litellm.router.stream_timeout")
    assert (result.exit_code, result.out) == (0, "120.0\n")
    assert "this is the default" in result.err


def test_what_has_no_default_is_not_there(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "get", "litellm.bind")
    assert (result.exit_code, result.out) == (1, "")
    assert "litellm.bind is not set" in result.err


def test_other_sections_can_be_read(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(f"web_server: {{port: 80}}\n{seed.read_text()}")
    assert agentbox("config", "get", "web_server.port").out == "80\n"
    missing = agentbox("config", "get", "web_sever.port")
    assert missing.exit_code == 2
    assert "did you mean 'web_server'?" in missing.err


def test_a_typing_error_is_answered_with_what_was_meant(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("config", "get", "litellm.router.tiemout")
    assert result.exit_code == 2
    assert "did you mean 'timeout'?" in result.err


def test_a_key_is_masked(agentbox: Agentbox, seed: Path) -> None:
    seed.write_text(seed.read_text().replace("${OPENAI_API_KEY}", "sk-abcdef0123456789"))
    for path in ("litellm.providers.openai.api_key", "litellm.providers.openai", "litellm"):
        for options in ((), ("--json",)):
            result = agentbox("config", "get", path, *options)
            assert result.exit_code == 0
            assert "abcdef" not in result.out
            assert "***" in result.out


def test_the_json_of_a_value(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("config", "get", "litellm.models.fast[0]", "--json").document == snapshot(
        {
            "schema": "agentbox.config-get/1",
            "path": "litellm.models.fast[0]",
            "set": True,
            "value": {"provider": "openai", "model": "gpt-4o-mini"},
        }
    )
    unset = agentbox("config", "get", "litellm.engine.mode", "--json")
    assert (unset.document["set"], unset.document["value"]) == (False, "eager")


def test_a_config_with_errors_can_be_read(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("litellm:\n  prot: 1\n")
    assert agentbox("config", "get", "litellm.prot").out == "1\n"


def test_a_broken_file_is_shown_where_it_breaks(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("litellm: [\n")
    result = agentbox("config", "get", "litellm.port")
    assert result.exit_code == 3
    assert "config.yml:" in result.err


KEY = "0a1b2c3d4e5f60718293a4b5"
KEYS = f"""\
# once {KEY}
web:
  dsn: postgres://me:{KEY}@db/web
litellm:
  providers:
    lab:  # {KEY}
      api_base: https://me:pass-word@lab.example/v1
      api_key: {KEY}  # was {KEY}
  models:
    default: [{{provider: lab, model: {KEY}}}]
  model_patterns: {{{KEY}: default}}
"""


@pytest.mark.parametrize(
    "path",
    [
        "litellm",
        "web",
        "web.dsn",
        "litellm.providers",
        "litellm.providers.lab.api_base",
        "litellm.models.default[0].model",
        "litellm.model_patterns",
    ],
)
def test_a_key_is_masked_wherever_it_stands(
    agentbox: Agentbox, config_yml: Path, path: str
) -> None:
    config_yml.write_text(KEYS)
    for options in ((), ("--json",)):
        result = agentbox("config", "get", path, *options)
        assert result.exit_code == 0
        assert KEY not in result.out
        assert "pass-word" not in result.out
        assert "***" in result.out


def test_a_section_that_is_not_set_has_its_defaults(agentbox: Agentbox, config_yml: Path) -> None:
    config_yml.write_text("litellm: {}\n")
    document = agentbox("config", "get", "litellm.fallbacks", "--json").document
    assert document["set"] is False
    assert document["value"] == {
        "on_rate_limit": True,
        "on_context_window": True,
        "on_error": True,
    }


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("litellm.models.default[2]", "litellm.models.default has 2 items, from [0] on"),
        ("litellm.models.default[2].model", "litellm.models.default has 2 items, from [0] on"),
        ("litellm.models.defalt", "did you mean 'default'?"),
        ("litellm.providers.opnai.api_key", "did you mean 'openai'?"),
        ("litellm.bind", "agentbox config show"),
    ],
)
def test_what_is_not_there_leads_to_what_is(
    agentbox: Agentbox, seed: Path, path: str, told: str
) -> None:
    result = agentbox("config", "get", path)
    assert (result.exit_code, result.out) == (1, "")
    assert told in result.err


def test_a_section_that_is_known_but_not_there_is_no_typing_error(
    agentbox: Agentbox, seed: Path
) -> None:
    result = agentbox("config", "get", 'litellm.model_patterns["claude-*"]')
    assert result.exit_code == 1
    assert result.err.endswith("is not set\nhint: agentbox config show tells what holds\n")
    assert seed.exists()
