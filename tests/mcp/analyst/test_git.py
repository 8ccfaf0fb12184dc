"""git in folders that may not be trusted: real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst import git as asked
from tests.mcp.analyst.conftest import Git, write


def test_a_commit_is_told_file_by_file(project: Path, git: Git) -> None:
    write(project, {"a.py": "a\n", "ü/b c.py": "b\n", "first.py": "print('second')\n"})
    git("add", "-A")
    git("commit", "-q", "-m", "More\n\nand why")
    told = asked.changes(project, "HEAD")
    assert told.title.endswith(": More\n\nand why")
    assert told.names == ("a.py", "first.py", "ü/b c.py")
    assert [change.name for change in told.each] == list(told.names)
    assert "-print('first')\n+print('second')" in told.each[1].patch
    assert told.whole


def test_the_first_commit_and_a_merge_are_told_too(project: Path, git: Git) -> None:
    first = asked.changes(project, "HEAD")
    assert (first.names, "+print('first')" in first.each[0].patch) == (("first.py",), True)
    git("checkout", "-q", "-b", "side")
    write(project, {"side.py": "side\n"})
    git("add", "-A")
    git("commit", "-q", "-m", "Side")
    git("checkout", "-q", "main")
    write(project, {"main.py": "main\n"})
    git("add", "-A")
    git("commit", "-q", "-m", "Main")
    git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    assert asked.changes(project, "HEAD").names == ("side.py",)
    assert asked.changes(project, "main~1..side").names == ("main.py", "side.py")
    assert asked.changes(project, "HEAD^1...side").names == ("side.py",)
    assert "- Side" in asked.changes(project, "HEAD^1...side").title


def test_what_is_not_committed_is_told(project: Path, git: Git) -> None:
    write(project, {"staged.py": "s\n", "first.py": "changed\n", "new.py": "n\n"})
    git("add", "staged.py")
    assert asked.changes(project, "staged").names == ("staged.py",)
    assert asked.changes(project, "uncommitted").names == ("first.py", "staged.py")
    assert asked.untracked(project) == ["new.py"]


def test_a_repository_without_a_commit_is_no_failure(project: Path, git: Git) -> None:
    git("update-ref", "-d", "HEAD")
    assert asked.changes(project, "uncommitted").names == ("first.py",)
    with pytest.raises(UsageError, match="there is no commit 'HEAD'"):
        asked.changes(project, "HEAD")


def test_only_what_is_below_the_folder_is_told(project: Path, git: Git) -> None:
    write(project, {"in/a.py": "a\n", "out/b.py": "b\n"})
    git("add", "-A")
    git("commit", "-q", "-m", "Both")
    told = asked.changes(project / "in", "HEAD")
    assert told.names == ("a.py",)
    assert "out" not in "".join(change.patch for change in told.each)


@pytest.mark.parametrize(
    "said",
    [
        "nonsense",
        "",
        "--output=stolen",
        "-h",
        "HEAD --output=stolen",
        "--output=stolen..HEAD",
        "HEAD..--output=stolen",
        "HEAD:first.py",
        "a\0b",
        ":/",
        "HEAD^{tree}",
    ],
)
def test_a_commit_that_there_is_not_is_refused_and_nothing_is_written(
    project: Path, git: Git, said: str
) -> None:
    with pytest.raises(UsageError, match="there is no commit") as failed:
        asked.changes(project, said)
    assert "staged" in (failed.value.hint or "")
    assert not (project / "stolen").exists()


def test_a_folder_without_git_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository"):
        asked.changes(tmp_path, "HEAD")
    assert asked.tracked(tmp_path) is None


def test_nothing_of_a_repositorys_config_is_run(
    project: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "diff.external",
        "core.pager",
        "diff.x.textconv",
        "diff.x.command",
    ):
        git("config", name, str(trap))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND"):
        monkeypatch.setenv(name, str(trap))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    write(project, {".gitattributes": "*.py diff=x\n", "first.py": "changed\n"})
    (project / ".git/hooks/post-index-change").symlink_to(trap)
    assert "first.py" in asked.changes(project, "uncommitted").names
    assert asked.changes(project, "HEAD").names == ("first.py",)
    assert "first.py" in (asked.tracked(project) or [])
    assert not (tmp_path / "sprung").exists()


def test_no_filter_of_a_repository_or_submodule_is_run(
    project: Path, git: Git, tmp_path: Path
) -> None:
    trap = f"touch {tmp_path}/sprung; cat"
    write(project, {"first.py": "print('fresh')\n", "a.md": "a\n", "sub/b.py": "b1\n"})
    git("init", "-q", "sub")
    git("-C", "sub", "add", "-A")
    git("-C", "sub", "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "s")
    git("-c", "advice.addEmbeddedRepo=false", "add", "-A")
    for folder, name in ((".", "x"), ("sub", "y")):
        git("-C", folder, "config", f"filter.{name}.clean", trap)
        git("-C", folder, "config", "filter.e=v.process", trap)
        git("-C", folder, "config", "filter.e=v.required", "true")
        rules = project / folder / ".git/info/attributes"
        rules.parent.mkdir(exist_ok=True)
        rules.write_text(f'*.py filter={name}\n*.md filter="e=v"\n*.md filter=e=v\n')
    # As long as before, so that git has to read them.
    write(project, {"first.py": "print('newer')\n", "a.md": "b\n", "sub/b.py": "b2\n"})
    told = asked.changes(project, "uncommitted")
    assert set(told.names) == {"a.md", "first.py", "sub"}
    assert not (tmp_path / "sprung").exists()


def test_no_signature_is_checked_by_a_program_of_the_repository(
    project: Path, git: Git, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\nexit 1\n")
    trap.chmod(0o755)
    head, _, message = git("cat-file", "commit", "HEAD").partition("\n\n")
    signature = "-----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    write(tmp_path, {"signed": f"{head}\ngpgsig {signature}\n\n{message}\n"})
    signed = git("hash-object", "-t", "commit", "-w", str(tmp_path / "signed"))
    git("config", "gpg.program", str(trap))
    git("config", "log.showSignature", "true")
    asked.changes(project, signed)
    asked.changes(project, f"HEAD..{signed}")
    assert not (tmp_path / "sprung").exists()


def test_files_elsewhere_are_not_told(project: Path, git: Git, tmp_path: Path) -> None:
    write(tmp_path / "private", {"first.py": "PRIVATE\n"})
    git("config", "core.worktree", str(tmp_path / "private"))
    with pytest.raises(UsageError, match="has its files in"):
        asked.changes(project, "uncommitted")


def _private(tmp_path: Path, *how: str) -> Path:
    """A repository of the user's own that the folder has no part in."""
    other = tmp_path / "private"
    run = ("git", "-c", "user.name=me", "-c", "user.email=me@localhost", "-C", str(other))
    subprocess.run(["git", "init", "-q", *how, str(other)], check=True)
    tree = subprocess.check_output([*run, "hash-object", "-wt", "tree", os.devnull], text=True)
    made = [*run, "commit-tree", "-m", "Private", tree.strip()]
    commit = subprocess.check_output(made, text=True).strip()
    subprocess.run([*run, "update-ref", "HEAD", commit], check=True)
    return other if how else other / ".git"


