"""The folders of drills: gone with their owner, or with the next drill if that was killed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from agentbox_cli.daemon.lock import acquire
from agentbox_cli.fallback.place import private_paths, temporary_home

PREFIX = "agentbox-drill-"
OWNER = """
import sys
from agentbox_cli.fallback.place import temporary_home
with temporary_home("agentbox-drill-") as home:
    (home / "state").mkdir()
    print(home, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return made


@pytest.fixture
def killed() -> Path:
    """The folder of an owner that was killed."""
    with begun() as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        owner.kill()
    assert (folder / "state").is_dir()
    return folder


def begun() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def next_drill() -> None:
    with temporary_home(PREFIX) as home:
        assert home.is_dir()
    assert not home.exists()


def test_what_a_killed_owner_left_is_removed_by_the_next(place: Path, killed: Path) -> None:
    next_drill()
    assert not killed.exists()
    assert list(place.iterdir()) == []


def test_the_folder_of_an_owner_that_lives_stays() -> None:
    with begun() as owner, temporary_home(PREFIX) as mine:
        assert owner.stdout is not None
        assert owner.stdin is not None
        folder = Path(owner.stdout.readline().strip())
        next_drill()
        assert (folder / "state").is_dir()
        assert mine.is_dir()
        owner.stdin.close()
        assert owner.wait(20) == 0
        assert not folder.exists()


def _open_to_others(folder: Path) -> None:
    folder.chmod(0o755)


def _without_mark(folder: Path) -> None:
    (folder / ".owned").unlink()


def _by_a_link(folder: Path) -> None:
    elsewhere = folder.parent / "not-a-drill"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


@pytest.mark.parametrize("change", [_open_to_others, _without_mark, _by_a_link])
def test_what_may_not_be_ours_stays(killed: Path, change: Callable[[Path], None]) -> None:
    change(killed)
    next_drill()
    assert (killed / "state").is_dir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_user_stays(killed: Path) -> None:
    os.chown(killed, 12_345, 12_345)
    next_drill()
    assert (killed / "state").is_dir()


def test_the_folder_of_a_daemon_that_still_ends_stays(killed: Path) -> None:
    file = private_paths(killed).pid_file
    file.parent.mkdir(parents=True)
    lock = acquire(file)
    assert lock is not None
    with lock:
        next_drill()
        assert killed.exists()
    next_drill()
    assert not killed.exists()


def test_a_temporary_place_that_cannot_be_listed_is_no_hindrance(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "glob", refused)
    next_drill()
