"""`agentbox __complete`: silent whatever happens."""

from pathlib import Path

import pytest

from tests.cli.completion.conftest import CONFIG
from tests.fakes.commandline import Agentbox


def test_the_words_are_printed_and_kept(agentbox: Agentbox, tmp_path: Path, home: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text(CONFIG, encoding="utf-8")
    result = agentbox("__complete", "alias", str(file))
    assert (result.exit_code, result.err) == (0, "")
    assert result.out.splitlines()[:2] == [f"# {file}", "default\topenai/gpt-4o, openai/o1"]
    assert (home / "cache/agentbox/complete/alias").read_text() == result.out


def test_words_that_cannot_be_kept_are_printed(
    agentbox: Agentbox, tmp_path: Path, home: Path
) -> None:
    (home / "cache").write_text("no directory")
    result = agentbox("__complete", "alias", str(tmp_path / "config.yml"))
    assert (result.exit_code, result.err) == (0, "")
    assert result.out.startswith("# ")


@pytest.mark.parametrize(
    "arguments", [(), ("alias",), ("nosuch", "/x"), ("alias", "/x", "y"), ("alias", "a\0b")]
)
def test_what_makes_no_sense_fails_without_a_word(
    agentbox: Agentbox, arguments: tuple[str, ...]
) -> None:
    result = agentbox("__complete", *arguments)
    assert (result.out == "") == (result.exit_code == 1)
    assert result.err == ""
