"""Who analyses, and how much fits into one question."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.mcp.analyst import size
from agentbox_cli.mcp.analyst.size import reader_of
from agentbox_cli.providers.load import load_setup
from agentbox_cli.providers.resolved import Resolved


def link(model: str, window: int | None, provider: str = "simulated") -> dict[str, Any]:
    told = {"provider": provider, "model": model}
    return told if window is None else {**told, "max_input_tokens": window}


@pytest.fixture
def resolved(tmp_path: Path) -> Resolved:
    models = {
        "default": [link("echo", 20_000), link("down", 12_000)],
        "code": [link("echo", 50_000), link("gpt-4o", 9_000, "openai")],
        "vectors": [link("text-embedding-3-small", None, "openai")],
        "unknown": [link("echo", None)],
        "tiny": [link("echo", 5_000)],
        "vast": [link("echo", 2_000_000)],
    }
    file = tmp_path / "config.yml"
    file.write_text(json.dumps({"litellm": {"providers": {"openai": {}}, "models": models}}))
    return load_setup(file, {}, None).resolved


def characters(window: int, answer: int) -> int:
    return (window - answer - size.QUESTION_TOKENS) * size.CHARACTERS_PER_TOKEN


def test_the_smallest_usable_window_decides(resolved: Resolved) -> None:
    default = reader_of(resolved, None, ("reasoning", "default"), 4_096)
    assert (default.model, default.characters) == ("default", characters(12_000, 4_096))
    # The link with the smaller window has no key.
    code = reader_of(resolved, None, ("code", "default"), 4_096)
    assert (code.model, code.characters) == ("code", characters(50_000, 4_096))


def test_an_unknown_window_is_taken_for_a_small_one(resolved: Resolved) -> None:
    told = reader_of(resolved, "unknown", (), 1_000)
    assert told.characters == characters(size.UNKNOWN_WINDOW, 1_000)


def test_a_vast_window_is_not_filled(resolved: Resolved) -> None:
    assert reader_of(resolved, "vast", (), 4_096).characters == size.LARGEST


def test_a_window_that_the_answer_fills_is_refused(resolved: Resolved) -> None:
    with pytest.raises(UsageError, match="the smallest window of tiny has 5,000 tokens"):
        reader_of(resolved, "tiny", (), 4_096)
    assert reader_of(resolved, "tiny", (), 1_024).characters == characters(5_000, 1_024)


def test_an_alias_is_named_or_the_first_that_there_is(resolved: Resolved) -> None:
    assert reader_of(resolved, None, ("nobody",), 100).model == "default"
    assert reader_of(resolved, "simulated/echo", (), 100).model == "simulated/echo"
    with pytest.raises(ConfigError, match="did you mean 'code'"):
        reader_of(resolved, "cod", (), 100)


def test_without_a_chain_that_chats_the_next_step_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    models = {"vectors": [link("text-embedding-3-small", None, "openai")]}
    file.write_text(json.dumps({"litellm": {"providers": {"openai": {}}, "models": models}}))
    resolved = load_setup(file, {}, None).resolved
    with pytest.raises(ConfigError, match="no alias of the config can analyse") as failed:
        reader_of(resolved, None, ("reasoning",), 100)
    assert failed.value.hint == "run: agentbox litellm init"
