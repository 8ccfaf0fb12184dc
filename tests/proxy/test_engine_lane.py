"""Translated calls: what the provider really said counts, not what LiteLLM makes of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from agentbox_cli.engine.process import EngineUnavailable
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.answers import Answer, OpenStream, UnaryAnswer
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.egress import Egress
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.engine_lane import EngineLane
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.lanes import DirectLane, Order
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.request import read_ask
from agentbox_cli.proxy.upstream import AttemptFailed, Upstream
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.loop_engine import LoopEngine, loop_engine
from tests.fakes.stand import Plan, eventually, resolved_for

SAIA = "gwdg_saia/llama-3.3-70b"
MASTER_KEY = "sk-master"
CLIENT = {"authorization": "Bearer mine", "user-agent": "agent/1", "cookie": "a=mine"}


@dataclass(slots=True, kw_only=True)
class Translated:
    """The lane with everything behind it."""

    lane: EngineLane
    engine: LoopEngine
    providers: SimulatedProviders
    call: Call
    order: Mapping[str, Any]
    quotas: Quotas = field(default_factory=Quotas)

    async def ask(self, *, stream: bool = False) -> Answer:
        flag = b"true" if stream else b"false"
        ask = read_ask(b'{"model":"x","messages":[{"role":"user"}],"stream":' + flag + b"}")
        return await self.lane.call(self.call, Order(ask=ask, quotas=self.quotas, **self.order))

    async def fails(self, *, stream: bool = False) -> Failure:
        with pytest.raises(AttemptFailed) as raised:
            await self.ask(stream=stream)
        return raised.value.failure


@pytest.fixture
async def translated(tmp_path: Path) -> AsyncIterator[Translated]:
    providers = SimulatedProviders(keep=100)
    base = await providers.start()
    plan = Plan(chains={"default": [SAIA]}, section={"router": {"stream_timeout": 0.3}})
    chain = resolved_for(plan, base, tmp_path).chains["default"]
    outside, inside = Upstream(), Upstream(socket_path=str(tmp_path / "engine.sock"))
    egress = Egress(DirectLane(outside))
    url = await egress.start()
    async with loop_engine(egress, url, tmp_path / "engine.sock") as engine:
        yield Translated(
            lane=EngineLane(
                upstream=inside,
                egress=egress,
                master_key=SecretStr(MASTER_KEY),
                wait_ready=_ready,
            ),
            engine=engine,
            providers=providers,
            call=Call(link=chain.links[0], number=1, timeout=9.0),
            order={
                "request_id": "req_1",
                "endpoint": CHAT,
                "client": CIMultiDict(CLIENT),
            },
        )
        await inside.close()
    await egress.stop()
    await outside.close()
    await providers.stop()


async def _ready(_: float) -> None:
    return None


async def test_an_answer_comes_with_the_providers_headers_and_usage(
    translated: Translated,
) -> None:
    headers = {"x-ratelimit-remaining-hour": "7"}
    translated.providers.faults.put(SAIA, Fault(kind=FaultKind.NONE, headers=headers))
    answer = await translated.ask()
    assert isinstance(answer, UnaryAnswer)
    assert answer.headers["x-ratelimit-remaining-hour"] == "7"
    assert answer.headers["content-type"] == "application/json"
    assert not any(name.startswith("x-litellm") for name in answer.headers)
    assert answer.spent.tokens.output == 3
    assert translated.lane.egress._loops == {}


async def test_litellm_learns_nothing_of_the_client(translated: Translated) -> None:
    await translated.ask()
    [headers] = translated.engine.calls
    assert headers["authorization"] == f"Bearer {MASTER_KEY}"
    assert "mine" not in str(headers)
    [call] = translated.providers.journal.recent
    assert call.headers["user-agent"] == "agent/1"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_a_failure_is_the_providers_own(translated: Translated, stream: bool) -> None:
    translated.providers.faults.put(SAIA, Fault(status=429, headers={"retry-after": "37"}))
    failed = await translated.fails(stream=stream)
    assert (failed.kind, failed.status, failed.retry_after) == (ErrorKind.THROTTLE, 429, 37)
    assert not failed.ours
    assert translated.lane.egress._loops == {}


async def test_a_broken_engine_is_no_fault_of_the_link(translated: Translated) -> None:
    translated.engine.broken = True
    failed = await translated.fails()
    assert (failed.kind, failed.ours) == (ErrorKind.SERVER, True)
    assert translated.providers.journal.count(SAIA) == 0


async def test_an_engine_that_is_down_says_when_to_come_back(translated: Translated) -> None:
    async def wait_ready(_: float) -> None:
        raise EngineUnavailable("LiteLLM is starting", 5.0)

    translated.lane.wait_ready = wait_ready
    failed = await translated.fails()
    assert (failed.status, failed.retry_after, failed.sent, failed.ours) == (503, 5.0, False, True)


async def test_waiting_for_the_engine_is_part_of_the_calls_time(translated: Translated) -> None:
    asked = []

    async def wait_ready(seconds: float) -> None:
        asked.append(seconds)
        await asyncio.sleep(1.5)

    translated.lane.wait_ready = wait_ready
    translated.providers.faults.put(SAIA, Fault(kind=FaultKind.HANG))
    translated.call = Call(link=translated.call.link, number=1, timeout=1.6)
    began = time.monotonic()
    failed = await translated.fails()
    assert asked == [1.6]
    assert time.monotonic() - began < 1.5 + 1.6, "it began before the wait"
    assert (failed.kind, failed.ours) == (ErrorKind.TIMEOUT, True), "the link had no fair chance"


async def test_a_hanging_provider_ends_with_the_timeout(translated: Translated) -> None:
    translated.providers.faults.put(SAIA, Fault(kind=FaultKind.HANG))
    translated.call = Call(link=translated.call.link, number=1, timeout=0.3)
    failed = await translated.fails()
    assert failed.kind is ErrorKind.TIMEOUT
    assert translated.lane.egress._loops == {}
    await _is_cancelled(translated)


async def test_a_stream_passes(translated: Translated) -> None:
    answer = await translated.ask(stream=True)
    assert not isinstance(answer, UnaryAnswer)
    passed = [answer.first]
    await _pass_on(answer, passed)
    assert b"".join(passed).endswith(b"data: [DONE]\n\n")
    assert answer.reader.complete
    answer.close()
    assert translated.lane.egress._loops == {}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.CUT, after_events=4, delay_s=0.1),
        Fault(kind=FaultKind.CLEAN_CUT, after_events=99, delay_s=0.1),
        Fault(kind=FaultKind.STALL, after_events=4, delay_s=0.1),
        Fault(kind=FaultKind.ERROR_EVENT, after_events=4, delay_s=0.1),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_the_happy_end_that_litellm_makes_up_is_not_passed_on(
    translated: Translated, fault: Fault
) -> None:
    translated.providers.faults.put(SAIA, fault)
    answer = await translated.ask(stream=True)
    assert not isinstance(answer, UnaryAnswer)
    passed = [answer.first]
    with pytest.raises(AttemptFailed):
        await _pass_on(answer, passed)
    assert b"[DONE]" not in b"".join(passed)
    assert b'"finish_reason":"stop"' not in b"".join(passed)
    answer.close()


async def test_a_client_that_leaves_ends_the_call_at_the_provider(translated: Translated) -> None:
    translated.providers.faults.put(SAIA, Fault(kind=FaultKind.HANG))
    client = asyncio.create_task(translated.ask())
    await eventually(lambda: translated.providers.journal.count(SAIA) == 1, "it is called")
    client.cancel()
    await _is_cancelled(translated)
    assert translated.lane.egress._loops == {}


async def test_closing_a_stream_ends_the_call_at_the_provider(translated: Translated) -> None:
    translated.providers.faults.put(SAIA, Fault(kind=FaultKind.SLOW, delay_s=0.05))
    answer = await translated.ask(stream=True)
    assert not isinstance(answer, UnaryAnswer)
    answer.close()
    await _is_cancelled(translated)


async def _is_cancelled(translated: Translated) -> None:
    journal = translated.providers.journal
    await eventually(lambda: journal.count_cancelled(SAIA) == 1, "the provider sees it")


async def _pass_on(stream: OpenStream, passed: list[bytes]) -> None:
    async for events in stream.rest():
        passed.append(events)  # noqa: PERF401 - what came before a failure is looked at
