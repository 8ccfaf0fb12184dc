"""Files of the workspace: which there are, and what is in one."""

import os
from pathlib import Path

import pytest

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst import files
from agentbox_cli.mcp.analyst.workspace import Workspace
from tests.mcp.analyst.conftest import Git, write

TREE: dict[str, str | bytes] = {
    "README.md": "r",
    "src/a.py": "a",
    "src/deep/er/b.py": "b",
    "src/c.txt": "c",
    "build/made.py": "m",
    "[odd].py": "o",
}


def test_a_folder_stands_for_its_files_and_git_says_what_is_ignored(
    workspace: Workspace, project: Path, git: Git
) -> None:
    write(project, {**TREE, ".gitignore": "build/\n"})
    assert files.listed(workspace, "src") == ["src/a.py", "src/c.txt", "src/deep/er/b.py"]
    assert "build/made.py" not in files.listed(workspace, ".")
    assert ".git/config" not in files.listed(workspace, ".")
    # Named by itself, an ignored file is meant.
    assert files.listed(workspace, "build/made.py") == ["build/made.py"]


def test_without_git_hidden_and_made_folders_are_left_out(
    workspace: Workspace, project: Path
) -> None:
    write(project, {**TREE, ".hidden/x.py": "x", "node_modules/y/z.js": "z"})
    assert files.listed(workspace, ".") == [
        "README.md",
        "[odd].py",
        "src/a.py",
        "src/c.txt",
        "src/deep/er/b.py",
    ]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("src/*.py", ["src/a.py"]),
        ("src/**/*.py", ["src/a.py", "src/deep/er/b.py"]),
        ("**/*.py", ["[odd].py", "src/a.py", "src/deep/er/b.py"]),
        ("./src/?.py", ["src/a.py"]),
        ("src/[ab].py", ["src/a.py"]),
        ("src/[!a].*", ["src/c.txt"]),
        ("../**/*", []),
        ("/etc/*", []),
        ("[", []),
    ],
)
def test_patterns(workspace: Workspace, project: Path, pattern: str, names: list[str]) -> None:
    write(project, TREE)
    assert files.listed(workspace, pattern) == names


def test_text_is_read_whatever_its_encoding(workspace: Workspace, project: Path) -> None:
    write(project, {"a.txt": "grün", "old.txt": "gr\xfcn".encode("latin-1")})
    assert files.read(workspace, "a.txt") == "grün"
    assert files.read(workspace, "old.txt") == "gr\ufffdn"


def test_what_is_no_text_is_not_read(workspace: Workspace, project: Path) -> None:
    write(project, {"bin": b"a\0b", "huge.txt": "x" * (files.FILE_LIMIT + 1)})
    os.mkfifo(project / "pipe")
    (project / "folder").mkdir()
    for name, why in {
        "bin": "no text",
        "huge.txt": "larger than 1024 KiB",
        "pipe": "no regular file",
        "folder": "no regular file",
    }.items():
        with pytest.raises(files.UnreadableError, match=why):
            files.read(workspace, name)


def test_a_link_that_leads_outside_is_not_followed(workspace: Workspace, project: Path) -> None:
    write(project.parent, {"secret.txt": "s"})
    (project / "link.txt").symlink_to("../secret.txt")
    with pytest.raises(UsageError, match="outside"):
        files.read(workspace, "link.txt")


def test_a_folder_that_becomes_a_link_meanwhile_is_noticed(
    workspace: Workspace, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project.parent, {"other/a.txt": "secret"})
    write(project, {"src/a.txt": "fine"})
    found = workspace.find("src/a.txt")

    def race(_: Workspace, __: str) -> Path:
        (project / "src").rename(project / "was")
        (project / "src").symlink_to("../other")
        return found

    monkeypatch.setattr(Workspace, "find", race)
    with pytest.raises(files.UnreadableError, match="outside"):
        files.read(workspace, "src/a.txt")
