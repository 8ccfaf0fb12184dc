"""The proxy as a whole: where it listens, what it tells, and how it ends."""

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from agentbox_cli.errors import ProxyError
from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy.drill import HEADER, SECRET_VARIABLE, drill_header
from agentbox_cli.proxy.server import bind
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.clients import CHAT
from tests.fakes.stand import INSTALL_KEY, Plan, Stand, eventually, open_stand
from tests.proxy.conftest import MakeStand

SECRET = "only-for-this-test"


async def test_both_loopback_addresses_answer_on_one_port(stand: Stand) -> None:
    port = stand.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", *(["[::1]"] if has_v6() else [])):
        async with stand.http.get(f"http://{host}:{port}/v1/models") as answer:
            assert answer.status == 200


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ProxyError, match=f"cannot listen on 127.0.0.1 port {port}"):
            bind(None, port)


def test_another_address_is_bound_alone() -> None:
    [only] = bind("127.0.0.2", 0)
    with only:
        assert only.getsockname()[0] == "127.0.0.2"


async def test_bound_to_another_address_every_caller_needs_the_key(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"bind": "127.0.0.2"})
    async with stand.chat() as answer:
        assert answer.status == 401
    assert stand.proxy.status()["auth"] == "key"
    async with stand.http.get(
        f"{stand.url}/v1/models", headers={"host": "127.0.0.2:80", "x-api-key": INSTALL_KEY}
    ) as answer:
        assert answer.status == 200


async def test_the_status_tells_what_the_links_do(stand: Stand) -> None:
    stand.fault(CHAT.first, Fault(status=401))
    async with stand.chat():
        pass
    async with stand.http.get(f"{stand.url}/agentbox/status") as answer:
        status = await answer.json()
    assert (status["state"], status["ready"], status["auth"]) == ("running", True, "same-user")
    assert status["engine"]["state"] == "off"
    assert status["rss_mb"] > 1
    [first, second] = next(row for row in status["aliases"] if row["alias"] == "default")["links"]
    assert (first["state"], first["last_error"]) == ("cooling", "auth")
    assert 590 < first["cooldown_s"] <= 600
    assert second["state"] == "ok"
    assert any("openai refuses the key" in warning for warning in status["warnings"])


async def test_the_status_counts_tasks_and_no_stream_leaves_one(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(kind=FaultKind.CUT, after_events=4))
    async with CHAT.post(stand, stream=True):
        pass
    before = stand.proxy.status()["tasks"]
    assert before == len(asyncio.all_tasks())
    for _ in range(5):
        async with CHAT.post(stand, stream=True) as answer:
            await answer.read()
    await eventually(lambda: stand.proxy.status()["tasks"] <= before, "nothing goes on")


async def test_an_alias_without_a_usable_link_degrades(make_stand: MakeStand) -> None:
    section = {"providers": {"openai": {"api_key": "${NOT_SET}"}}}
    stand = await make_stand(chains={"default": ["openai/gpt-4o"]}, section=section)
    assert stand.proxy.status()["state"] == "degraded"
    async with stand.chat() as answer:
        assert answer.status == 503
        assert answer.headers["x-agentbox-attempts"] == "openai/gpt-4o=skipped-key-missing"


async def test_simulated_models_need_no_address(make_stand: MakeStand) -> None:
    chains = {"default": ["simulated/rate-limited", "simulated/echo"]}
    stand = await make_stand(chains=chains, section={"providers": {}})
    async with stand.chat() as answer:
        assert answer.headers["x-agentbox-attempts"] == "simulated/rate-limited=rate_limit"
        assert "[simulated/echo]" in await answer.text()


async def test_an_open_stream_finishes_while_nobody_new_gets_in(make_stand: MakeStand) -> None:
    stand = await make_stand()
    stand.fault(CHAT.first, Fault(kind=FaultKind.SLOW, delay_s=0.1))
    idle = stand.http.get(f"{stand.url}/health")
    async with idle, CHAT.post(stand, stream=True) as answer:
        await answer.content.readany()
        draining = asyncio.create_task(stand.proxy.drain())
        port = int(stand.url.rpartition(":")[2])
        await eventually(lambda: is_refused(port), "new connections are refused")
        assert not draining.done()
        body = await answer.read()
        assert body.endswith(b"data: [DONE]\n\n")
    await draining
    assert [record.complete for record in stand.records] == [True]


async def test_draining_is_bounded(make_stand: MakeStand) -> None:
    stand = await make_stand(server={"grace": 0.4})
    stand.fault(CHAT.first, Fault(kind=FaultKind.HANG))
    client = asyncio.create_task(CHAT.post(stand)._coro)
    await eventually(lambda: stand.calls(CHAT.first) == 1, "the provider is called")
    begun = time.monotonic()
    async with asyncio.timeout(20):
        await stand.proxy.drain()
    # Twice the grace would mean that aiohttp has changed its ways.
    assert time.monotonic() - begun > 0.35
    with suppress(aiohttp.ClientError):
        await client
    assert [record.cancelled for record in stand.records] == [True]
    await eventually(lambda: stand.cancelled(CHAT.first) == 1, "the provider sees it")


async def test_an_idle_proxy_drains_at_once(make_stand: MakeStand) -> None:
    stand = await make_stand(server={"grace": 60.0})
    async with CHAT.post(stand) as answer:  # its connection stays open
        assert answer.status == 200
    async with asyncio.timeout(20):
        await stand.proxy.drain()


async def test_nothing_stays_open_after_the_end(tmp_path: Path) -> None:
    before = open_files()
    async with open_stand(Plan(), tmp_path) as stand:
        await CHAT.sdk(stand, True)
    await eventually(lambda: open_files() <= before, "every file is closed")


@pytest.fixture
def drilled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)


async def test_checks_of_a_drill_do_not_meet(drilled: None, make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    faults = stand.providers.faults
    faults.put(CHAT.first, Fault(status=429), check="a")
    a, b = (drill_header(SECRET, check, Toggles()) for check in "ab")
    for header, attempts in (
        (a, f"{CHAT.first}=rate_limit"),
        (a, f"{CHAT.first}=skipped-cooling"),
        (b, ""),
        (None, ""),
    ):
        async with CHAT.post(stand, headers={HEADER: header} if header else None) as answer:
            assert answer.status == 200
            assert answer.headers["x-agentbox-attempts"] == attempts
    journal = stand.providers.journal
    assert [journal.count(CHAT.first, check=check) for check in ("a", "b", None)] == [1, 1, 1]


async def test_a_check_of_a_drill_has_toggles_of_its_own(
    drilled: None, make_stand: MakeStand
) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    stand.fault(CHAT.first, Fault(status=429))
    off = drill_header(SECRET, "off", Toggles(on_rate_limit=False))
    async with CHAT.post(stand, headers={HEADER: off}) as answer:
        assert answer.status == 429
    async with CHAT.post(stand) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "header", ["wrong a on_error", f"{SECRET} a", f"{SECRET}x a on_error", ""]
)
async def test_a_wrong_drill_header_is_an_ordinary_request(
    drilled: None, make_stand: MakeStand, header: str
) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    async with CHAT.post(stand, headers={HEADER: header}) as answer:
        assert answer.status == 200
    assert stand.calls(CHAT.first) == 1, "outside of any check"


async def test_without_the_variable_there_are_no_drills(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain})
    header = drill_header(SECRET, "a", Toggles())
    async with CHAT.post(stand, headers={HEADER: header}):
        pass
    assert stand.calls(CHAT.first) == 1


def is_refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def has_v6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
