from pathlib import Path

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


def test_one_that_no_chain_uses_goes(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "providers", "remove", "anthropic")
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == [
        "-     anthropic:",
        "-       api_key: ${ANTHROPIC_API_KEY}",
    ]


def test_one_that_chains_use_stays_and_they_are_named(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "providers", "remove", "openai")
    assert (result.exit_code, result.out) == (2, "")
    assert "provider 'openai' is used by aliases code, default, fast, reasoning" in result.err
    assert "--force" in result.err
    assert seed.read_bytes() == before


def test_force_takes_its_links_away_too(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("litellm", "models", "remove", "fast", "2").exit_code == 0
    result = agentbox("litellm", "providers", "remove", "openai", "--force")
    assert (result.exit_code, result.out) == (0, f"wrote {seed}\n")
    assert "openai" not in agentbox("config", "get", "litellm.models").out
    assert "fast" not in agentbox("config", "get", "litellm.models").out
    assert agentbox("config", "check").exit_code == 0
    for kept in ("# Coding-focused model", "# Reasoning model", "# Fallback settings"):
        assert kept in seed.read_text()


def test_one_that_is_not_there_is_a_usage_error(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("litellm", "providers", "remove", "opneai", "--force")
    assert result.exit_code == 2
    assert "did you mean 'openai'?" in result.err
