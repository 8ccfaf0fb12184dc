from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


@pytest.mark.parametrize(
    ("number", "lines"),
    [
        ("1", ["-       - provider: openai", "-         model: gpt-4o-mini"]),
        ("2", ["-       - provider: gwdg_saia", "-         model: llama-3.3-70b"]),
    ],
)
def test_a_link_goes_alone(agentbox: Agentbox, seed: Path, number: str, lines: list[str]) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "models", "remove", "fast", number)
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    assert edited_lines(before, seed.read_text()) == lines


def test_an_alias_goes_with_its_own_heading(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    assert agentbox("litellm", "models", "remove", "fast").exit_code == 0
    assert edited_lines(before, seed.read_text()) == [
        "-     # Fast model for quick tasks",
        "-     fast:",
        "-       - provider: openai",
        "-         model: gpt-4o-mini",
        "-       - provider: gwdg_saia",
        "-         model: llama-3.3-70b",
    ]


def test_the_only_link_stays(agentbox: Agentbox, seed: Path) -> None:
    assert agentbox("litellm", "models", "remove", "fast", "2").exit_code == 0
    before = seed.read_bytes()
    result = agentbox("litellm", "models", "remove", "fast", "1")
    assert result.exit_code == 2
    assert "agentbox litellm models remove fast" in result.err
    assert seed.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fsat",), "did you mean 'fast'?"),
        (("xyzzy",), "known: default, fast, code, reasoning"),
        (("fast", "3"), "links count from 1; possible: 1 to 2"),
        (("vision",), "config.yml has no alias 'vision'"),
    ],
)
def test_what_is_not_there_is_a_usage_error(
    agentbox: Agentbox, seed: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = seed.read_bytes()
    result = agentbox("litellm", "models", "remove", *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert message in result.err
    assert seed.read_bytes() == before


def test_an_alias_that_a_pattern_needs_stays(agentbox: Agentbox, seed: Path) -> None:
    # Plugins propose `fast` too, so another alias would take its place.
    text = seed.read_text().replace("    fast:", "    quick:")
    seed.write_text(f'{text}  model_patterns:\n    "gpt-*": quick\n')
    before = seed.read_bytes()
    result = agentbox("litellm", "models", "remove", "quick")
    assert result.exit_code == 3
    assert "unknown alias 'quick'" in result.err
    assert seed.read_bytes() == before
