import os
import socket
from pathlib import Path

import pytest

from agentbox_cli.config.files import read_regular
from agentbox_cli.errors import ConfigError


def refusal(path: Path, limit: int = 100) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_regular(path, limit)
    assert str(path) in caught.value.message
    return caught.value


def test_a_file_is_read_with_mode_and_owner(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    file.chmod(0o600)
    contents = read_regular(file, 3)
    assert (contents.data, contents.mode, contents.uid) == (b"abc", 0o600, os.geteuid())
    assert contents.is_private
    file.chmod(0o640)
    assert not read_regular(file, 3).is_private


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", 100).data == b"abc"


def test_the_repr_of_contents_shows_no_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hunter2")
    assert "hunter2" not in repr(read_regular(tmp_path / "file", 100))


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").message.endswith("is a pipe, not a regular file")


def test_directories_and_devices_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).message.endswith("is a directory, not a regular file")
    assert refusal(Path("/dev/null")).message.endswith("is a device, not a regular file")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert "cannot be read" in refusal(tmp_path / "socket").message


def test_a_missing_file_a_loop_and_no_name_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").message.endswith("cannot be read: no such file or directory")
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read" in refusal(tmp_path / "loop").message
    assert refusal(Path("a\0b")).message.endswith("this is no file name")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 101)
    assert refusal(tmp_path / "large").message.endswith("is larger than 100 bytes")


def test_a_file_that_fails_while_it_is_read_is_refused() -> None:
    # Reading another process's memory from its start is an I/O error.
    assert "cannot be read" in refusal(Path("/proc/self/mem")).message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_closed_file_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "closed").touch(mode=0o000)
    assert refusal(tmp_path / "closed").hint == "check its owner and mode"
