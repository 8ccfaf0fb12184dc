"""Who may not call can hold connections, but neither many nor for long."""

import asyncio
import functools
import os
import resource
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agentbox_cli.proxy import connections, strangers
from agentbox_cli.proxy.sockets import bind_named
from agentbox_cli.proxy.strangers import Strangers
from tests.fakes.stand import INSTALL_KEY, Plan, Stand, open_stand
from tests.proxy.conftest import MakeStand
from tests.proxy.test_sockets import config, paths_in

PATIENCE = 0.3
ASKED = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-api-key: %b\r\n\r\n"


@pytest.fixture(autouse=True)
def _few_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most_by_files", lambda: 4)
    impatient = functools.partial(Strangers, seconds=PATIENCE)
    monkeypatch.setattr(connections, "Strangers", impatient)


async def answered(reader: asyncio.StreamReader) -> bool:
    return (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_whoever_shows_no_key_is_cut_off_after_a_while(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"auth": "key"})
    async with stand.connected() as (idle, _), stand.connected() as (slow, begun):
        begun.write(b"GET /v1/models HTTP/1.1\r\n")
        async with stand.connected() as (reader, writer):
            writer.write(ASKED % INSTALL_KEY.encode())
            assert await answered(reader)
            assert await idle.read() == b""
            assert await slow.read() == b""
            writer.write(ASKED % INSTALL_KEY.encode())
            await reader.readuntil(b"200"), "who has shown the key is not cut off"


async def test_a_wrong_key_buys_no_time(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"auth": "key"})
    async with stand.connected() as (reader, writer):
        writer.write(ASKED % b"wrong")
        assert b"401" in await reader.readline()
        await reader.read()


async def test_many_idle_strangers_keep_nobody_with_the_key_out(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "Strangers", Strangers)
    stand = await make_stand(section={"auth": "key"})
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(stand.connected()) for _ in range(6)]
        reader, writer = await stack.enter_async_context(stand.connected())
        writer.write(ASKED % INSTALL_KEY.encode())
        assert await answered(reader)
        assert [await oldest.read() for oldest, _ in held[:2]] == [b"", b""]
        assert not held[-1][0].at_eof()


# It starts as we do and then gives its rights up: the interpreter may be readable for us only.
_HOLDER = """
import os, socket, sys
os.setgroups([]); os.setgid(12345); os.setuid(12345)
client = socket.socket()
client.connect(("127.0.0.1", int(sys.argv[1])))
client.sendall(b"GET /health HTTP/1.1\\r\\n")
print(client.recv(1))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_another_user_is_cut_off_and_the_own_user_is_not(stand: Stand) -> None:
    port = stand.url.rpartition(":")[2]
    async with stand.connected() as (reader, writer):
        argv = [sys.executable, "-c", _HOLDER, port]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, timeout=60)
        assert b"ConnectionReset" in done.stderr or done.stdout == b"b''\n"
        writer.write(ASKED % b"")
        assert await answered(reader)


async def test_a_container_cannot_use_up_the_files_of_all(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.mkdir()
    named = bind_named(config(), paths_in(place), 16)
    async with open_stand(Plan(), place, named), AsyncExitStack() as stack:
        held = []
        for each in (*[named[0]] * 6, named[1]):
            pair = await asyncio.open_unix_connection(str(each.path))
            stack.callback(pair[1].close)
            held.append(pair)
        for reader, writer in held[:4] + held[6:]:
            writer.write(ASKED % b"")
            assert await answered(reader)
        assert [await reader.read() for reader, _ in held[4:6]] == [b"", b""]
        held[0][1].close()
        await asyncio.sleep(0)

        async def served() -> bool:
            reader, writer = await asyncio.open_unix_connection(str(named[0].path))
            stack.callback(writer.close)
            writer.write(ASKED % b"")
            return await answered(reader)

        async with asyncio.timeout(20):
            while not await served():  # noqa: ASYNC110 - what is waited for knows no events
                await asyncio.sleep(0.01)


def test_the_limit_of_files_leaves_some_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def limit(files: int) -> int:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
        return strangers.most_by_files()

    assert [limit(256), limit(1_000_000), limit(1)] == [64, 1_024, 1]
    assert limit(resource.RLIM_INFINITY) == 1_024
