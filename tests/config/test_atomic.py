import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.config.atomic import ChangedMeanwhileError, replace_file

OLD, NEW = b"a: 1\n", b"a: 2  # longer\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "c.yml"
    file.write_bytes(OLD)
    return file


def entries(file: Path) -> list[str]:
    return sorted(entry.name for entry in file.parent.iterdir() if entry.is_file())


def refuse(code: int) -> Any:
    def call(*arguments: Any, **more: Any) -> None:
        raise OSError(code, os.strerror(code))

    return call


def test_extended_attributes_and_the_mode_stay(file: Path) -> None:
    file.chmod(0o640)
    try:
        os.setxattr(file, "user.origin", b"dotfiles")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    replace_file(file, NEW, mode=0o600)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (NEW, 0o640)
    assert os.getxattr(file, "user.origin") == b"dotfiles"


def test_all_names_of_a_file_get_the_new_text(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.yml").hardlink_to(file)
    replace_file(file, NEW, mode=0o600)
    assert (tmp_path / "other.yml").read_bytes() == NEW
    assert (tmp_path / "other.yml").samefile(file)
    replace_file(file, b"s\n", mode=0o600)
    assert file.read_bytes() == b"s\n"


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_cannot_be_replaced_is_written_in_place(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    inode = file.stat().st_ino
    monkeypatch.setattr(Path, "replace", refuse(code))
    replace_file(file, NEW, mode=0o600)
    assert (file.read_bytes(), file.stat().st_ino, entries(file)) == (NEW, inode, ["c.yml"])


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def open_file() -> Iterator[Path]:
    """A file in a directory that everybody can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "c.yml"
        file.write_bytes(OLD)
        yield file


AS_NOBODY = """
import os, sys
from pathlib import Path
from agentbox_cli.config.atomic import replace_file
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
try:
    replace_file(Path(sys.argv[1]), b"a: 2  # longer\\n", mode=0o600, expected=b"a: 1\\n")
except OSError as error:
    sys.exit(error.errno)
"""


def as_nobody(file: Path) -> int:
    return subprocess.run([sys.executable, "-c", AS_NOBODY, file], check=False).returncode


def give(path: Path, owner: int, mode: int) -> None:
    os.chown(path, owner, owner)
    path.chmod(mode)


@only_root
def test_a_file_of_ours_in_a_read_only_directory_is_written_in_place(open_file: Path) -> None:
    give(open_file, 65534, 0o600)
    give(open_file.parent, 0, 0o555)
    inode = open_file.stat().st_ino
    assert as_nobody(open_file) == 0
    assert (open_file.read_bytes(), open_file.stat().st_ino) == (NEW, inode)


@only_root
def test_a_file_whose_owner_cannot_be_kept_is_written_in_place(open_file: Path) -> None:
    give(open_file, 0, 0o666)
    give(open_file.parent, 0, 0o777)
    inode = open_file.stat().st_ino
    assert as_nobody(open_file) == 0
    assert (open_file.read_bytes(), open_file.stat().st_ino, open_file.stat().st_uid) == (
        NEW,
        inode,
        0,
    )
    assert entries(open_file) == ["c.yml"]


@only_root
def test_a_file_of_others_is_left_alone(open_file: Path) -> None:
    give(open_file, 0, 0o644)
    give(open_file.parent, 0, 0o755)
    assert as_nobody(open_file) == errno.EACCES
    assert (open_file.read_bytes(), entries(open_file)) == (OLD, ["c.yml"])


@only_root
def test_a_directory_that_cannot_be_read_is_no_failure(open_file: Path) -> None:
    give(open_file, 65534, 0o600)
    give(open_file.parent, 65534, 0o333)
    assert as_nobody(open_file) == 0
    assert (open_file.read_bytes(), entries(open_file)) == (NEW, ["c.yml"])


@only_root
def test_the_group_of_a_file_stays_though_its_directory_gives_another(file: Path) -> None:
    os.chown(file.parent, 0, 12345)
    file.parent.chmod(0o2755)
    replace_file(file, NEW, mode=0o600)
    assert (file.read_bytes(), file.stat().st_gid) == (NEW, os.getegid())


@pytest.mark.parametrize("is_mount", [False, True])
def test_a_file_that_another_program_changed_is_left_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch, is_mount: bool
) -> None:
    if is_mount:
        monkeypatch.setattr("tempfile.mkstemp", refuse(errno.EACCES))
    with pytest.raises(ChangedMeanwhileError):
        replace_file(file, NEW, mode=0o600, expected=b"a: 0\n")
    assert (file.read_bytes(), entries(file)) == (OLD, ["c.yml"])
    replace_file(file, NEW, mode=0o600, expected=OLD)
    assert file.read_bytes() == NEW


def test_a_file_that_appeared_meanwhile_is_left_alone(file: Path) -> None:
    with pytest.raises(ChangedMeanwhileError):
        replace_file(file, NEW, mode=0o600, expected=b"")
    missing = file.with_name("new.yml")
    replace_file(missing, NEW, mode=0o640, expected=b"")
    assert (missing.read_bytes(), missing.stat().st_mode & 0o777) == (NEW, 0o640)


LIMITED = """
import os, resource, sys
from pathlib import Path
from agentbox_cli.config.atomic import replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    replace_file(Path(sys.argv[1]), b"x" * 9_000, mode=0o600)
except OSError as error:
    sys.exit(error.errno)
"""


@pytest.mark.parametrize("names", [1, 2])
def test_where_there_is_no_room_the_file_is_as_it_was(file: Path, names: int) -> None:
    if names > 1:
        file.with_name("other.yml").hardlink_to(file)
    done = subprocess.run([sys.executable, "-c", LIMITED, str(file)], check=False)
    assert done.returncode == errno.EFBIG
    assert file.read_bytes() == OLD
    assert len(entries(file)) == names


def test_what_a_killed_process_left_is_swept_but_no_file_of_others(file: Path) -> None:
    left = file.with_name(".c.yml.abcd1234.agentbox")
    fresh = file.with_name(".c.yml.efgh5678.agentbox")
    others = file.with_name(".c.yml.swp")
    for each in (left, fresh, others):
        each.touch()
    os.utime(left, (0, 0))
    os.utime(others, (0, 0))
    replace_file(file, NEW, mode=0o600)
    assert (left.exists(), fresh.exists(), others.exists()) == (False, True, True)
