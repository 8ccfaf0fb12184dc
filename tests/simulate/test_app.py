import asyncio

import aiohttp
import pytest

from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.simulate.conftest import eventually


async def test_two_servers_live_side_by_side() -> None:
    one, two = SimulatedProviders(), SimulatedProviders()
    bases = {await one.start(), await two.start()}
    assert len(bases) == 2
    await one.stop()
    await two.stop()


async def test_stop_ends_hanging_calls_and_counts_none_as_cancelled() -> None:
    providers = SimulatedProviders()
    base = await providers.start()
    url = f"{base}/simulated/v1/responses"
    async with aiohttp.ClientSession() as http:
        call = asyncio.create_task(_post(http, url))
        await eventually(lambda: providers.journal.count("simulated/hang") == 1)
        await providers.stop()
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await call
    assert providers.journal.count_cancelled("simulated/hang") == 0


async def test_stop_ends_running_streams_and_counts_none_as_cancelled() -> None:
    providers = SimulatedProviders()
    providers.faults.put("a/m", Fault(kind=FaultKind.SLOW, delay_s=0.2))
    base = await providers.start()
    document = {"model": "m", "input": "hi", "stream": True}
    async with aiohttp.request("POST", f"{base}/a/v1/responses", json=document) as response:
        await response.content.readany()
        await providers.stop()
    assert providers.journal.count("a/m") == 1
    assert providers.journal.count_cancelled("a/m") == 0


async def _post(http: aiohttp.ClientSession, url: str) -> None:
    async with http.post(url, json={"model": "hang", "input": "hi"}):
        pass


async def test_stopping_what_never_started_is_fine() -> None:
    await SimulatedProviders().stop()


async def test_a_server_that_comes_back_hangs_as_before() -> None:
    server = SimulatedProviders()
    base = await server.start()
    await server.stop()
    again = await server.start(port=int(base.rpartition(":")[2]))
    assert again == base
    server.faults.put("openai/gpt-4o", Fault(kind=FaultKind.HANG))
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as session:
            with pytest.raises(TimeoutError):
                await session.post(f"{base}/openai/v1/chat/completions", json=asked)
    finally:
        await server.stop()
