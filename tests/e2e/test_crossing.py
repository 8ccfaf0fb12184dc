"""Conversations between Anthropic and an OpenAI-style link by the real LiteLLM, there and back.

Both providers are as strict as the real ones: each link has to accept what the other one said.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from agentbox_cli.simulate.faults import Fault
from agentbox_cli.simulate.wording import Wording
from tests.fakes.meaning import (
    of_chat,
    of_messages,
    tools_of,
    wanted_of_chat,
    wanted_of_messages,
)
from tests.fakes.stand import Plan, Stand, open_stand
from tests.fakes.strict import StrictAnthropic, StrictOpenAI, listening, signed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

CONVERSATIONS = sorted((Path(__file__).parents[1] / "proxy" / "conversations").glob("*.json"))
OPENAI = "openai/gpt-4.1"
CLAUDE, LLAMA = "anthropic/claude-sonnet-4-5", "gwdg_saia/gemma-3-27b-it"
START_SECONDS = 120.0
REFUSED = 400  # moves on to the next link, and nothing cools
ANSWER: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "a thought of the other model"},
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "id": "functions.look:0", "name": "look", "input": {"at": [1, 2.5]}},
    {"type": "tool_use", "id": "call_" + "x" * 60, "name": "look", "input": {}},
]
CLAUDES_ANSWER: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "a thought of Claude"},
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "name": "look", "input": {"at": [1, 2.5]}},
    {"type": "tool_use", "name": "look", "input": {}},
]
# What the SDK has parameters for; all else is sent as it is.
KNOWN = {"model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking"}
LOOK = {"name": "look", "description": "Look.", "input_schema": {"type": "object"}}


@dataclass
class Scene:
    """A proxy before two strict providers."""

    stand: Stand
    claude: StrictAnthropic
    llama: StrictOpenAI
    anthropic: AsyncAnthropic
    openai: AsyncOpenAI

    def clear(self) -> None:
        self.stand.providers.faults.clear()
        for each in (self.claude, self.llama):
            each.will.clear()
            each.taken.clear()
            each.refused.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    claude, llama = StrictAnthropic(), StrictOpenAI()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(claude))
        await stack.enter_async_context(listening(llama))
        plan = Plan(
            chains={
                "claude": (CLAUDE, LLAMA),
                "llama": (LLAMA, CLAUDE),
                "sealing": (OPENAI, CLAUDE, LLAMA),
            },
            bases={"anthropic": claude.base, "gwdg_saia": f"{llama.base}/v1"},
            section={"engine": {"mode": "eager"}},
        )
        place = tmp_path_factory.mktemp("crossing")
        stand = await stack.enter_async_context(open_stand(plan, place))
        translation = stand.proxy._translation
        assert translation is not None
        assert translation._engine is not None
        await translation._engine.wait_ready(START_SECONDS)
        key = {"api_key": "not-needed", "max_retries": 0}
        sdk = AsyncAnthropic(base_url=stand.url, **key)  # type: ignore[arg-type]  # of both kinds
        other = AsyncOpenAI(base_url=f"{stand.url}/v1", **key)  # type: ignore[arg-type]  # as well
        await stack.enter_async_context(sdk)
        await stack.enter_async_context(other)
        yield Scene(stand, claude, llama, sdk, other)


@pytest.fixture
def scene(running: Scene) -> Scene:
    running.clear()
    return running


def conversation(file: Path) -> dict[str, Any]:
    """A recorded conversation, its thoughts signed as the provider would."""
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for message in told["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block["type"] == "thinking":
                block["signature"] = signed(block["thinking"])
    return {"model": "claude", "max_tokens": 2_000, **told}


async def ask(scene: Scene, body: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    """Ask through the SDK, and give the message as it would be sent back."""
    known = {name: value for name, value in body.items() if name in KNOWN}
    more = {name: value for name, value in body.items() if name not in KNOWN}
    if stream:
        async with scene.anthropic.messages.stream(**known, extra_body=more) as events:
            message = await events.get_final_message()
    else:
        message = await scene.anthropic.messages.create(**known, extra_body=more)
    dumped = message.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    keys = ("type", "text", "id", "name", "input", "thinking", "signature", "data")
    content = [{k: block[k] for k in keys if k in block} for block in dumped["content"]]
    return {"role": "assistant", "content": content}


def said_in(content: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What an answer says, without ids and signatures."""
    names = ("type", "thinking", "text", "name", "input")
    return [tuple(block[name] for name in names if name in block) for block in content]


