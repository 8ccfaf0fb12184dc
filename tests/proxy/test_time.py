"""Deadlines over real sockets: what a hanging link costs, and what is never cut."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.clients import CHAT, STREAMING, Tongue
from tests.proxy.conftest import MakeStand

HANG = Fault(kind=FaultKind.HANG)
SOON = 0.3
# Far beyond what any of these takes, and far below the timeouts that must not be waited for.
GENEROUS = 20.0


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_a_hanging_first_link_costs_its_own_timeout_once(
    make_stand: MakeStand, stream: bool
) -> None:
    stand = await make_stand(chains={"default": CHAT.chain}, links={CHAT.first: {"timeout": SOON}})
    stand.fault(CHAT.first, HANG)
    for attempts in (f"{CHAT.first}=timeout", *[f"{CHAT.first}=skipped-cooling"] * 5):
        async with CHAT.post(stand, stream=stream) as answer:
            await answer.read()
            assert answer.headers["x-agentbox-attempts"] == attempts
    assert stand.calls(CHAT.first) == 1


async def test_a_link_that_cannot_be_reached_costs_its_connect_timeout_once(
    make_stand: MakeStand,
) -> None:
    async with silent_port() as (port, connections):
        links = {CHAT.first: {"connect_timeout": SOON}}
        bases = {CHAT.first.partition("/")[0]: f"https://127.0.0.1:{port}/v1"}
        stand = await make_stand(chains={"default": CHAT.chain}, links=links, bases=bases)
        async with asyncio.timeout(GENEROUS):
            for attempts in (f"{CHAT.first}=timeout", f"{CHAT.first}=skipped-cooling"):
                async with CHAT.post(stand) as answer:
                    assert answer.headers["x-agentbox-attempts"] == attempts
    assert len(connections) == 1
    [failed, _, _] = stand.records
    assert (failed.failure, failed.maybe_charged) == (ErrorKind.TIMEOUT, False)


@pytest.mark.parametrize(
    ("status", "label", "then"),
    [
        (429, "rate_limit", "skipped-cooling"),
        (500, "server", "server"),
        (404, "not_found", "skipped-cooling"),
    ],
)
async def test_an_error_whose_body_does_not_come_in_time_is_known_by_its_status(
    make_stand: MakeStand, status: int, label: str, then: str
) -> None:
    head = b"HTTP/1.1 %d No\r\nretry-after: 70\r\ncontent-length: 100\r\n\r\n{" % status
    async with says(head) as port:
        stand = await make_stand(
            chains={"default": CHAT.chain},
            links={CHAT.first: {"timeout": SOON}},
            bases={CHAT.first.partition("/")[0]: f"http://127.0.0.1:{port}/v1"},
            section={"router": {"num_retries": 0}},
        )
        for attempt in (label, then):
            async with CHAT.post(stand) as answer:
                assert answer.status == 200
                assert answer.headers["x-agentbox-attempts"] == f"{CHAT.first}={attempt}"


@asynccontextmanager
async def says(head: bytes) -> AsyncIterator[int]:
    """A port that says this to everybody, and then nothing more."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("fault", [HANG, Fault(kind=FaultKind.STALL)], ids=["hang", "stall"])
async def test_all_links_together_have_the_total_time(make_stand: MakeStand, fault: Fault) -> None:
    section = {"router": {"total_timeout": SOON}}
    stand = await make_stand(chains={"default": CHAT.chain}, section=section)
    stand.fault(CHAT.first, fault)
    stand.fault(CHAT.second, fault)
    async with asyncio.timeout(GENEROUS):
        async with CHAT.post(stand) as answer:
            assert answer.status == 503
    assert (stand.calls(CHAT.first), stand.calls(CHAT.second)) == (1, 0)
    assert stand.in_flight() == 0


async def test_a_wait_for_the_last_link_is_part_of_the_total_time(make_stand: MakeStand) -> None:
    section = {"router": {"total_timeout": 3}}
    stand = await make_stand(chains={"default": [CHAT.first]}, section=section)
    stand.fault(CHAT.first, Fault(status=429, headers={"retry-after": "4"}))
    began = time.monotonic()
    async with CHAT.post(stand) as answer:
        assert answer.status == 429
    assert stand.calls(CHAT.first) == 1
    assert time.monotonic() - began < 3, "it was not waited for"


@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_a_stream_that_flows_is_never_cut(make_stand: MakeStand, tongue: Tongue) -> None:
    times = {"timeout": 2, "stream_timeout": 2, "total_timeout": 2, "connect_timeout": 2}
    stand = await make_stand(chains={"default": tongue.chain}, section={"router": times})
    stand.fault(tongue.first, Fault(kind=FaultKind.SLOW, delay_s=0.35))
    began = time.monotonic()
    assert await tongue.sdk(stand, True) == f"[{tongue.first}] you said: hi there"
    assert time.monotonic() - began > 2, "it took longer than every timeout"
    assert [record.complete for record in stand.records] == [True]


async def test_a_pause_is_measured_by_the_links_own_stream_timeout(make_stand: MakeStand) -> None:
    stand = await make_stand(
        chains={"default": CHAT.chain}, links={CHAT.first: {"stream_timeout": SOON}}
    )
    stand.fault(CHAT.first, Fault(kind=FaultKind.STALL, after_events=4))
    async with asyncio.timeout(GENEROUS), CHAT.post(stand, stream=True) as answer:
        body = await answer.read()
    assert b"paused for more than 0.3 seconds" in body
    assert b"[DONE]" not in body


@asynccontextmanager
async def silent_port() -> AsyncIterator[tuple[int, list[object]]]:
    """A port that accepts connections and never says a word, so that no TLS comes about."""
    connections: list[object] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.read(1024):
            pass
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()
