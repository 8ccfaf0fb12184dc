"""A change of config.yml on a real disk, with everything that comes in between."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentbox_cli.config import backups, change
from agentbox_cli.config.change import Change, apply, diff_against_backup, undo
from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.edit import set_value
from agentbox_cli.config.problems import Issue
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths

BEFORE = "# mine\nlitellm:\n  port: 4000  # ours\n  enabled: true\n"
AFTER = BEFORE.replace("4000", "4001")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(
        config_dir=tmp_path / "config",
        state_dir=tmp_path / "state",
        cache_dir=tmp_path / "cache",
        data_dir=tmp_path / "data",
    )


@pytest.fixture
def file(paths: Paths) -> Path:
    paths.config_dir.mkdir()
    paths.config_file.write_bytes(BEFORE.encode())
    return paths.config_file


def to_4001(document: Document) -> str:
    return set_value(document, ("litellm", "port"), 4001)


def test_a_change_is_written_and_its_backup_kept(paths: Paths, file: Path) -> None:
    done = apply(paths, file, to_4001)
    assert file.read_bytes() == AFTER.encode()
    assert (done.before, done.after, done.problems) == (BEFORE, AFTER, ())
    assert done.backup is not None
    assert done.backup.read_text() == BEFORE
    assert done.backup.stat().st_mode & 0o777 == 0o600
    assert "-  port: 4000  # ours\n+  port: 4001  # ours\n" in done.diff


def test_a_dry_run_writes_nothing(paths: Paths, file: Path) -> None:
    done = apply(paths, file, to_4001, dry_run=True)
    assert (file.read_text(), done.after, done.backup) == (BEFORE, AFTER, None)
    assert backups.newest(paths, file) is None


def test_the_same_once_more_writes_nothing(paths: Paths, file: Path) -> None:
    apply(paths, file, to_4001)
    again = apply(paths, file, to_4001)
    assert (again.backup, again.diff) == (None, "")


@pytest.mark.parametrize("value", ["many", 70_000])
def test_an_invalid_result_is_not_written(paths: Paths, file: Path, value: object) -> None:
    done = apply(paths, file, lambda doc: set_value(doc, ("litellm", "port"), value))
    assert file.read_text() == BEFORE
    assert [problem.path for problem in done.problems] == ["litellm.port"]
    assert done.backup is None


def test_what_the_caller_finds_wrong_is_not_written_either(paths: Paths, file: Path) -> None:
    wrong = Issue(path=("litellm", "port"), message="not this one")
    done = apply(paths, file, to_4001, check=lambda _: [wrong])
    assert (file.read_text(), done.problems[0].message) == (BEFORE, "not this one")


def test_a_missing_file_is_made(paths: Paths) -> None:
    paths.config_dir.mkdir()
    done = apply(paths, paths.config_file, to_4001)
    assert paths.config_file.read_text() == done.after == "litellm:\n  port: 4001\n"
    assert paths.config_file.stat().st_mode & 0o777 == 0o600


def test_undo_puts_the_last_text_back_and_can_be_undone(paths: Paths, file: Path) -> None:
    apply(paths, file, to_4001)
    assert diff_against_backup(paths, file).count("4001") == 1
    assert undo(paths, file, dry_run=True).after == BEFORE
    assert file.read_text() == AFTER
    undo(paths, file)
    assert file.read_text() == BEFORE
    undo(paths, file)
    assert file.read_text() == AFTER


def test_undo_passes_over_the_backup_of_a_write_that_never_was(paths: Paths, file: Path) -> None:
    apply(paths, file, to_4001)
    backups.save(paths, file, AFTER)  # as a process does that is killed before it writes
    assert undo(paths, file).before == AFTER
    assert file.read_text() == BEFORE


def test_undo_brings_back_even_what_is_wrong(paths: Paths, file: Path) -> None:
    file.write_text("litellm: {prot: 1}\n")
    apply(paths, file, lambda _: BEFORE)
    done = undo(paths, file)
    assert (file.read_text(), done.problems) == ("litellm: {prot: 1}\n", ())


def test_without_a_backup_there_is_nothing_to_undo(paths: Paths, file: Path) -> None:
    with pytest.raises(ConfigError, match="there is no backup"):
        undo(paths, file)
    with pytest.raises(ConfigError, match="there is no backup"):
        diff_against_backup(paths, file)


def test_only_the_newest_backups_are_kept(paths: Paths, file: Path) -> None:
    for number in range(backups.KEPT + 5):
        backups.save(paths, file, str(number))
    newest = backups.newest(paths, file)
    assert newest is not None
    assert newest.read_text() == str(backups.KEPT + 4)
    assert len(list(newest.parent.iterdir())) == backups.KEPT


def test_a_write_of_another_program_in_between_is_noticed(paths: Paths, file: Path) -> None:
    def meanwhile(document: Document) -> str:
        file.write_text("# theirs\n" + BEFORE)
        return to_4001(document)

    with pytest.raises(ConfigError, match="changed by another program"):
        apply(paths, file, meanwhile)
    assert file.read_text() == "# theirs\n" + BEFORE


def test_a_refused_edit_leaves_everything(paths: Paths, file: Path) -> None:
    file.write_text("litellm: &all\n  port: 4000\nother: *all\n")
    with pytest.raises(ConfigError):
        apply(paths, file, to_4001)
    assert file.read_text() == "litellm: &all\n  port: 4000\nother: *all\n"


def test_symlink_mode_and_bytes_stay(paths: Paths, file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.yml"
    real.write_bytes(b"\xef\xbb\xbf" + BEFORE.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    file.unlink()
    file.symlink_to(real)
    apply(paths, file, to_4001)
    assert file.is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbf" + AFTER.replace("\n", "\r\n").encode()
    assert real.stat().st_mode & 0o777 == 0o640


WRITER = """
import sys
from pathlib import Path
from agentbox_cli.config.change import apply
from agentbox_cli.config.edit import set_value
from agentbox_cli.paths import Paths

home, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
dirs = {kind + "_dir": home / kind for kind in ("config", "state", "cache", "data")}
paths = Paths(**dirs)
for number in range(count):
    place = ("litellm", "models", f"{name}{number}")
    link = [{"provider": "simulated", "model": "echo"}]
    apply(paths, paths.config_file, lambda doc: set_value(doc, place, link))
"""


def writer(home: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(home), name, str(count)])


def aliases(file: Path) -> set[str]:
    document = parse(file.read_text(), file.name)
    assert document.faults == ()
    return set(document.data["litellm"].get("models", {}))


def test_no_write_of_several_at_once_is_lost(paths: Paths, file: Path, tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 25) for name in ("a", "b", "c", "d")]
    assert [each.wait(100) for each in writers] == [0] * 4
    assert aliases(file) == {f"{name}{number}" for name in "abcd" for number in range(25)}


KILLED = """
import os, random, signal, sys
from pathlib import Path
from agentbox_cli.config import change
from agentbox_cli.config.edit import set_value
from agentbox_cli.paths import Paths

home, rounds = Path(sys.argv[1]), int(sys.argv[2])
paths = Paths(**{kind + "_dir": home / kind for kind in ("config", "state", "cache", "data")})
file = paths.config_file

def names():
    document = change.parse(file.read_text(), file.name)
    assert document.faults == (), file.read_text()
    return set(document.data["litellm"].get("models", {}))

def write_for_ever(round_, told):
    for number in range(10_000):
        place = ("litellm", "models", f"r{round_}n{number}")
        link = [{"provider": "simulated", "model": "echo"}]
        change.apply(paths, file, lambda doc: set_value(doc, place, link))
        os.write(told, b"x")

known = set()
for round_ in range(rounds):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        write_for_ever(round_, writer)
    os.close(writer)
    os.read(reader, 1)
    signal.sigtimedwait([], random.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = 1 + len(os.read(reader, 10_000))
    os.close(reader)
    new = names()
    assert known <= new, "a write was lost"
    assert told <= len(new - known) <= told + 1, "each write is whole, and stays"
    known = new
"""


def test_killed_at_any_moment_the_file_is_whole(paths: Paths, file: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, "25"], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert apply(paths, file, to_4001).backup is not None


# Each child kills itself before another one of the steps that touch the disk.
KILLED_AT = """
import os, shutil, signal, sys
from pathlib import Path
from agentbox_cli.config import backups, change
from agentbox_cli.paths import Paths

home, before, after = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
paths = Paths(**{kind + "_dir": home / kind for kind in ("config", "state", "cache", "data")})
file = paths.config_file
STEPS = ("open", "os.rename", "os.remove", "os.truncate", "os.chmod", "os.mkdir")

def write_and_die(last):
    steps = 0

    def step(event, _):
        nonlocal steps
        if event in STEPS:
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)

    def stepped(function):
        return lambda *arguments: (step("open", arguments), function(*arguments))[1]

    for name in ("write", "fsync", "ftruncate", "close"):
        setattr(os, name, stepped(getattr(os, name)))
    sys.addaudithook(step)
    change.apply(paths, file, lambda _: after)
    os._exit(0)

