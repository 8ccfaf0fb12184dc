"""Unix sockets for containers: whose calls they carry, who may open them, what is left behind."""

import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import SOCKET_PATH_LIMIT, Paths
from agentbox_cli.proxy import sockets
from agentbox_cli.proxy.sockets import NamedSocket, bind_named
from tests.fakes.stand import HELLO, INSTALL_KEY, Plan, Stand, eventually, open_stand

URL = "http://localhost/v1/chat/completions"
BODY = {"model": "default", "messages": HELLO}


def paths_in(place: Path) -> Paths:
    return Paths(config_dir=place, state_dir=place, cache_dir=place, data_dir=place)


def config(**fields: Any) -> LiteLLMConfig:
    return LiteLLMConfig(**{"socket": ["web", "ci"], **fields})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "state"
    found.mkdir()
    return found


@asynccontextmanager
async def serving(place: Path, **section: Any) -> AsyncIterator[tuple[Stand, list[NamedSocket]]]:
    named = bind_named(config(), paths_in(place), 5)
    plan = Plan(section=section, server={})
    async with open_stand(plan, place, named) as stand:
        yield stand, named


@asynccontextmanager
async def by(named: NamedSocket) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.UnixConnector(str(named.path))
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


async def test_calls_have_the_name_of_their_socket(place: Path) -> None:
    async with serving(place) as (stand, named):
        for each in named:
            async with by(each) as http, http.post(URL, json=BODY) as answer:
                assert answer.status == 200
        async with stand.chat() as answer:
            assert answer.status == 200
        callers = [story.caller for story in stand.proxy.stories.latest()]
    assert callers[1:] == ["ci", "web"]
    assert callers[0] not in {"ci", "web"}


async def test_any_host_goes_and_no_web_page_does(place: Path) -> None:
    async with serving(place) as (_, [web, _ci]), by(web) as http:
        async with http.post(URL, json=BODY, headers={"host": "proxy.internal"}) as answer:
            assert answer.status == 200
        async with http.post(URL, json=BODY, headers={"origin": "http://evil.example"}) as answer:
            assert answer.status == 403
        async with http.post(URL, json=BODY, headers={"x-forwarded-for": "1.2.3.4"}) as answer:
            assert answer.status == 401


async def test_where_everybody_needs_the_key_containers_do_too(place: Path) -> None:
    async with serving(place, auth="key") as (_, [web, _ci]), by(web) as http:
        async with http.post(URL, json=BODY) as answer:
            assert answer.status == 401
        async with http.post(URL, json=BODY, headers={"x-api-key": INSTALL_KEY}) as answer:
            assert answer.status == 200


