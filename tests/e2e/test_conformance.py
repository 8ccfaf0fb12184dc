"""Answers of every endpoint on both lanes, by the real LiteLLM, have their published shapes."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from anthropic.types import Message, MessageTokensCount, ModelInfo
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from agentbox_cli.providers.model import Protocol
from tests.fakes.shapes import BESIDE, faults, faults_of_stream
from tests.fakes.stand import HELLO, Plan, Stand, open_stand
from tests.fakes.strict import StrictAnthropic, StrictOpenAI, listening

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

START_SECONDS = 120.0
SCHEMA = {"type": "object", "properties": {"at": {"type": "integer"}}, "required": ["at"]}
LOOK = {"name": "look", "description": "Look."}
ASKED = [{"role": "user", "content": 'call the tool look with {"at": 1}'}]
# Thoughts, words and two calls at once, as both strict providers say them.
SAID = [
    {"type": "thinking", "thinking": "a thought"},
    {"type": "text", "text": "Let me see."},
    {"type": "tool_use", "name": "look", "input": {"at": 1}},
    {"type": "tool_use", "name": "look", "input": {}},
]
# A thought beside a chat message is published nowhere, and known to every client that shows it;
# the signed ones go back to Anthropic when the conversation does (docs/chain.md).
THOUGHTS = frozenset(
    f"choices.{name}.{what}"
    for name in ("message", "delta")
    for what in ("reasoning_content", "thinking_blocks", "provider_specific_fields")
)
CHAINS = {
    "openai": ("openai/gpt-4o",),
    "saia": ("gwdg_saia/llama-3.3-70b",),
    "anthropic": ("anthropic/claude-sonnet-4-5",),
    "vectors": ("openai/text-embedding-3-small",),
    "claude": ("copy/claude",),
    "llama": ("twin/llama",),
}
LANES = {
    Protocol.OPENAI_CHAT: ("openai", "saia", "anthropic"),
    Protocol.OPENAI_RESPONSES: ("openai", "saia", "anthropic"),
    Protocol.ANTHROPIC_MESSAGES: ("anthropic", "openai", "saia"),
}
# Those that speak it themselves, and those that think.
THINKING = {
    Protocol.OPENAI_CHAT: ("llama", "claude"),
    Protocol.OPENAI_RESPONSES: ("llama", "claude"),
    Protocol.ANTHROPIC_MESSAGES: ("claude", "llama"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a protocol is asked.

    Args:
        path: where.
        shape: what a whole answer is.
        ids: what the ids of answers begin with.
        plain: a question for words.
        tools: a question for a call.
    """

    path: str
    shape: Any
    ids: str
    plain: Mapping[str, Any]
    tools: Mapping[str, Any] = field(default_factory=dict)


WAYS = {
    Protocol.OPENAI_CHAT: Way(
        path="/v1/chat/completions",
        shape=ChatCompletion,
        ids="chatcmpl-",
        plain={"messages": HELLO},
        tools={
            "messages": ASKED,
            "tools": [{"type": "function", "function": {**LOOK, "parameters": SCHEMA}}],
        },
    ),
    Protocol.OPENAI_RESPONSES: Way(
        path="/v1/responses",
        shape=Response,
        ids="resp_",
        plain={"input": "hi there"},
        tools={
            "input": ASKED,
            "tools": [{"type": "function", **LOOK, "parameters": SCHEMA, "strict": False}],
        },
    ),
    Protocol.ANTHROPIC_MESSAGES: Way(
        path="/v1/messages",
        shape=Message,
        ids="msg_",
        plain={"messages": HELLO, "max_tokens": 99},
        tools={"messages": ASKED, "max_tokens": 99, "tools": [{**LOOK, "input_schema": SCHEMA}]},
    ),
}
CASES = [
    pytest.param(protocol, alias, kind, id=f"{WAYS[protocol].path[4:]}-{alias}-{kind}")
    for protocol in WAYS
    for alias in LANES[protocol]
    for kind in ("plain", "tools")
]
THOUGHTFUL = [
    pytest.param(protocol, alias, id=f"{WAYS[protocol].path[4:]}-{alias}")
    for protocol in WAYS
    for alias in THINKING[protocol]
]


