"""The engine's private directory and files."""

import os
import socket
import stat
from pathlib import Path

import pytest

from agentbox_cli.errors import ProxyError
from agentbox_cli.supervise.place import free_socket, private_directory, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_directory_is_made_for_us_alone(tmp_path: Path) -> None:
    private_directory(tmp_path / "state" / "engine")
    assert mode(tmp_path / "state" / "engine") == 0o700


def test_a_directory_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    place = tmp_path / "engine"
    place.mkdir()
    place.chmod(0o755)
    private_directory(place)
    assert mode(place) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "engine"
    place.mkdir()
    os.chown(place, 65534, -1)
    with pytest.raises(ProxyError, match="belongs to uid 65534"):
        private_directory(place)


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "engine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProxyError, match="not a directory"):
        private_directory(tmp_path / "engine")


def test_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "engine").touch()
    with pytest.raises(ProxyError, match="cannot make the directory"):
        private_directory(tmp_path / "engine")


def test_a_private_file_is_ours_alone_and_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "state" / "rendered.yml"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(), mode(path)) == ("new", 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state" / "rendered.yml"
    path.mkdir(parents=True)
    with pytest.raises(ProxyError, match=r"cannot write .*rendered\.yml"):
        write_private(path, "new")
    assert list(path.parent.iterdir()) == [path]


def test_a_stale_socket_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    free_socket(path)
    free_socket(path)
    assert not path.exists()