def results_for(message: dict[str, Any]) -> dict[str, Any]:
    used = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    content = [{"type": "tool_result", "tool_use_id": name, "content": "seen"} for name in used]
    return {"role": "user", "content": content}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("file", CONVERSATIONS, ids=lambda file: file.stem)
async def test_a_conversation_crosses_and_comes_back(
    scene: Scene, file: Path, stream: bool
) -> None:
    body = conversation(file)
    body["tools"] = [*body.get("tools", ()), LOOK]
    await ask(scene, body, stream=stream)
    assert scene.claude.refused == [], "the conversation itself is sound"

    scene.claude.will, scene.llama.will = [REFUSED], [ANSWER]
    answer = await ask(scene, body, stream=stream)
    assert scene.llama.refused == []
    crossed = scene.llama.taken[-1]
    assert of_chat(crossed) == of_messages(body)
    assert tools_of(crossed) == tools_of(body)
    assert wanted_of_chat(crossed) == wanted_of_messages(body)
    assert said_in(answer["content"]) == said_in(ANSWER)

    went_on = {**body, "messages": [*body["messages"], answer, results_for(answer)]}
    went_on.pop("tool_choice", None)
    await ask(scene, went_on, stream=stream)
    assert scene.claude.refused == [], "one call, and nothing in it that Anthropic refuses"
    back = scene.claude.taken[-1]
    assert of_messages(back) == of_messages(went_on)
    assert back["messages"][: len(body["messages"])] == body["messages"], "to the byte"
    assert [back.get("system"), back["tools"]] == [body.get("system"), body["tools"]]

    scene.claude.will = [REFUSED]
    await ask(scene, went_on, stream=stream)
    assert scene.llama.refused == []
    assert of_chat(scene.llama.taken[-1]) == of_messages(went_on)


@pytest.mark.parametrize("file", CONVERSATIONS, ids=lambda file: file.stem)
async def test_a_chat_crosses_to_anthropic_and_comes_back(scene: Scene, file: Path) -> None:
    scene.claude.will = [REFUSED]
    body = conversation(file)
    body["tools"] = [*body.get("tools", ()), LOOK]
    body.pop("tool_choice", None)
    await ask(scene, body, stream=False)
    chat = {**scene.llama.taken[-1], "model": "llama"}  # what an OpenAI client would send

    scene.llama.will, scene.claude.will = [REFUSED], [CLAUDES_ANSWER]
    told = await scene.openai.chat.completions.create(**chat)
    assert scene.claude.refused == []
    assert of_messages(scene.claude.taken[-1]) == of_chat(chat)
    assert wanted_of_messages(scene.claude.taken[-1]) == wanted_of_chat(chat)
    answer = told.choices[0].message.model_dump(exclude_none=True, exclude_unset=True)
    calls = [
        (each["function"]["name"], each["function"]["arguments"]) for each in answer["tool_calls"]
    ]
    assert [(name, json.loads(told)) for name, told in calls] == [
        (block["name"], block["input"]) for block in CLAUDES_ANSWER[2:]
    ]
    assert answer["content"] == "Let me see."

    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": "seen"}
        for call in answer["tool_calls"]
    ]
    went_on = {**chat, "messages": [*chat["messages"], answer, *results]}
    await scene.openai.chat.completions.create(**went_on)
    assert scene.llama.refused == []
    assert of_chat(scene.llama.taken[-1]) == of_chat(went_on)

    scene.llama.will = [REFUSED]
    await scene.openai.chat.completions.create(**went_on)
    assert scene.claude.refused == []
    assert of_messages(scene.claude.taken[-1]) == of_chat(went_on)


THINKING = {"reasoning": {"effort": "low"}, "store": False}
# Of this kind any number of links may be tried, and none cools.
TOO_LONG = Fault(status=400, wording=Wording.CONTEXT_WINDOW)


