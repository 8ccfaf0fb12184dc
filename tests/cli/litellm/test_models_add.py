from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines

LINK = ["+       - provider: anthropic", "+         model: claude-sonnet-4-5"]


@pytest.mark.parametrize("options", [(), ("--at", "1"), ("--at", "2"), ("--at", "3")], ids=str)
def test_a_link_takes_two_lines_and_no_other_changes(
    agentbox: Agentbox, seed: Path, options: tuple[str, ...]
) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "models", "add", "fast", "anthropic/claude-sonnet-4-5", *options)
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == LINK
    listed = agentbox("litellm", "models", "--json").document["aliases"]
    (fast,) = [alias for alias in listed if alias["alias"] == "fast"]
    number = int(options[1]) if options else 3
    assert fast["links"][number - 1]["provider"] == "anthropic"


def test_an_unknown_alias_is_made_before_the_next_heading(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "models", "add", "big", "gwdg_saia/org/model-1")
    assert result.exit_code == 0
    assert edited_lines(before, seed.read_text()) == [
        "+     big:",
        "+       - provider: gwdg_saia",
        "+         model: org/model-1",
    ]
    text = seed.read_text()
    assert text.index("big:") < text.index("# Fallback settings")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fast", "gpt-4o"), 2, "no provider/model"),
        (("fast", "openai/"), 2, "no provider/model"),
        (("fast", "openai/o1", "--at", "4"), 2, "links count from 1; possible: 1 to 3"),
        (("fast", "openai/o1", "--at", "0"), 2, "links count from 1"),
        (("new", "openai/o1", "--at", "2"), 2, "possible: 1"),
        (("fast", "opneai/o1"), 3, "did you mean 'openai'?"),
        (("a b", "openai/o1"), 3, "this name cannot be used"),
        (("fast", "openai/text-embedding-3-small"), 3, "mixes chat and embedding"),
    ],
)
def test_what_does_not_fit_leaves_the_file_alone(
    agentbox: Agentbox, seed: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "models", "add", *arguments)
    assert (result.exit_code, result.out) == (code, "")
    assert message in result.err
    assert seed.read_bytes() == before


def test_a_dry_run_writes_nothing(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "models", "add", "fast", "openai/o1", "--dry-run")
    assert (result.exit_code, seed.read_bytes()) == (0, before)
    assert "+        model: o1\n" in result.out
