"""`/mcp` of the proxy, with a tiny process where the gateway stands."""

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from agentbox_cli.proxy.gateway import Gateway, GatewayPlan, GatewayUnavailable
from agentbox_cli.proxy.mcp_relay import McpRelay
from agentbox_cli.proxy.sockets import bind_named
from agentbox_cli.supervise.keeping import State
from tests.fakes import tiny_gateway
from tests.fakes.processes import lives
from tests.fakes.stand import INSTALL_KEY, Plan, Stand, eventually, open_stand
from tests.proxy.test_sockets import config, paths_in

ASKED = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-session-id": "s1",
    "mcp-protocol-version": "2025-11-25",
    "mcp-param-region": "eu",
    "last-event-id": "7",
}


def plan_of(directory: Path, *modes: str) -> GatewayPlan:
    socket = directory / "s"
    return GatewayPlan(
        command=(sys.executable, tiny_gateway.__file__, str(socket), *modes),
        environ=dict(os.environ),
        directory=directory,
        socket=socket,
    )


@pytest.fixture
def place() -> Any:
    # A path of pytest's may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="mcp-") as name:
        yield Path(name)


@pytest_asyncio.fixture
async def served(place: Path, tmp_path: Path) -> AsyncIterator[Stand]:
    async with open_stand(Plan(server={"gateway": plan_of(place)}), tmp_path) as stand:
        yield stand


def relay_of(stand: Stand) -> McpRelay:
    relay = stand.proxy._mcp
    assert relay
    return relay


async def ask(stand: Stand, path: str = "/mcp", method: str = "POST", **more: Any) -> Any:
    async with stand.http.request(method, f"{stand.url}{path}", **more) as answer:
        return answer.status, answer.headers.copy(), json.loads(await answer.read() or b"null")


async def test_the_gateway_is_started_with_the_first_call_and_kept(served: Stand) -> None:
    gateway = relay_of(served).gateway
    assert (gateway.state, gateway.pid) == (State.OFF, None)
    pids = {(await ask(served))[2]["pid"] for _ in range(3)}
    assert pids == {gateway.pid}
    assert gateway.state is State.READY


async def test_what_the_protocol_has_passes_and_nothing_else(served: Stand) -> None:
    secret = {"authorization": f"Bearer {INSTALL_KEY}", "cookie": "a=b", "x-agentbox-x": "y"}
    status, headers, told = await ask(
        served, "/mcp/a%20b", data=b'{"a":1}', headers=ASKED | secret
    )
    assert (status, told["method"], told["path"]) == (200, "POST", "/mcp/a b")
    assert told["body"] == '{"a":1}'
    assert {name: told["headers"].get(name) for name in ASKED} == ASKED
    assert {"authorization", "cookie", "x-agentbox-x"}.isdisjoint(told["headers"])
    assert headers["mcp-session-id"] == "s1"
    assert {"set-cookie", "x-other"}.isdisjoint(map(str.lower, headers))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_refused(served: Stand, method: str) -> None:
    status, headers, _ = await ask(served, method=method)
    assert (status, headers["allow"]) == (405, "GET, POST, DELETE")
    assert relay_of(served).gateway.state is State.OFF


async def test_a_session_can_be_deleted(served: Stand) -> None:
    assert (await ask(served, method="DELETE", headers=ASKED))[2]["method"] == "DELETE"


async def test_the_guard_stands_before_it_and_says_so_in_json_rpc(served: Stand) -> None:
    for headers, expected in (
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example"}, 403),
        ({"x-forwarded-for": "1.2.3.4"}, 401),
        ({"x-forwarded-for": "1.2.3.4", "x-api-key": "wrong"}, 401),
    ):
        status, _, body = await ask(served, headers=headers)
        assert status == expected
        assert body["jsonrpc"] == "2.0"
        assert body["error"]["message"]
    assert relay_of(served).gateway.state is State.OFF
    relayed = {"x-forwarded-for": "1.2.3.4", "x-api-key": INSTALL_KEY}
    assert (await ask(served, headers=relayed))[0] == 200


@pytest.mark.parametrize("let_in", [False, True])
async def test_containers_do_not_get_at_the_servers_of_the_host(
    place: Path, tmp_path: Path, let_in: bool
) -> None:
    named = bind_named(config(), paths_in(place), 5)
    plan = Plan(section={"socket_mcp": let_in}, server={"gateway": plan_of(place)})
    async with (
        open_stand(plan, tmp_path, named) as stand,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(named[0].path))) as http,
    ):
        for path in ("/mcp", "/mcp/files", "/mcp/a%2fb", "/agentbox/mcp", "/%6dcp"):
            async with http.get(f"http://localhost{path}", headers=ASKED) as answer:
                assert (answer.status == 403) is not let_in, path
                assert let_in or "socket_mcp" in (await answer.json())["error"]["message"]
        assert (relay_of(stand).gateway.state is State.OFF) is not let_in
        assert (await ask(stand))[0] == 200, "the own user has them"
        async with http.get("http://localhost/agentbox/status") as answer:
            told = (await answer.json())["gateway"]
        assert (told["state"], bool(told["servers"])) == ("ready", let_in)


