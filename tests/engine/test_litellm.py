"""The real LiteLLM, against an egress that records what it is sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from agentbox_cli.engine.process import Engine
from agentbox_cli.engine.render import UNTRANSLATED
from agentbox_cli.engine.warmup import ATTEMPT as WARM_UP
from tests.fakes.deployments import PROVIDER_KEY
from tests.fakes.real_engine import (
    ANTHROPIC,
    EGRESS_SECRET,
    OPENAI_STYLE,
    START_SECONDS,
    VECTORS,
    plan_in,
)
from tests.fakes.tiny_egress import ATTEMPT, Received, TinyEgress

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PATHS = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
}
EACH_WAY = [
    (endpoint, model, stream)
    for endpoint in ("chat", "messages", "responses")
    for model in (OPENAI_STYLE, ANTHROPIC)
    for stream in (False, True)
]


@dataclass(slots=True)
class Running:
    """An engine, its egress and a client."""

    engine: Engine
    egress: TinyEgress
    http: aiohttp.ClientSession
    asked: int = 0

    def ask(self, endpoint: str, model: str, *, stream: bool = False, **fields: Any) -> Any:
        prompt: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
        if endpoint in {"responses", "embeddings"}:
            prompt = {"input": "hi"}
        if endpoint == "messages":
            prompt["max_tokens"] = 9
        if stream:
            prompt["stream"] = True
        return self.http.post(
            f"http://localhost{PATHS[endpoint]}",
            json={"model": model, **prompt, **fields},
            headers={ATTEMPT: self.attempt(), "accept-encoding": "identity"},
        )

    def attempt(self) -> str:
        return f"attempt-{self.asked}"

    def next(self) -> str:
        self.asked += 1
        return self.attempt()

    def received(self) -> Received:
        [call] = self.egress.of(self.attempt())
        return call


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    place = tmp_path_factory.mktemp("engine")
    egress = TinyEgress(failures={WARM_UP: (404, '{"error":{"message":"no such attempt"}}')})
    await egress.start()
    engine = Engine(plan_in(place, egress.url))
    engine.start()
    await engine.wait_ready(START_SECONDS)
    async with aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(path=str(engine.socket_path)),
        headers={"authorization": f"Bearer {engine.master_key.get_secret_value()}"},
    ) as http:
        yield Running(engine=engine, egress=egress, http=http)
    await engine.stop()
    await egress.stop()


@pytest.mark.parametrize(("endpoint", "model", "stream"), EACH_WAY)
async def test_a_call_comes_back_to_the_egress_and_its_answer_to_the_client(
    running: Running, endpoint: str, model: Any, stream: bool
) -> None:
    running.next()
    async with running.ask(endpoint, model.name, stream=stream) as answer:
        text = await answer.text()
    assert answer.status == 200, text
    call = running.received()
    expected = "/0/v1/chat/completions" if model is OPENAI_STYLE else "/1/v1/messages"
    assert (call.path, call.body["model"]) == (expected, model.model.id)
    assert bool(call.body.get("stream")) is stream
    assert secret_of(call) == EGRESS_SECRET
    assert PROVIDER_KEY not in str(call)
    assert said(endpoint, text, stream=stream) == "hello there"


async def test_embeddings_come_back_too(running: Running) -> None:
    running.next()
    async with running.ask("embeddings", VECTORS.name) as answer:
        body = await answer.json()
    call = running.received()
    assert (call.path, call.body["model"]) == ("/2/v1/embeddings", "e5-mistral")
    assert secret_of(call) == EGRESS_SECRET
    assert body["data"][0]["embedding"] == [0.25, 0.5]


async def test_the_warm_up_asked_each_protocol_before(running: Running) -> None:
    async with asyncio.timeout(60):
        while len(running.egress.of(WARM_UP)) < 4:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("status", [424, 429, 500])
@pytest.mark.parametrize(("endpoint", "model", "stream"), EACH_WAY)
async def test_a_failure_is_passed_on_once_without_any_retry(
    running: Running, endpoint: str, model: Any, stream: bool, status: int
) -> None:
    running.egress.failures[running.next()] = (status, json.dumps(FAILURE))
    async with running.ask(endpoint, model.name, stream=stream) as answer:
        body = await answer.json()
    assert answer.status == status
    assert "link failed" in body["error"]["message"]
    assert len(running.egress.of(running.attempt())) == 1


async def test_a_failed_deployment_does_not_cool_down(running: Running) -> None:
    for _ in range(5):
        running.egress.failures[running.next()] = (429, json.dumps(FAILURE))
        async with running.ask("chat", OPENAI_STYLE.name) as answer:
            assert answer.status == 429
    running.next()
    async with running.ask("chat", OPENAI_STYLE.name) as answer:
        assert answer.status == 200


async def test_fields_without_a_translation_do_not_break_a_call(running: Running) -> None:
    running.next()
    fields = {name: VALUES.get(name, 1) for name in UNTRANSLATED}
    async with running.ask("messages", OPENAI_STYLE.name, **fields) as answer:
        assert answer.status == 200, await answer.text()
    assert not running.received().body.keys() & set(UNTRANSLATED)


async def test_nobody_gets_in_without_the_minted_key(running: Running) -> None:
    running.next()
    running.http.headers.popall("authorization")
    try:
        async with running.ask("chat", OPENAI_STYLE.name) as answer:
            assert answer.status >= 400
    finally:
        key = running.engine.master_key.get_secret_value()
        running.http.headers["authorization"] = f"Bearer {key}"
    assert running.egress.of(running.attempt()) == []


async def test_its_environment_holds_no_key_and_its_arguments_no_secret(running: Running) -> None:
    process = Path(f"/proc/{running.engine.pid}")
    names = {entry.split(b"=")[0] for entry in (process / "environ").read_bytes().split(b"\0")}
    assert not [name for name in names if name.endswith(b"_API_KEY")]
    arguments = (process / "cmdline").read_bytes().decode()
    assert EGRESS_SECRET not in arguments
    assert running.engine.master_key.get_secret_value() not in arguments


FAILURE = {"type": "error", "error": {"type": "api_error", "message": "link failed", "code": "x"}}
VALUES: dict[str, Any] = {"mcp_servers": [], "cache_control": {"type": "ephemeral"}, "betas": []}


def secret_of(call: Received) -> str:
    key = call.headers.get("x-api-key") or call.headers["authorization"].removeprefix("Bearer ")
    assert isinstance(key, str)
    return key


def said(endpoint: str, text: str, *, stream: bool) -> str:
    """The words of an answer, whatever its protocol."""
    if stream:
        lines = [line.removeprefix("data: ") for line in text.split("\n") if "data: {" in line]
        return "".join(_delta(endpoint, json.loads(line)) for line in lines)
    body = json.loads(text)
    match endpoint:
        case "chat":
            return str(body["choices"][0]["message"]["content"])
        case "messages":
            return str(body["content"][0]["text"])
        case _:
            return str(body["output"][0]["content"][0]["text"])


def _delta(endpoint: str, event: dict[str, Any]) -> str:
    match endpoint:
        case "chat":
            return "".join(choice["delta"].get("content") or "" for choice in event["choices"])
        case "messages":
            delta = event.get("delta", {})
            return str(delta.get("text", ""))
        case _:
            is_text = event["type"] == "response.output_text.delta"
            return str(event["delta"]) if is_text else ""
