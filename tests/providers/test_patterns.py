"""Where names lead that are none of ours."""

from pathlib import Path

import pytest

from agentbox_cli.providers.load import load_setup
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy.names import Names

LINK = "[{provider: simulated, model: echo}]"


def served(tmp_path: Path, aliases: str, more: str = "") -> Resolved:
    models = ", ".join(f"{alias}: {LINK}" for alias in aliases.split())
    file = tmp_path / "config.yml"
    file.write_text(f"litellm:\n  models: {{{models}}}\n{more}")
    return load_setup(file, {}, None).resolved


def lead(resolved: Resolved, name: str) -> str | None:
    chain = Names(resolved).chain(name)
    return chain.alias if chain else None


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("claude-opus-5-5", "code"),
        ("claude-sonnet-5-5", "code"),
        ("claude-haiku-5-5", "fast"),
        ("claude-3-5-haiku-20241022", "fast"),
        ("gpt-5-codex", "code"),
        ("gpt-5.1-codex-max", "code"),
        ("gpt-5.1-codex-mini", "fast"),
        ("gpt-5-mini", "fast"),
        ("gpt-5", None),
        ("claude-instant-1", None),
    ],
)
def test_names_of_agents_lead_to_the_alias_for_their_work(
    tmp_path: Path, name: str, alias: str | None
) -> None:
    assert lead(served(tmp_path, "default code fast"), name) == alias


def test_without_the_best_alias_the_next_best_is_taken(tmp_path: Path) -> None:
    resolved = served(tmp_path, "default")
    assert {lead(resolved, name) for name in ("claude-opus-5-5", "gpt-5-mini")} == {"default"}


def test_without_any_such_alias_a_name_stays_unknown(tmp_path: Path) -> None:
    resolved = served(tmp_path, "other")
    assert resolved.patterns == ()
    assert lead(resolved, "claude-opus-5-5") is None


def test_one_line_in_the_config_overrides_a_pattern(tmp_path: Path) -> None:
    patterns = '  model_patterns: {"claude-*opus*": fast, "gpt-5*": default}\n'
    resolved = served(tmp_path, "default code fast", patterns)
    assert lead(resolved, "claude-opus-5-5") == "fast"
    assert lead(resolved, "claude-sonnet-5-5") == "code"
    assert lead(resolved, "gpt-5-mini") == "default"
    sources = {each.pattern: each.source for each in resolved.patterns}
    assert sources["claude-*opus*"] == "config"
    assert sources["claude-*sonnet*"] == "agent claude"


def test_without_the_agents_there_are_no_such_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yml"
    file.write_text(f"litellm: {{models: {{default: {LINK}}}}}\n")
    resolved = load_setup(file, {"AGENTBOX_DISABLE_PLUGINS": "agents"}, None).resolved
    assert resolved.patterns == ()
