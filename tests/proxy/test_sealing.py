"""Thoughts that only their maker can read go back to their maker, and to nobody else."""

import json
from typing import Any

import pytest

from tests.fakes.clients import RESPONSES
from tests.fakes.scripted import END, ScriptedProvider, begin_stream, chunk, whole
from tests.fakes.stand import Stand
from tests.fakes.strict import StrictAnthropic, listening
from tests.proxy.conftest import MakeScripted, MakeStand

FIRST, SECOND = RESPONSES.chain
REFUSED = whole(b'{"error":{"message":"no"}}', status=b"400 No")


def thought(sealed: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": f"rs_{sealed}", "summary": [], "encrypted_content": sealed}


CALL = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "w", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "1"}
PLAIN_CALL = {name: value for name, value in CALL.items() if name != "id"}


def answer(*output: dict[str, Any]) -> bytes:
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": output}
    return whole(json.dumps(body).encode())


def stream(*output: dict[str, Any]) -> bytes:
    events: list[dict[str, Any]] = [
        {"type": "response.output_item.done", "item": item} for item in output
    ]
    done = {"id": "resp_1", "status": "completed", "output": output}
    events.append({"type": "response.completed", "response": done})
    told = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    return begin_stream() + chunk(told.encode()) + END


class Scene:
    def __init__(self, stand: Stand, first: ScriptedProvider, second: ScriptedProvider) -> None:
        self.stand, self.first, self.second = stand, first, second

    async def ask(self, *items: dict[str, Any], stream: bool = False) -> str:
        body = {"model": "default", "store": False, "input": list(items), "stream": stream}
        async with self.stand.http.post(f"{self.stand.url}/v1/responses", json=body) as told:
            assert told.status == 200, await told.text()
            await told.read()
            return told.headers["x-agentbox-served-by"]

    @staticmethod
    def got(provider: ScriptedProvider) -> list[dict[str, Any]]:
        body = json.loads(provider.requests[-1].partition(b"\r\n\r\n")[2])
        items: list[dict[str, Any]] = body["input"]
        return items


@pytest.fixture
async def scene(make_stand: MakeStand, make_scripted: MakeScripted) -> Scene:
    first, second = await make_scripted([answer()]), await make_scripted([answer()])
    bases = {"openai": f"{first.base}/v1", "simulated": f"{second.base}/v1"}
    stand = await make_stand(chains={"default": (FIRST, SECOND)}, bases=bases)
    return Scene(stand, first, second)


async def test_they_stay_behind_when_the_next_link_is_asked(scene: Scene) -> None:
    scene.first.will([REFUSED])
    assert await scene.ask(thought("gA"), CALL, RESULT) == SECOND
    assert scene.got(scene.first) == [thought("gA"), CALL, RESULT]
    assert scene.got(scene.second) == [PLAIN_CALL, RESULT]


# The second is how LiteLLM keeps Anthropic's.
@pytest.mark.parametrize("sealed", ["gB", '[{"type":"thinking","signature":"gB"}]'])
@pytest.mark.parametrize("streamed", [False, True])
async def test_they_go_back_to_the_link_that_had_them(
    scene: Scene, streamed: bool, sealed: str
) -> None:
    make = stream if streamed else answer
    scene.first.will([REFUSED])
    scene.second.will([make(thought(sealed), CALL)])
    assert await scene.ask({"role": "user", "content": "hi"}, stream=streamed) == SECOND
    await scene.ask(thought(sealed), CALL, RESULT, stream=streamed)
    assert scene.got(scene.first) == [PLAIN_CALL, RESULT]
    assert scene.got(scene.second) == [thought(sealed), CALL, RESULT]
    scene.first.will([answer()])
    assert await scene.ask(thought("gA"), thought(sealed), CALL, RESULT) == FIRST
    a_thought = {name: value for name, value in thought("gA").items() if name != "id"}
    assert scene.got(scene.first) == [a_thought, PLAIN_CALL, RESULT]


async def test_what_is_told_only_at_the_end_is_remembered_too(scene: Scene) -> None:
    done = {"id": "r", "status": "completed", "output": [thought("gB")]}
    event = json.dumps({"type": "response.completed", "response": done})
    scene.first.will([REFUSED])
    scene.second.will([begin_stream() + chunk(f"data: {event}\n\n".encode()) + END])
    assert await scene.ask({"role": "user", "content": "hi"}, stream=True) == SECOND
    scene.second.will([answer()])
    await scene.ask(thought("gB"), CALL, RESULT)
    assert scene.got(scene.first) == [PLAIN_CALL, RESULT]
    assert scene.got(scene.second) == [thought("gB"), CALL, RESULT]


async def test_a_provider_that_cannot_read_its_own_any_more_is_asked_without(
    scene: Scene,
) -> None:
    told = {"message": "could not be verified", "code": "invalid_encrypted_content"}
    refused = whole(json.dumps({"error": told}).encode(), status=b"400 No")
    scene.first.will([refused], [answer()])
    assert await scene.ask(thought("gA"), CALL, RESULT) == FIRST
    assert scene.got(scene.first) == [PLAIN_CALL, RESULT]
    assert scene.second.requests == []


async def test_thoughts_that_anthropic_did_not_sign_do_not_stop_a_conversation(
    make_stand: MakeStand,
) -> None:
    claude = StrictAnthropic()
    async with listening(claude):
        chain = ("anthropic/claude-sonnet-4-5",)
        stand = await make_stand(chains={"claude": chain}, bases={"anthropic": claude.base})
        thoughts = {"type": "thinking", "thinking": "of elsewhere", "signature": "Eq"}
        use = {"type": "tool_use", "id": "toolu_1", "name": "w", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}
        messages = [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [thoughts, use]},
            {"role": "user", "content": [result]},
        ]
        thinking = {"type": "enabled", "budget_tokens": 1024}
        async with stand.messages(messages=messages, thinking=thinking) as told:
            assert told.status == 200, await told.text()
    assert len(claude.refused) == 1
    assert claude.taken[0]["messages"][1]["content"] == [use]
    assert claude.taken[0]["thinking"] == {"type": "disabled"}