async def respond(scene: Scene, *items: Any, by: str) -> list[dict[str, Any]]:
    """Ask by responses, and give what came out as it would be sent back.

    Args:
        by: `unary`, `stream`, or `items`: a stream whose items are taken one by one.
    """
    asked: dict[str, Any] = {
        "model": "sealing",
        "input": list(items),
        "tools": [LOOKS],
        **THINKING,
    }
    if by == "unary":
        output = (await scene.openai.responses.create(**asked)).output
    else:
        events = [each async for each in await scene.openai.responses.create(**asked, stream=True)]
        assert events[-1].type == "response.completed"
        output = events[-1].response.output
        done = [each.item for each in events if each.type == "response.output_item.done"]
        for part, whole in zip(sealed(done), sealed(output), strict=True):
            # What was signed when the item ended, of all that was signed in the end.
            assert bool(part) == bool(whole)
            assert whole.startswith(part.removesuffix("]"))
        output = done if by == "items" else output
    return [item.model_dump(mode="json", exclude_none=True) for item in output]


def sealed(items: Sequence[Any]) -> list[str]:
    """What of items only its maker can read; an empty text where there is nothing."""
    told = sorted((item.type, getattr(item, "encrypted_content", None) or "") for item in items)
    return [text for _, text in told]


LOOKS = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
OPENAIS = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAsealed"}


@pytest.mark.parametrize("by", ["unary", "stream", "items"])
async def test_sealed_thoughts_go_through_the_translation_to_their_maker_only(
    scene: Scene, by: str
) -> None:
    hello = {"role": "user", "content": "hi"}
    faults = scene.stand.providers.faults
    # A thought that OpenAI has sealed stays behind when Claude is asked.
    faults.put(OPENAI, TOO_LONG)
    scene.claude.will = [CLAUDES_ANSWER]
    output = await respond(scene, hello, OPENAIS, by=by)
    assert scene.claude.refused == []
    assert "gAAAAsealed" not in json.dumps(scene.claude.taken)
    kinds = [item["type"] for item in output]
    assert sorted(kinds[1:]) == ["function_call", "function_call", "message"]
    assert kinds[0] == "reasoning"
    signature = signed("a thought of Claude")
    assert signature in output[0]["encrypted_content"]

    # Claude's own comes back to Claude, signed, and is nothing for OpenAI.
    results = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "seen"}
        for item in output
        if item["type"] == "function_call"
    ]
    await respond(scene, hello, OPENAIS, *output, *results, by=by)
    assert scene.claude.refused == []
    back = json.dumps(scene.claude.taken[-1])
    assert signature in back
    assert "gAAAAsealed" not in back
    tried = scene.stand.seen(OPENAI)[-1].body.decode()
    assert "gAAAAsealed" in tried
    assert signature not in tried

    # Nor is any of it for the third.
    scene.claude.will = [REFUSED]
    await respond(scene, hello, OPENAIS, *output, *results, by=by)
    assert scene.llama.refused == []
    crossed = json.dumps(scene.llama.taken[-1])
    assert signature not in crossed
    assert "sealed" not in crossed
    assert "seen" in crossed


@pytest.mark.parametrize("by", ["unary", "stream", "items"])
async def test_thoughts_of_all_kinds_come_back_whichever_way_they_were_taken(
    scene: Scene, by: str
) -> None:
    """LiteLLM makes one item of them, and tells it done after the first words."""
    hello = {"role": "user", "content": "hi"}
    thought, words, call = CLAUDES_ANSWER[:3]
    hidden = {"type": "redacted_thinking", "data": "EmwKAhgB"}
    scene.stand.providers.faults.put(OPENAI, TOO_LONG)
    scene.claude.will = [[thought, hidden, words, {**thought, "thinking": "another"}, call]]
    output = await respond(scene, hello, by=by)
    told = json.loads(output[0]["encrypted_content"])
    assert told[:2] == [{**thought, "signature": signed(thought["thinking"])}, hidden]

    used = next(item for item in output if item["type"] == "function_call")
    result = {"type": "function_call_output", "call_id": used["call_id"], "output": "seen"}
    scene.stand.providers.faults.put(OPENAI, TOO_LONG)
    await respond(scene, hello, *output, result, by=by)
    assert scene.claude.refused == []
    assert scene.claude.taken[-1]["messages"][1]["content"][: len(told)] == told
