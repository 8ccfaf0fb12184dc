"""What is gathered, what is left out and why, and how it is packed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst.subject import Gatherer, Piece, packed, split
from agentbox_cli.mcp.analyst.workspace import Workspace
from tests.mcp.analyst.conftest import Git, write


def gatherer(workspace: Workspace) -> Gatherer:
    return Gatherer(workspace=workspace, environ={"MY_TOKEN": "s3cr3t-of-mine"}, keys=["k3y-4711"])


def test_what_is_left_out_is_told_with_the_reason(workspace: Workspace, project: Path) -> None:
    write(project.parent, {"outside.txt": "o"})
    write(
        project,
        {
            "a.py": "x = 's3cr3t-of-mine'  # k3y-4711\n",
            "prod.env": "KEY=1",
            "b.bin": b"\0",
            "empty.py": "",
        },
    )
    (project / "link.txt").symlink_to("../outside.txt")
    (project / "alias.txt").symlink_to("prod.env")
    told = gatherer(workspace).gather(["."])
    assert [(piece.name, piece.text) for piece in told.pieces] == [
        ("a.py", "x = '[redacted]'  # [redacted]\n")
    ]
    assert told.redacted == 2
    assert {each.name: each.why for each in told.skipped} == {
        "alias.txt": "it holds secrets by its name",
        "b.bin": "it is no text",
        "empty.py": "it is empty",
        "link.txt": "'link.txt' leads outside of the workspace",
        "prod.env": "it holds secrets by its name",
    }


def test_a_commit_is_gathered_without_the_files_that_hold_secrets(
    workspace: Workspace, project: Path, git: Git
) -> None:
    write(project, {"a.py": "a\n", ".env": "KEY=of-mine\n"})
    git("add", "-A", "-f")
    git("commit", "-q", "-m", "It takes s3cr3t-of-mine")
    told = gatherer(workspace).gather(["git:HEAD"])
    assert [piece.name for piece in told.pieces] == ["a.py"]
    assert [each.name for each in told.skipped] == [".env"]
    assert told.title.endswith("It takes [redacted]")
    assert "of-mine" not in str(told)


def test_what_is_not_committed_has_new_files_too(
    workspace: Workspace, project: Path, git: Git
) -> None:
    write(project, {"first.py": "changed\n", "new.py": "n\n", "new.pem": "p"})
    told = gatherer(workspace).gather(["git: uncommitted "])
    assert [piece.name for piece in told.pieces] == ["first.py", "new.py"]
    assert [each.name for each in told.skipped] == ["new.pem"]


def test_the_same_file_is_gathered_once(workspace: Workspace, project: Path) -> None:
    write(project, {"a.py": "a\n"})
    told = gatherer(workspace).gather(["a.py", "*.py", ".", " a.py"])
    assert [piece.name for piece in told.pieces] == ["a.py"]


@pytest.mark.parametrize("said", [[], ["none*.py"], ["empty"]])
def test_nothing_to_read_is_an_error_that_says_what_to_name(
    workspace: Workspace, project: Path, said: list[str]
) -> None:
    (project / "empty").mkdir()
    with pytest.raises(UsageError, match="there is nothing to read in") as failed:
        gatherer(workspace).gather(said)
    assert "git:COMMIT" in (failed.value.hint or "")


def test_nothing_but_secrets_is_an_error_that_says_so(workspace: Workspace, project: Path) -> None:
    write(project, {".env": "KEY=1"})
    with pytest.raises(UsageError, match=r"can be read: \.env: it holds secrets by its name"):
        gatherer(workspace).gather([".env"])


TEXTS = st.text(st.characters(codec="utf-8"), max_size=60) | st.text("ab\n", max_size=60)


@given(st.lists(TEXTS.filter(bool), max_size=8), st.integers(1, 50))
def test_packing_loses_nothing_and_keeps_to_the_size(texts: list[str], size: int) -> None:
    pieces = [Piece(name=f"{number}", text=text) for number, text in enumerate(texts)]
    chunks = packed(pieces, size)
    assert all(sum(len(piece.text) for piece in chunk) <= size for chunk in chunks)
    again: dict[str, str] = {}
    for chunk in chunks:
        for piece in chunk:
            again[piece.name] = again.get(piece.name, "") + piece.text
    assert again == {piece.name: piece.text for piece in pieces}


def test_a_long_file_is_split_between_lines() -> None:
    parts = split(Piece(name="a", text="one\ntwo\nthree\n"), 9)
    assert [(part.text, part.part) for part in parts] == [
        ("one\ntwo\n", "part 1 of 2"),
        ("three\n", "part 2 of 2"),
    ]


def test_a_file_that_cannot_be_opened_is_told(workspace: Workspace, project: Path) -> None:
    write(project, {"a.py": "a", "shut.py": "s"})
    (project / "shut.py").chmod(0)
    if os.access(project / "shut.py", os.R_OK):
        pytest.skip("this user may read everything")
    told = gatherer(workspace).gather(["."])
    assert [each.why for each in told.skipped] == ["permission denied"]
