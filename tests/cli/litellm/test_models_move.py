from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox
from tests.fakes.edited import edited_lines


def test_the_second_link_becomes_the_first(agentbox: Agentbox, seed: Path) -> None:
    before = seed.read_text()
    result = agentbox("litellm", "models", "move", "default", "2", "1")
    assert (result.exit_code, result.out, result.err) == (0, f"wrote {seed}\n", "")
    after = seed.read_text()
    assert sorted(after.splitlines()) == sorted(before.splitlines())
    assert len(edited_lines(before, after)) == 4
    shown = agentbox("config", "get", "litellm.models.default").out
    assert shown.splitlines()[0] == "- provider: gwdg_saia"
    assert agentbox("litellm", "models", "move", "default", "1", "2").exit_code == 0
    assert seed.read_text() == before


def test_a_link_in_its_place_stays(agentbox: Agentbox, seed: Path) -> None:
    result = agentbox("litellm", "models", "move", "default", "2", "2")
    assert (result.exit_code, result.out) == (0, f"{seed} is so already\n")


@pytest.mark.parametrize("numbers", [("3", "1"), ("1", "3"), ("0", "1"), ("x", "1")])
def test_a_number_that_is_not_there_is_a_usage_error(
    agentbox: Agentbox, seed: Path, numbers: tuple[str, str]
) -> None:
    before = seed.read_bytes()
    assert agentbox("litellm", "models", "move", "default", *numbers).exit_code == 2
    assert seed.read_bytes() == before
