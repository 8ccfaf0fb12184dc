"""Cooldowns, probes and reservations under load, counted at the providers."""

import asyncio
import time
from collections import Counter

import pytest

from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.clients import CHAT
from tests.fakes.stand import Stand, eventually
from tests.proxy.conftest import MakeStand

SAIA = "gwdg_saia/llama-3.3-70b"
LONG = {"router": {"retry_after_seconds": 600}}
THROTTLED = Fault(status=429, headers={"retry-after": "600"})
MANY = 100


async def attempts(stand: Stand) -> str:
    async with CHAT.post(stand) as answer:
        await answer.read()
        told: str = answer.headers["x-agentbox-attempts"]
        return told


async def storm(stand: Stand, number: int = MANY) -> Counter[str]:
    """Many requests at once, counted by what became of their links."""
    return Counter(await asyncio.gather(*(attempts(stand) for _ in range(number))))


def end_cooldowns(stand: Stand) -> None:
    """Let the time pass until every cooldown is over."""
    for entry in stand.proxy._memory.cooldowns._entries.values():
        entry.until = entry.promised = time.monotonic()


@pytest.fixture
async def pair(make_stand: MakeStand) -> Stand:
    """Two links that cool for so long that no cooldown ends by itself."""
    return await make_stand(chains={"default": CHAT.chain}, section=LONG)


async def test_a_throttled_link_gets_one_probe_for_each_cooldown(pair: Stand) -> None:
    pair.fault(CHAT.first, THROTTLED)
    assert await attempts(pair) == f"{CHAT.first}=rate_limit"
    for probes in range(1, 4):
        end_cooldowns(pair)
        outcomes = await storm(pair)
        assert pair.calls(CHAT.first) == 1 + probes
        assert outcomes[f"{CHAT.first}=rate_limit"] == 1
        assert outcomes[f"{CHAT.first}=skipped-cooling"] == MANY - 1
    assert pair.calls(CHAT.second) == 1 + 3 * MANY
    assert pair.in_flight() == 0


async def test_while_a_slow_probe_is_under_way_nobody_else_tries(pair: Stand) -> None:
    pair.fault(CHAT.first, THROTTLED)
    await attempts(pair)
    end_cooldowns(pair)
    pair.fault(CHAT.first, Fault(kind=FaultKind.HANG))
    probe = asyncio.create_task(attempts(pair))
    await eventually(lambda: pair.calls(CHAT.first) == 2, "the probe is made")
    assert await storm(pair) == {f"{CHAT.first}=skipped-cooling": MANY}
    assert pair.calls(CHAT.first) == 2
    probe.cancel()
    await eventually(lambda: pair.in_flight() == 0, "the probe is given back")
    pair.fault(CHAT.first)
    assert await attempts(pair) == "", "the next request probes, and it answers"
    assert await storm(pair, 9) == {"": 9}


async def test_a_probe_that_answers_brings_the_link_back_for_all(pair: Stand) -> None:
    pair.fault(CHAT.first, Fault(status=429, headers={"retry-after": "600"}, times=1))
    await attempts(pair)
    end_cooldowns(pair)
    outcomes = await storm(pair)
    assert set(outcomes) <= {"", f"{CHAT.first}=skipped-cooling"}
    assert outcomes[""] >= 1
    assert await storm(pair, 9) == {"": 9}


async def test_a_link_that_answers_500_gets_two_calls_and_then_none(pair: Stand) -> None:
    pair.fault(CHAT.first, Fault(status=500))
    assert await attempts(pair) == f"{CHAT.first}=server"
    assert pair.calls(CHAT.first) == 2
    assert await storm(pair) == {f"{CHAT.first}=skipped-cooling": MANY}
    assert pair.calls(CHAT.first) == 2
    end_cooldowns(pair)
    outcomes = await storm(pair)
    assert pair.calls(CHAT.first) == 3, "one probe, without a retry"
    assert outcomes[f"{CHAT.first}=server"] == 1


async def test_with_every_link_throttled_no_provider_is_called(pair: Stand) -> None:
    for deployment in CHAT.chain:
        pair.fault(deployment, THROTTLED)
    async with CHAT.post(pair) as answer:
        assert answer.status == 429
    for _ in range(20):
        async with CHAT.post(pair) as answer:
            assert answer.status == 429
            assert 590 < int(answer.headers["retry-after"]) <= 600
    assert [pair.calls(deployment) for deployment in CHAT.chain] == [1, 1]


async def test_of_a_throttled_account_no_model_is_called(make_stand: MakeStand) -> None:
    stand = await make_stand(
        chains={"default": [SAIA, "openai/gpt-4o"], "other": ["gwdg_saia/codestral-22b"]}
    )
    stand.fault(SAIA, THROTTLED)
    await attempts(stand)
    async with stand.chat("other") as answer:
        assert answer.status == 429
    assert stand.calls("gwdg_saia/codestral-22b") == 0


async def test_twenty_requests_do_not_share_the_last_of_a_quota(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": [SAIA, "openai/gpt-4o"]})
    stand.fault(SAIA, left(1))
    assert await attempts(stand) == "", "this is how it becomes known"
    stand.fault(SAIA, left(0, delay_s=0.2))
    outcomes = await storm(stand, 20)
    assert outcomes == {"": 1, f"{SAIA}=skipped-exhausted": 19}
    assert (stand.calls(SAIA), stand.calls("openai/gpt-4o")) == (2, 19)
    assert stand.in_flight() == 0


async def test_as_many_go_as_there_is_quota(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": [SAIA, "openai/gpt-4o"]})
    stand.fault(SAIA, left(7))
    await attempts(stand)
    stand.fault(SAIA, left(0, delay_s=1.0))
    assert (await storm(stand, 20))[""] == 7


def left(number: int, delay_s: float = 0.0) -> Fault:
    headers = {"x-ratelimit-limit-day": "1000", "x-ratelimit-remaining-day": str(number)}
    return Fault(kind=FaultKind.NONE, headers=headers, delay_s=delay_s)
