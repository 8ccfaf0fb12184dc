"""A project of its own, with git."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentbox_cli.mcp.analyst.workspace import Workspace, workspace_of

Git = Callable[..., str]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "project"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def workspace(project: Path) -> Workspace:
    return workspace_of([project], named=True)


@pytest.fixture
def git(project: Path) -> Git:
    """Runs git in the project, which is a repository with a first commit."""

    def run(*arguments: str) -> str:
        me = ["-c", "user.name=Me", "-c", "user.email=me@example.org"]
        done = subprocess.run(
            ["git", *me, *arguments], cwd=project, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    (project / "first.py").write_text("print('first')\n")
    run("add", "-A")
    run("commit", "-q", "-m", "The first commit")
    return run


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Write files, folders made as needed."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