@pytest.mark.parametrize("how", [(), ("--bare",)])
def test_commits_of_another_repository_are_not_told(tmp_path: Path, how: tuple[str, ...]) -> None:
    write(tmp_path, {"folder/.git": f"gitdir: {_private(tmp_path, *how)}\n"})
    with pytest.raises(UsageError, match=r"(knows nothing of it|has its files in)"):
        asked.changes(tmp_path / "folder", "HEAD")


@pytest.mark.usefixtures("git")
def test_commits_of_another_repository_are_not_told_as_common_ones(
    project: Path, tmp_path: Path
) -> None:
    write(project, {".git/commondir": f"{_private(tmp_path)}\n"})
    with pytest.raises(UsageError, match="knows nothing of it"):
        asked.changes(project, "refs/heads/master")


def test_linked_working_trees_and_submodules_are_told(
    project: Path, git: Git, tmp_path: Path
) -> None:
    git("worktree", "add", "-q", str(tmp_path / "linked"))
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(project), "sub")
    for folder in (tmp_path / "linked", project / "sub"):
        assert asked.changes(folder, "HEAD").names == ("first.py",)


def test_a_diff_without_end_is_cut_off(
    project: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "OUTPUT_LIMIT", 4_000)
    write(project, {"a.py": "a\n" * 1_500, "b.py": "b\n" * 1_500})
    git("add", "-A")
    told = asked.changes(project, "staged")
    assert told.names == ("a.py", "b.py")
    assert not told.whole
    assert [change.name for change in told.each] == ["a.py"]


def test_names_that_are_no_text_do_no_harm(project: Path, git: Git) -> None:
    odd = b'odd\n"\xff.py'
    (Path(os.fsdecode(os.fsencode(project) + b"/" + odd))).write_text("odd\n")
    git("add", "-A")
    told = asked.changes(project, "staged")
    assert told.names == (os.fsdecode(odd),)
    assert told.each == ()
