"""What the client of a stream gets while it waits, and when waiting was in vain."""

import json

import anthropic
import openai
import pytest

from agentbox_cli.proxy import exchange
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.clients import CHAT, STREAMING, Tongue
from tests.fakes.stand import eventually
from tests.proxy.conftest import MakeStand


@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_after_a_long_silence_keep_alives_begin_and_the_answer_follows(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch, tongue: Tongue
) -> None:
    monkeypatch.setattr(exchange, "KEEP_ALIVE_SECONDS", 0.05)
    stand = await make_stand(chains={"default": tongue.chain}, server={"silence": 0.05})
    late = Fault(status=400, wording=Wording.CONTEXT_WINDOW, delay_s=0.3)
    stand.fault(tongue.first, late)

    async with tongue.post(stand, stream=True) as answer:
        body = await answer.read()
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-agentbox-alias"] == "default"
        assert answer.headers["x-agentbox-request-id"]
        assert "x-agentbox-served-by" not in answer.headers
    assert body.startswith(b": keep-alive\n\n: keep-alive\n\n")
    assert b": keep-alive" not in body.lstrip(b": keep-alive\n")
    assert f"[{tongue.second}]".encode() in body
    assert await tongue.sdk(stand, True) == f"[{tongue.second}] you said: hi there"
    assert [record.complete for record in stand.records] == [False, True] * 2


@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_after_keep_alives_a_total_failure_is_an_event(
    make_stand: MakeStand, tongue: Tongue
) -> None:
    stand = await make_stand(chains={"default": tongue.chain}, server={"silence": 0.05})
    for deployment in tongue.chain:
        stand.fault(deployment, Fault(status=429, delay_s=0.3))

    async with tongue.post(stand, stream=True) as answer:
        assert answer.status == 200
        body = await answer.read()
    assert body.startswith(b": keep-alive\n\n")
    last = body.removesuffix(b"\n\n").rpartition(b"\n\n")[2]
    said = json.loads(last.rpartition(b"data: ")[2])["error"]["message"]
    assert all(f"{deployment} rate_limit" in said for deployment in tongue.chain)
    assert b"[DONE]" not in body

    stand.providers.faults.clear()
    stand.proxy._memory.cooldowns._entries.clear()
    for deployment in tongue.chain:
        stand.fault(deployment, Fault(status=400, delay_s=0.3))
    with pytest.raises((openai.APIError, anthropic.APIStatusError)):
        await tongue.sdk(stand, True)


async def test_after_keep_alives_a_whole_answer_is_no_stream(
    make_stand: MakeStand,
) -> None:
    # A provider that ignores `stream` would leave a client with an empty answer that looks well.
    stand = await make_stand(chains={"default": CHAT.chain}, server={"silence": 0.05})
    body = json.dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})
    stand.fault(CHAT.first, Fault(status=200, body=body, delay_s=0.3))
    with pytest.raises(openai.APIError, match="no stream"):
        await CHAT.sdk(stand, True)


async def test_a_unary_call_gets_no_keep_alives(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": CHAT.chain}, server={"silence": 0.02})
    stand.fault(CHAT.first, Fault(kind=FaultKind.SLOW, delay_s=0.2))
    async with CHAT.post(stand) as answer:
        assert answer.headers["x-agentbox-served-by"] == CHAT.first
        assert (await answer.json())["choices"]


async def test_a_client_that_leaves_during_keep_alives_ends_the_call_upstream(
    make_stand: MakeStand,
) -> None:
    stand = await make_stand(chains={"default": CHAT.chain}, server={"silence": 0.02})
    stand.fault(CHAT.first, Fault(kind=FaultKind.HANG))
    async with CHAT.post(stand, stream=True) as answer:
        assert await answer.content.readany() == b": keep-alive\n\n"
    await eventually(lambda: stand.cancelled(CHAT.first) == 1, "the provider sees it")
    assert [record.cancelled for record in stand.records] == [True]
