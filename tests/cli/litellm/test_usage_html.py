"""`usage --html`: one file, for its owner only, whole or not at all."""

import stat
from pathlib import Path

import pytest

from tests.fakes.commandline import Agentbox

USAGE = ("litellm", "usage")


def test_it_is_written_for_its_owner_even_before_the_first_use(
    agentbox: Agentbox, tmp_path: Path
) -> None:
    file = tmp_path / "usage.html"
    told = agentbox(*USAGE, "--html", str(file))
    assert (told.exit_code, told.out) == (0, f"wrote {file}; open it in a browser\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("<!doctype html>")
    assert [each.name for each in tmp_path.glob("*usage*")] == ["usage.html"]


def test_where_it_cannot_be_written_it_says_so(agentbox: Agentbox, tmp_path: Path) -> None:
    told = agentbox(*USAGE, "--html", str(tmp_path / "nowhere" / "usage.html"))
    assert told.exit_code == 1
    assert "cannot write" in told.err
    assert "No such file or directory" in told.err


@pytest.mark.parametrize("other", ["--json", "--csv", "--plot"])
def test_it_goes_with_no_other_form(agentbox: Agentbox, tmp_path: Path, other: str) -> None:
    told = agentbox(*USAGE, "--html", str(tmp_path / "usage.html"), other)
    assert told.exit_code == 2
    assert not (tmp_path / "usage.html").exists()


def test_a_file_that_others_could_read_is_closed_to_them(
    agentbox: Agentbox, tmp_path: Path
) -> None:
    file = tmp_path / "usage.html"
    file.write_text("old")
    file.chmod(0o644)
    (tmp_path / "link.html").symlink_to(file)
    assert agentbox(*USAGE, "--html", str(tmp_path / "link.html")).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("<!doctype html>")


def test_what_is_no_regular_file_is_left_alone(agentbox: Agentbox, tmp_path: Path) -> None:
    told = agentbox(*USAGE, "--html", str(tmp_path))
    assert (told.exit_code, "it is no regular file" in told.err) == (1, True)
