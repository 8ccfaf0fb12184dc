"""Real programs on a PATH of the test's own."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentbox_cli.agents.installed import find, is_too_old, require, version_of
from agentbox_cli.errors import NotSo
from agentbox_cli.paths import Paths, standard_paths
from tests.agents.shipped import AGENTS

CLAUDE = AGENTS["claude"]


@pytest.fixture
def paths(home: Path) -> Paths:
    return standard_paths()


def program(directory: Path, says: str) -> dict[str, str]:
    """A `claude` that tells a version, and notes each time it is asked; gives its environment."""
    directory.mkdir(exist_ok=True)
    file = directory / "claude"
    file.write_text(f"#!/bin/sh\necho asked >> '{directory}/asked'\n{says}\n")
    file.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def test_an_agent_that_is_not_installed_is_told_with_what_installs_it(
    paths: Paths, tmp_path: Path
) -> None:
    with pytest.raises(NotSo, match="Claude Code is not installed") as raised:
        require(CLAUDE, paths, {"PATH": str(tmp_path)})
    assert raised.value.hint == "npm install -g @anthropic-ai/claude-code"


def test_a_version_that_is_too_old_is_told_with_what_it_must_be(
    paths: Paths, tmp_path: Path
) -> None:
    environ = program(tmp_path / "bin", "echo '1.9.12 (Claude Code)'")
    with pytest.raises(NotSo, match=r"Claude Code 1\.9\.12 is too old; .* 2\.0\.0 or later"):
        require(CLAUDE, paths, environ)


def test_a_program_is_asked_once_until_it_changes(paths: Paths, tmp_path: Path) -> None:
    environ = program(tmp_path / "bin", "echo '2.1.0 (Claude Code)'")
    assert {require(CLAUDE, paths, environ).version for _ in range(3)} == {"2.1.0"}
    assert (tmp_path / "bin/asked").read_text() == "asked\n"
    program(tmp_path / "bin", "echo 'claude 2.10.1, newer'")
    assert require(CLAUDE, paths, environ).version == "2.10.1"


@pytest.mark.parametrize("says", ["echo hello", "exit 3", "echo broken >&2", "kill -9 $$"])
def test_a_program_that_tells_no_version_may_do(paths: Paths, tmp_path: Path, says: str) -> None:
    environ = program(tmp_path / "bin", says)
    found = require(CLAUDE, paths, environ)
    assert (found.version, found.program) == (None, tmp_path / "bin/claude")


def test_a_program_that_fails_once_is_asked_again(paths: Paths, tmp_path: Path) -> None:
    # As Gemini CLI does while its settings are broken.
    environ = program(tmp_path / "bin", f"cat '{tmp_path}/settings' 2>/dev/null || exit 52")
    assert require(CLAUDE, paths, environ).version is None
    (tmp_path / "settings").write_text("2.1.0")
    assert require(CLAUDE, paths, environ).version == "2.1.0"


def test_a_program_that_tells_no_version_is_asked_once(paths: Paths, tmp_path: Path) -> None:
    environ = program(tmp_path / "bin", "echo hello")
    for _ in range(3):
        require(CLAUDE, paths, environ)
    assert (tmp_path / "bin/asked").read_text() == "asked\n"


@pytest.mark.parametrize("text", ["", "[]", '{"x": 3}', "\0"])
def test_a_damaged_cache_is_made_anew(paths: Paths, tmp_path: Path, text: str) -> None:
    environ = program(tmp_path / "bin", "echo 2.1.0")
    paths.agent_versions.parent.mkdir(parents=True)
    paths.agent_versions.write_text(text)
    found = find(CLAUDE, environ)
    assert found is not None
    assert version_of(found, paths, environ) == "2.1.0"


@pytest.mark.parametrize(
    ("version", "minimum", "too_old"),
    [
        ("2.0.0", "2.0.0", False),
        ("1.99.99", "2.0.0", True),
        ("2.10", "2.9.1", False),
        ("0.9", "0.10.0", True),
        (None, "2.0.0", False),
        ("0.0.1", None, False),
    ],
)
def test_versions_are_compared_by_number(
    version: str | None, minimum: str | None, too_old: bool
) -> None:
    assert is_too_old(replace(CLAUDE, minimum=minimum), version) is too_old