async def test_news_come_at_once_and_a_listener_that_leaves_is_seen_to_leave(
    served: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with served.http.get(f"{served.url}/mcp") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert (await answer.content.readuntil(b"\n\n")) == b"data: 0\n\n"
    await eventually(lambda: "[mcp] a listener left" in caplog.text)


async def test_listeners_do_not_keep_the_proxy_from_ending(place: Path, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with open_stand(Plan(server={"gateway": plan_of(place)}), tmp_path) as stand:
        answer = await stand.http.get(f"{stand.url}/mcp")
        await answer.content.readuntil(b"\n\n")
        pid = relay_of(stand).gateway.pid
        begun = loop.time()
        await stand.proxy.drain()
        assert loop.time() - begun < 10
        assert pid
        assert not lives(pid)


async def test_a_gateway_that_ends_is_started_again(served: Stand) -> None:
    gateway = relay_of(served).gateway
    await ask(served)
    first = gateway.pid
    assert first
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: gateway.restarts == 1)
    assert (await ask(served))[2]["pid"] != first


async def test_one_that_ends_before_it_answers_is_503_with_a_time(served: Stand) -> None:
    status, headers, body = await ask(served, "/mcp/crash")
    assert (status, headers["retry-after"]) == (503, "1")
    assert body["error"]["message"] == "the MCP gateway ended before it answered"


async def test_one_that_cannot_start_is_503_with_the_reason(place: Path, tmp_path: Path) -> None:
    plan = Plan(server={"gateway": plan_of(place, "exits")})
    async with open_stand(plan, tmp_path) as stand:
        status, headers, body = await ask(stand)
        assert status == 503
        assert int(headers["retry-after"]) >= 1
        assert "the MCP gateway ended with status 3" in body["error"]["message"]
        assert (body["jsonrpc"], body["id"]) == ("2.0", None)


async def test_without_a_gateway_there_is_no_such_path(stand: Stand) -> None:
    assert (await ask(stand))[0] == 404


async def test_a_failure_that_nobody_expected_does_not_end_the_supervision(place: Path) -> None:
    command = (
        *plan_of(place).command,
        "\0",
    )  # a bug of ours: no process can have such an argument
    gateway = Gateway(replace(plan_of(place), command=command))
    try:
        with pytest.raises(GatewayUnavailable, match="cannot be supervised: embedded null byte"):
            await gateway.wait_ready(10)
        await eventually(lambda: gateway.restarts > 0, "it is tried again")
    finally:
        await gateway.stop()


SERVERS = {"mcp_servers": {"docs": {"command": "x"}, "off": {"command": "y", "enabled": False}}}


async def test_a_config_with_servers_starts_the_gateway_before_anybody_asks(
    place: Path, tmp_path: Path
) -> None:
    plan = Plan(server={"gateway": plan_of(place)}, section=SERVERS)
    async with open_stand(plan, tmp_path) as stand:
        gateway = relay_of(stand).gateway
        assert gateway.state is State.STARTING
        await eventually(lambda: gateway.state is State.READY)
        told = (await ask(stand, "/agentbox/status", "GET"))[2]["gateway"]
        assert (told["state"], told["pid"], told["last_error"]) == ("ready", gateway.pid, None)
        assert told["rss_mb"] > 5
        assert told["servers"] == [{"server": "tiny", "state": "ready"}]


async def test_servers_that_are_switched_off_start_nothing(place: Path, tmp_path: Path) -> None:
    section = {"mcp_servers": {"off": {"command": "y", "enabled": False}}}
    plan = Plan(server={"gateway": plan_of(place)}, section=section)
    async with open_stand(plan, tmp_path) as stand:
        told = (await ask(stand, "/agentbox/status", "GET"))[2]["gateway"]
        assert (told["state"], told["pid"], told["servers"]) == ("off", None, [])
        assert relay_of(stand).gateway.state is State.OFF


async def test_who_asks_for_the_status_does_not_wait_for_a_gateway_that_hangs(
    place: Path, tmp_path: Path
) -> None:
    plan = Plan(server={"gateway": plan_of(place, "hangs")}, section=SERVERS)
    async with open_stand(plan, tmp_path) as stand:
        await eventually(lambda: relay_of(stand).gateway.state is State.READY)
        async with asyncio.timeout(5):
            told = (await ask(stand, "/agentbox/status", "GET"))[2]["gateway"]
        assert (told["state"], told["servers"]) == ("ready", [])


async def test_a_gateway_that_cannot_start_is_a_warning(place: Path, tmp_path: Path) -> None:
    plan = Plan(server={"gateway": plan_of(place, "exits")}, section=SERVERS)
    async with open_stand(plan, tmp_path) as stand:
        await eventually(lambda: relay_of(stand).gateway.state is State.BACKOFF)
        told = (await ask(stand, "/agentbox/status", "GET"))[2]
        assert told["gateway"]["last_error"] == "the MCP gateway ended with status 3"
        said = "tools of MCP servers fail: the MCP gateway ended with status 3"
        assert said in told["warnings"]


async def test_a_gateway_that_answers_no_more_is_replaced(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHECK_EVERY_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"agentbox_cli.proxy.gateway.{name}", 0.1)
    gateway = Gateway(plan_of(place))
    try:
        await gateway.wait_ready(20)
        first = gateway.pid or 0
        os.kill(first, signal.SIGSTOP)
        await eventually(lambda: gateway.restarts == 1)
        assert gateway.last_error == "the MCP gateway did not answer any more"
        assert not lives(first)
    finally:
        await gateway.stop()