@dataclass
class Scene:
    """A proxy before simulated providers, and before two strict ones that think."""

    stand: Stand
    claude: StrictAnthropic
    llama: StrictOpenAI


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    claude, llama = StrictAnthropic(), StrictOpenAI()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(claude))
        await stack.enter_async_context(listening(llama))
        plan = Plan(
            chains=CHAINS,
            bases={"copy": claude.base, "twin": f"{llama.base}/v1"},
            section={"engine": {"mode": "eager"}},
        )
        place = tmp_path_factory.mktemp("conformance")
        stand = await stack.enter_async_context(open_stand(plan, place))
        translation = stand.proxy._translation
        assert translation is not None
        assert translation._engine is not None
        await translation._engine.wait_ready(START_SECONDS)
        yield Scene(stand, claude, llama)


def models_in(told: bytes) -> set[str]:
    """What an answer and its events say of who answers."""
    return set(re.findall(r'"model": ?"([^"]*)"', told.decode()))


async def asked(scene: Scene, path: str, **body: Any) -> bytes:
    async with scene.stand.post(path, **body) as answer:
        told = bytes(await answer.read())
    assert answer.status == 200, told
    return told


@pytest.mark.parametrize(("protocol", "alias", "kind"), CASES)
async def test_a_whole_answer_has_its_published_shape(
    scene: Scene, protocol: Protocol, alias: str, kind: str
) -> None:
    way = WAYS[protocol]
    told = await asked(scene, way.path, model=alias, **getattr(way, kind))
    assert faults(way.shape, told) == []
    assert (b"look" in told) == (kind == "tools")
    assert models_in(told) == {CHAINS[alias][0].partition("/")[2]}
    assert json.loads(told)["id"].startswith(way.ids)


@pytest.mark.parametrize("counted", [False, True], ids=["", "counted"])
@pytest.mark.parametrize(("protocol", "alias", "kind"), CASES)
async def test_each_event_has_its_published_shape(
    scene: Scene, protocol: Protocol, alias: str, kind: str, counted: bool
) -> None:
    way = WAYS[protocol]
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if counted else {}
    if counted and protocol is not Protocol.OPENAI_CHAT:
        more = {}
    told = await asked(scene, way.path, model=alias, stream=True, **getattr(way, kind), **more)
    assert faults_of_stream(protocol, told) == set()
    assert (b"look" in told) == (kind == "tools")
    assert models_in(told) == {CHAINS[alias][0].partition("/")[2]}
    assert f'"id":"{way.ids}' in told.decode().replace('"id": "', '"id":"')


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(("protocol", "alias"), THOUGHTFUL)
async def test_thoughts_and_calls_at_once_have_their_published_shape(
    scene: Scene, protocol: Protocol, alias: str, stream: bool
) -> None:
    way = WAYS[protocol]
    scene.claude.will, scene.llama.will = [SAID], [SAID]
    told = await asked(scene, way.path, model=alias, stream=stream, **way.tools)
    beside = BESIDE | THOUGHTS
    if stream:
        assert faults_of_stream(protocol, told, beside) == set()
    else:
        assert faults(way.shape, told, beside) == []
    assert b"a thought" in told


async def test_vectors_completions_and_counts_have_their_published_shape(scene: Scene) -> None:
    vectors = await asked(scene, "/v1/embeddings", model="vectors", input=["hi", "there"])
    assert faults(CreateEmbeddingResponse, vectors) == []
    whole = await asked(scene, "/v1/completions", model="openai", prompt="hi")
    assert faults(Completion, whole) == []
    flowing = await asked(scene, "/v1/completions", model="openai", prompt="hi", stream=True)
    assert faults_of_stream(Protocol.OPENAI_CHAT, flowing) == set()
    for alias in ("anthropic", "openai"):  # the provider's own count, and an estimate
        path = "/v1/messages/count_tokens"
        counted = await asked(scene, path, model=alias, messages=HELLO)
        assert faults(MessageTokensCount, counted) == []


@pytest.mark.parametrize(
    ("headers", "shape", "rest"),
    [
        ({}, Model, {"object": "list"}),
        (
            {"anthropic-version": "2023-06-01"},
            ModelInfo,
            {"has_more": False, "first_id": "openai", "last_id": "vision"},
        ),
    ],
    ids=["openai", "anthropic"],
)
async def test_models_have_their_published_shape(
    scene: Scene, headers: dict[str, str], shape: Any, rest: dict[str, Any]
) -> None:
    url = f"{scene.stand.url}/v1/models"
    async with scene.stand.http.get(url, headers=headers) as answer:
        listed = json.loads(await answer.read())
    async with scene.stand.http.get(f"{url}/openai", headers=headers) as answer:
        one = await answer.read()
    assert {*CHAINS} <= {model["id"] for model in listed["data"]}
    for each in (one, *(json.dumps(model).encode() for model in listed.pop("data"))):
        assert faults(shape, each) == []
    assert listed == rest
