import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentbox_cli.proxy.processes import Processes
from tests.fakes.stand import eventually
from tests.proxy.conftest import MakeStand

OWN_NAME = Path("/proc/self/comm").read_text(encoding="utf-8").strip()


@pytest.fixture
def processes() -> Iterator[Processes]:
    finder = Processes(pause=0.0)
    yield finder
    finder.close()


async def test_the_owner_of_a_socket_is_found(processes: Processes) -> None:
    with socket.socket() as mine:
        inode = os.fstat(mine.fileno()).st_ino
        processes.seek(inode)
        await eventually(lambda: processes.of(inode) is not None, "the process is found")
    found = processes.of(inode)
    assert found is not None
    assert found.pid == os.getpid()
    assert found.name == OWN_NAME


async def test_nobody_is_named_for_a_socket_that_is_not_there(processes: Processes) -> None:
    with socket.socket() as mine:
        inode = os.fstat(mine.fileno()).st_ino
        processes.seek(1)
        processes.seek(inode)
        await eventually(lambda: processes.of(inode) is not None, "the process is found")
    assert processes.of(1) is None
    assert processes.of(None) is None


async def test_nobody_is_looked_for_twice_in_a_moment() -> None:
    finder = Processes(pause=60.0)
    with socket.socket() as one, socket.socket() as other:
        first, second = (os.fstat(each.fileno()).st_ino for each in (one, other))
        finder.seek(first)
        finder.seek(second)
        await eventually(lambda: finder.of(first) is not None, "the process is found")
        finder.close()
    assert finder.of(second) is None


async def test_processes_that_end_or_belong_to_others_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "12").mkdir()
    (tmp_path / "13" / "fd").mkdir(parents=True)
    (tmp_path / "self").mkdir()
    mine = tmp_path / "14" / "fd"
    mine.mkdir(parents=True)
    (mine / "3").symlink_to("socket:[77]")
    (tmp_path / "14" / "comm").write_bytes(b"caf\xe9\n")
    finder = Processes(tmp_path, pause=0.0)
    finder.seek(77)
    await eventually(lambda: finder.of(77) is not None, "the process is found")
    finder.close()
    found = finder.of(77)
    assert found is not None
    assert (found.pid, found.name) == (14, "caf\ufffd")


async def test_a_request_is_counted_for_the_process_that_made_it(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"usage": {"enabled": True}})
    async with stand.chat() as answer:
        await answer.read()
    inode = stand.proxy.stories._kept[-1].socket
    assert inode is not None
    await eventually(lambda: stand.proxy._processes.of(inode) is not None, "the process is found")
    found = stand.proxy._processes.of(inode)
    assert found is not None
    assert found.pid == os.getpid()