status, last, seen = 1, 0, set()
while status != 0:
    last += 1
    file.write_text(before)
    shutil.rmtree(paths.backup_dir, ignore_errors=True)
    child = os.fork()
    if child == 0:
        write_and_die(last)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    found = file.read_text()
    seen.add(found)
    if found not in (before, after):
        assert file.stat().st_nlink > 1, f"step {last} left {found!r}"
        copy = backups.newest(paths, file)
        assert copy and copy.read_text() == before, f"step {last} kept no copy"
print(last, len(seen), seen >= {before, after})
"""


@pytest.mark.parametrize(("is_alone", "texts"), [(True, 2), (False, 3)])
def test_killed_before_any_step_no_text_is_lost(
    paths: Paths, file: Path, tmp_path: Path, is_alone: bool, texts: int
) -> None:
    if not is_alone:  # the file is then written in place, and may be cut short
        (tmp_path / "other.yml").hardlink_to(file)
    command = [sys.executable, "-c", KILLED_AT, str(tmp_path), BEFORE, f"# more\n{AFTER}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    steps, seen, are_both_seen = done.stdout.split()
    assert (int(steps) > 10, int(seen), are_both_seen) == (True, texts, "True")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_full_disk_leaves_the_file_as_it_was(paths: Paths, file: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(small)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        target = small / "config.yml"
        shutil.copy(file, target)
        (small / "filler").write_bytes(b"x" * 4096)
        long = "# " + "x" * 12_000 + "\n"
        with pytest.raises(ConfigError):
            apply(paths, target, lambda doc: long + to_4001(doc))
        assert target.read_text() == BEFORE
        assert {entry.name for entry in small.iterdir()} == {"config.yml", "filler"}
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_file_mounted_alone_is_written_in_place(
    paths: Paths, file: Path, tmp_path: Path
) -> None:
    # As a container has it: the single file is a mount point and cannot be replaced.
    host = tmp_path / "host.yml"
    shutil.copy(file, host)
    mounted = subprocess.run(["mount", "--bind", str(host), str(file)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        done: Change = apply(paths, file, to_4001)
        assert host.read_text() == AFTER
        assert done.backup is not None
    finally:
        subprocess.run(["umount", str(file)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_file_in_a_directory_that_cannot_be_written_is_written_in_place(
    paths: Paths, file: Path, tmp_path: Path
) -> None:
    # The directory is a read-only mount, the file in it another one that is not.
    host = tmp_path / "host.yml"
    shutil.copy(file, host)
    mounts = (
        ["mount", "--bind", str(file.parent), str(file.parent)],
        ["mount", "-o", "remount,bind,ro", str(file.parent)],
        ["mount", "--bind", str(host), str(file)],
    )
    done = [subprocess.run(mount, check=False).returncode for mount in mounts]
    try:
        if any(done):
            pytest.skip("mounting is not permitted here")
        apply(paths, file, to_4001)
        assert (file.read_text(), host.read_text()) == (AFTER, AFTER)
    finally:
        for place, code in zip((file, file.parent), (done[2], done[0]), strict=True):
            if code == 0:
                subprocess.run(["umount", str(place)], check=True)


def test_a_failed_write_leaves_no_backup_behind(
    paths: Paths, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "full", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ConfigError, match="no space left"):
        apply(paths, file, to_4001)
    assert (file.read_text(), backups.newest(paths, file)) == (BEFORE, None)


def test_a_change_waits_for_another_one_but_not_for_ever(
    paths: Paths, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.state_dir.mkdir()
    with paths.config_lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        monkeypatch.setattr(change, "LOCK_SECONDS", 0.05)
        with pytest.raises(ConfigError, match="another agentbox command"):
            apply(paths, file, to_4001)
    assert apply(paths, file, to_4001).backup is not None


def test_a_dry_run_needs_no_state_directory(paths: Paths, file: Path) -> None:
    apply(paths, file, to_4001, dry_run=True)
    assert not paths.state_dir.exists()


def test_a_difference_has_the_lines_of_the_file(paths: Paths, file: Path) -> None:
    file.write_text("# a\u2028b\x0cc\n" + BEFORE)
    shown = change.unified(file, "a: '\u2028'\r\nb: 1", "a: '\u2028'\r\nb: 2")
    assert shown.endswith(" a: '\u2028'\r\n-b: 1\n+b: 2\n")


def test_a_backup_that_cannot_be_kept_stops_the_change(paths: Paths, file: Path) -> None:
    paths.state_dir.mkdir()
    paths.backup_dir.write_text("in the way")
    with pytest.raises(ConfigError, match="nothing was changed"):
        apply(paths, file, to_4001)
    assert file.read_text() == BEFORE
