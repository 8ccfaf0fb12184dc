import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentbox_cli.daemon import lock
from agentbox_cli.errors import ProxyError

HOLDER = "import sys; print('up', flush=True); sys.stdin.read()"


def taken(path: Path) -> lock.Lock:
    found = lock.acquire(path)
    assert found is not None
    return found


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    assert not lock.is_held(path)
    with taken(path):
        assert lock.is_held(path)
        assert lock.acquire(path, retry_seconds=0) is None
    assert not lock.is_held(path)


def test_the_file_is_private(tmp_path: Path) -> None:
    with taken(tmp_path / "pid"):
        assert (tmp_path / "pid").stat().st_mode & 0o777 == 0o600


def test_a_child_that_inherited_the_lock_keeps_it_after_the_starter_let_go(
    tmp_path: Path,
) -> None:
    path = tmp_path / "pid"
    with taken(path) as held:
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[held.fd],
        )
    assert lock.is_held(path)
    assert lock.has_open(child.pid, path)
    child.kill()
    child.communicate()
    assert lock.wait_until_free(path, seconds=20)


def test_waiting_for_a_lock_that_stays_held_ends(tmp_path: Path) -> None:
    with taken(tmp_path / "pid"):
        assert not lock.wait_until_free(tmp_path / "pid", seconds=0.05)


def test_a_looking_status_command_does_not_fail_a_start(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.touch(0o600)
    code = (
        "import fcntl, os, sys, time\n"
        "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "fcntl.flock(fd, fcntl.LOCK_SH)\n"
        "print('up', flush=True)\n"
        "time.sleep(0.2)\n"
    )
    argv = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as looker:
        assert looker.stdout is not None
        looker.stdout.readline()
        assert lock.acquire(path, retry_seconds=0) is None
        with taken(path):
            pass


def test_two_lookers_do_not_see_each_other(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.touch(0o600)
    fd = os.open(path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    assert not lock.is_held(path)
    os.close(fd)


def test_a_file_removed_between_open_and_lock_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pid"
    real = fcntl.flock
    removals = [path]

    def flock(fd: int, mode: int) -> None:
        if removals:
            removals.pop().unlink()
        real(fd, mode)

    monkeypatch.setattr(fcntl, "flock", flock)
    with taken(path) as held:
        assert os.path.samestat(os.fstat(held.fd), path.stat())


def test_an_adopted_lock_is_not_inherited_further(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with taken(path) as held:
        os.set_inheritable(held.fd, True)
        lock.adopt(path, held.fd)
        assert not os.get_inheritable(held.fd)


def test_a_descriptor_of_another_file_is_not_adopted(tmp_path: Path) -> None:
    with taken(tmp_path / "one") as held, taken(tmp_path / "two"):
        with pytest.raises(ProxyError, match="is not the lock file"):
            lock.adopt(tmp_path / "two", held.fd)
        with pytest.raises(ProxyError, match="Bad file descriptor"):
            lock.adopt(tmp_path / "two", 9999)


def test_a_pid_is_written_in_plain_text_and_replaces_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with taken(path) as held:
        assert lock.read_pid(path) == 0
        held.write_pid(1234567)
        held.write_pid(42)
        assert path.read_text() == "42\n"
        assert lock.read_pid(path) == 42
        held.write_pid(None)
        assert lock.read_pid(path) == 0


@pytest.mark.parametrize("text", [b"x", b"-1", b"0", b"1 2", b"9" * 16, b"\xff", "²".encode()])
def test_a_pidfile_without_a_pid_names_nobody(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "pid"
    path.write_bytes(text)
    assert lock.read_pid(path) is None


def test_a_missing_pidfile_names_nobody_and_is_not_held(tmp_path: Path) -> None:
    assert lock.read_pid(tmp_path / "no" / "pid") is None
    assert not lock.is_held(tmp_path / "no" / "pid")
    assert not lock.has_open(os.getpid(), tmp_path / "no" / "pid")


def test_a_process_without_the_file_does_not_have_it_open(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.touch()
    assert not lock.has_open(os.getpid(), path)
    with taken(path):
        assert lock.has_open(os.getpid(), path)


def test_a_directory_or_a_fifo_in_its_place_is_refused_without_hanging(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    os.mkfifo(tmp_path / "fifo")
    for name in ("dir", "fifo"):
        with pytest.raises(ProxyError, match=name):
            lock.acquire(tmp_path / name)


def test_a_symlink_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(ProxyError, match="cannot use the lock file"):
        lock.acquire(tmp_path / "link")
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_lock_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.touch()
    os.chown(path, 12345, 12345)
    with pytest.raises(ProxyError, match="belongs to uid 12345"):
        lock.acquire(path)