async def test_a_proxy_that_cannot_tell_users_apart_still_lets_its_sockets_in(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentbox_cli.proxy import server
    from agentbox_cli.proxy.peer import LookupChoice

    monkeypatch.setattr(server, "find_lookup", lambda: LookupChoice(lookup=None, reason="so"))
    async with serving(place) as (stand, [web, _ci]), by(web) as http:
        async with http.post(URL, json=BODY) as answer:
            assert answer.status == 200
        async with stand.chat() as answer:
            assert answer.status == 401
        assert stand.proxy.status()["auth"] == "key"


async def test_the_status_shows_the_sockets_and_the_end_removes_them(place: Path) -> None:
    async with serving(place) as (stand, named):
        assert stand.proxy.status()["sockets"] == [
            {"name": "web", "path": str(place / "sockets" / "web" / "litellm.sock")},
            {"name": "ci", "path": str(place / "sockets" / "ci" / "litellm.sock")},
        ]
    assert [each.path.exists() for each in named] == [False, False]


async def test_a_connection_that_ended_leaves_no_name_behind(place: Path) -> None:
    async with serving(place) as (stand, [web, _ci]):
        async with by(web) as http, http.post(URL, json=BODY) as answer:
            assert answer.status == 200
        runner = stand.proxy._runner
        assert runner is not None
        notes = runner.server._notes[0]  # type: ignore[union-attr] # it is ours
        await eventually(lambda: not notes.containers and not notes.same_user)


@pytest.mark.parametrize(("access", "mode"), [("owner", 0o600), ("group", 0o660), ("all", 0o666)])
def test_the_files_let_in_whom_the_config_says(place: Path, access: str, mode: int) -> None:
    named = bind_named(config(socket_access=access), paths_in(place), 5)
    for each in named:
        assert stat.S_IMODE(each.path.stat().st_mode) == mode
        assert stat.S_IMODE(each.path.parent.stat().st_mode) == 0o711
    assert stat.S_IMODE((place / "sockets").stat().st_mode) == 0o700
    sockets.close(named)


def test_a_directory_of_ones_own_is_used(tmp_path: Path, place: Path) -> None:
    chosen = tmp_path / "run" / "agentbox"
    named = bind_named(config(socket_dir=str(chosen)), paths_in(place), 5)
    assert [each.path for each in named] == [
        chosen / "web" / "litellm.sock",
        chosen / "ci" / "litellm.sock",
    ]
    assert not (place / "sockets").exists()
    sockets.close(named)


def test_a_socket_that_nobody_listens_on_is_replaced(place: Path) -> None:
    old = bind_named(config(), paths_in(place), 5)
    for each in old:
        each.bound.close()  # as a killed proxy leaves it
    fresh = bind_named(config(), paths_in(place), 5)
    for each in fresh:
        assert sockets.listens(each.path)
    sockets.close(old)  # the files are not theirs any more
    assert all(each.path.exists() for each in fresh)
    sockets.close(fresh)


def test_a_socket_that_somebody_listens_on_is_left_alone(place: Path) -> None:
    first = bind_named(config(socket=["ci"]), paths_in(place), 5)
    with pytest.raises(ProxyError, match=r"socket ci: somebody listens on .*/ci/litellm.sock"):
        bind_named(config(), paths_in(place), 5)
    assert sockets.listens(first[0].path)
    # What was bound before the failure is gone.
    assert not (place / "sockets" / "web" / "litellm.sock").exists()
    sockets.close(first)


def test_a_socket_with_a_full_queue_is_somebodys(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = []
        for _ in range(3):
            one = socket.socket(socket.AF_UNIX)
            one.setblocking(False)
            one.connect_ex(str(path))
            waiting.append(one)
        assert sockets.listens(path)
        for one in waiting:
            one.close()


def test_a_file_that_is_no_socket_is_kept(place: Path) -> None:
    file = place / "sockets" / "web" / "litellm.sock"
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(ProxyError, match="is not a socket"):
        bind_named(config(), paths_in(place), 5)
    assert file.read_text() == "mine"


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path, place: Path) -> None:
    limit = SOCKET_PATH_LIMIT - len("/x/litellm.sock")
    fits = str(tmp_path).ljust(limit, "d") if len(str(tmp_path)) < limit else ""
    assert fits
    named = bind_named(config(socket=["x"], socket_dir=fits), paths_in(place), 5)
    assert len(os.fsencode(named[0].path)) == 107
    sockets.close(named)
    with pytest.raises(ProxyError, match="longer than the 107 bytes") as told:
        bind_named(config(socket=["xy"], socket_dir=fits), paths_in(place), 5)
    assert "litellm.socket_dir" in (told.value.hint or "")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path, place: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProxyError, match=r"socket web: cannot listen on .*: Not a directory"):
        bind_named(config(socket_dir=str(tmp_path / "file")), paths_in(place), 5)


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, place: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "web").symlink_to(target)
    with pytest.raises(ProxyError, match=r"socket web: .*shared/web is not a directory"):
        bind_named(config(socket_dir=str(shared)), paths_in(place), 5)
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert list(target.iterdir()) == []
    (shared / "web").unlink()
    shared.chmod(0o777)
    with pytest.raises(ProxyError, match=r"others can change .*shared"):
        bind_named(config(socket_dir=str(shared)), paths_in(place), 5)
    shared.chmod(0o1777)
    sockets.close(bind_named(config(socket_dir=str(shared)), paths_in(place), 5))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_that_another_user_was_first_to_make_is_refused(
    tmp_path: Path, place: Path
) -> None:
    shared = tmp_path / "shared"
    (shared / "web").mkdir(parents=True)
    shared.chmod(0o1777)
    os.chown(shared / "web", 12_345, 12_345)
    with pytest.raises(ProxyError, match="web belongs to uid 12345, not to you"):
        bind_named(config(socket_dir=str(shared)), paths_in(place), 5)
    os.chown(shared, 12_345, 12_345)
    os.chown(shared / "web", 0, 0)
    with pytest.raises(ProxyError, match=r"others can change .*shared"):
        bind_named(config(socket_dir=str(shared)), paths_in(place), 5)


def test_a_link_that_takes_the_place_of_the_socket_opens_no_other_file(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.write_text("mine")
    private.chmod(0o600)
    real = socket.socket

    class Swapped(socket.socket):
        """A socket whose file is swapped for a link as soon as it is there."""

        def bind(self, address: Any) -> None:
            super().bind(address)
            Path(address).unlink()
            Path(address).symlink_to(private)

    monkeypatch.setattr(socket, "socket", Swapped)
    named = bind_named(config(socket=["web"], socket_access="all"), paths_in(place), 5)
    monkeypatch.setattr(socket, "socket", real)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    named[0].bound.close()
    named[0].path.unlink()
    assert private.read_text() == "mine"
