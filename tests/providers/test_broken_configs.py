"""Configs with a fault each, written by hand, and where the fault is to be found."""

import shutil
from pathlib import Path

import pytest

from agentbox_cli.config.problems import render_one
from agentbox_cli.config.rules import MEANING, Rule
from agentbox_cli.providers.load import find_problems

BROKEN = Path(__file__).parent.parent / "data" / "broken"
KEYS = {"OPENAI_API_KEY": "dummy-1", "GWDG_API_KEY": "dummy-2", "ANTHROPIC_API_KEY": "dummy-3"}


def expectations() -> dict[str, list[str]]:
    """Of each file, `line:column:severity:part of the message`."""
    found: dict[str, list[str]] = {}
    for line in (BROKEN / "expected.txt").read_text().splitlines():
        if line.startswith("  "):
            found[list(found)[-1]].append(line.strip())
        elif line and not line.startswith("#"):
            found[line] = []
    return found


EXPECTED = expectations()


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files, closed to others: a checkout may have any mode, which would be told too."""
    folder = tmp_path_factory.mktemp("broken")
    for file in BROKEN.glob("*.yml"):
        shutil.copyfile(file, folder / file.name)
        (folder / file.name).chmod(0o600)
    return folder


@pytest.mark.parametrize("name", EXPECTED)
def test_the_fault_is_told_at_its_place_and_nothing_else(private: Path, name: str) -> None:
    problems = find_problems(private / name, KEYS, None)
    told = [f"{p.line}:{p.column}:{p.severity.value}:{p.message}" for p in problems]
    for expected in EXPECTED[name]:
        place, part = expected.rsplit(":", 1)[0], expected
        place = ":".join(expected.split(":")[:3])
        part = expected.removeprefix(f"{place}:")
        assert any(line.startswith(f"{place}:") and part in line for line in told), told
    assert len(told) == len(EXPECTED[name]), told
    for problem in problems:
        assert problem.end_column > problem.column
        assert "Traceback" not in render_one(problem, name)


def test_every_file_is_expected_to_say_something() -> None:
    assert {path.name for path in BROKEN.glob("*.yml")} == set(EXPECTED)
    assert all(EXPECTED.values())
    assert len(EXPECTED) >= 60


def test_nearly_every_rule_has_a_file(private: Path) -> None:
    """The others need a plugin, a file of keys, a variable of ours, or no file at all."""
    told = {p.rule for name in EXPECTED for p in find_problems(private / name, KEYS, None)}
    others = {Rule.KEY_UNUSABLE, Rule.KEY_SOURCE, Rule.PROVIDER_CONFLICT, Rule.UNREADABLE}
    assert set(Rule) - told == others


def test_every_rule_says_what_it_means() -> None:
    assert set(MEANING) == set(Rule)
