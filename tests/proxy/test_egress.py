"""LiteLLM's way back: who may take it, and what is learned of the provider's answer on it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.egress import ATTEMPT, FAILED, Egress, Loop
from agentbox_cli.proxy.endpoints import BY_PATH
from agentbox_cli.proxy.lanes import DirectLane, Order
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.request import read_ask
from agentbox_cli.proxy.upstream import Upstream
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fakes.stand import HELLO, Plan, eventually, key_of, resolved_for

SAIA = "gwdg_saia/llama-3.3-70b"
OPENAI = "openai/gpt-4o"
CLAUDE = "anthropic/claude-sonnet-4-5"
# What a client sent to the front, credentials included; LiteLLM forwards any `x-` header.
CLIENT = {
    "user-agent": "claude-cli/2.1",
    "x-api-key": "mine",
    "authorization": "Bearer mine",
    "cookie": "a=mine",
    "idempotency-key": "once",
}


@dataclass(slots=True, kw_only=True)
class Way:
    """An open egress, and LiteLLM played by a plain client."""

    providers: SimulatedProviders
    egress: Egress
    url: str
    http: aiohttp.ClientSession
    calls: Mapping[str, Call]
    quotas: Quotas = field(default_factory=Quotas)

    def open(self, deployment: str = SAIA, check: str | None = None) -> Loop:
        order = Order(
            request_id="req_1",
            endpoint=BY_PATH["/v1/messages"],
            ask=read_ask(b'{"model": "default"}'),
            client=CIMultiDict(CLIENT),
            quotas=self.quotas,
            drill_check=check,
        )
        return self.egress.open(self.calls[deployment], order)

    def come_back(
        self,
        loop: Loop | None,
        path: str = "/0/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> Any:
        secret = self.egress.secret.get_secret_value()
        told = {"authorization": f"Bearer {secret}", "x-litellm": "mine"}
        told |= {ATTEMPT: loop.attempt if loop else "unknown"}
        document = {"model": "litellms/name", "messages": HELLO, "max_tokens": 9, **body}
        told |= dict(headers or {})
        return self.http.post(f"{self.url}{path}", json=document, headers=told)


@pytest.fixture
async def way(tmp_path: Path) -> AsyncIterator[Way]:
    providers = SimulatedProviders(keep=100)
    base = await providers.start()
    plan = Plan(
        chains={"default": [SAIA, OPENAI], "claude": [CLAUDE]},
        section={"router": {"stream_timeout": 0.3}},
    )
    resolved = resolved_for(plan, base, tmp_path)
    links = [link for chain in resolved.chains.values() for link in chain.links]
    upstream = Upstream()
    egress = Egress(DirectLane(upstream))
    url = await egress.start()
    async with aiohttp.ClientSession() as http:
        yield Way(
            providers=providers,
            egress=egress,
            url=url,
            http=http,
            calls={link.deployment.name: Call(link=link, number=1, timeout=9) for link in links},
        )
    await egress.stop()
    await upstream.close()
    await providers.stop()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic wrong", "x-api-key": "wrong"},
        {"authorization": "", "x-api-key": "caf\xe9"},
    ],
)
async def test_without_the_secret_nothing_is_called(way: Way, headers: dict[str, str]) -> None:
    loop = way.open()
    async with way.come_back(loop, headers=headers) as answer:
        assert answer.status == 401
    assert not loop.called
    assert not way.providers.journal.calls


@pytest.mark.parametrize("name", ["bearer", "x-api-key"])
async def test_the_secret_comes_in_either_header(way: Way, name: str) -> None:
    secret = way.egress.secret.get_secret_value()
    by_key = {"authorization": "", "x-api-key": secret}
    headers = by_key if name == "x-api-key" else {"authorization": f"bearer {secret}"}
    async with way.come_back(way.open(), headers=headers) as answer:
        assert answer.status == 200


async def test_an_unknown_attempt_is_a_404(way: Way) -> None:
    async with way.come_back(None) as answer:
        assert answer.status == 404
    loop = way.open()
    async with way.come_back(loop, path="/0/v1/images") as answer:
        assert answer.status == 404
    async with way.http.get(f"{way.url}/health") as answer:
        assert answer.status == 401
    way.egress.close(loop)
    async with way.come_back(loop) as answer:
        assert answer.status == 404
    assert not way.providers.journal.calls


async def test_the_right_attempt_calls_the_provider_with_the_providers_key(way: Way) -> None:
    loop = way.open()
    async with way.come_back(loop, temperature=0.5) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        assert (await answer.json())["choices"]
    assert loop.called
    assert loop.failure is None
    assert loop.spent is not None
    assert (loop.spent.tokens.input, loop.spent.tokens.output) == (2, 5)

    [call] = way.providers.journal.recent
    assert call.path == "/gwdg_saia/v1/chat/completions"
    assert call.headers["authorization"] == f"Bearer {key_of('gwdg_saia')}"
    assert call.headers["user-agent"] == "claude-cli/2.1"
    assert "mine" not in str(call.headers)
    assert not any(name.startswith("x-") for name in call.headers)
    assert call.document["model"] == "llama-3.3-70b"
    assert call.document["temperature"] == 0.5


async def test_what_litellm_says_of_the_protocol_goes_on_to_anthropic(way: Way) -> None:
    betas = {"anthropic-beta": "b-1", "anthropic-version": "2024-01-01"}
    async with way.come_back(way.open(CLAUDE), path="/2/v1/messages", headers=betas) as answer:
        assert answer.status == 200
    [call] = way.providers.journal.recent
    assert call.headers["x-api-key"] == key_of("anthropic")
    assert call.headers["anthropic-beta"] == "b-1"
    assert call.headers["anthropic-version"] == "2024-01-01"


@pytest.mark.parametrize("path", ["/0/v1/embeddings", "/0/v1/responses"])
async def test_the_path_tells_the_protocol(way: Way, path: str) -> None:
    async with way.come_back(way.open(OPENAI), path=path, input="hi there") as answer:
        assert answer.status == 200
    [call] = way.providers.journal.recent
    assert call.path == f"/openai{path[2:]}"


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_a_failure_is_kept_as_it_was_and_litellm_only_told_of_one(
    way: Way, stream: bool
) -> None:
    told = {"retry-after": "37", "x-ratelimit-limit-hour": "9", "x-ratelimit-remaining-hour": "0"}
    way.providers.faults.put(SAIA, Fault(status=429, headers=told))
    loop = way.open()
    async with way.come_back(loop, stream=stream) as answer:
        assert answer.status == FAILED
        assert "Rate limit reached" in (await answer.json())["error"]["message"]
    failure = loop.failure
    assert failure is not None
    assert (failure.kind, failure.status, failure.retry_after) == (ErrorKind.THROTTLE, 429, 37)
    assert way.quotas.exhausted_for(way.calls[SAIA].link.deployment, time.time())


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=413), ErrorKind.CONTEXT_WINDOW),
        (Fault(status=422), ErrorKind.BAD_REQUEST),
        (Fault(kind=FaultKind.CLOSE), ErrorKind.CONNECTION),
        (Fault(kind=FaultKind.GARBAGE), ErrorKind.SERVER),
        (Fault(kind=FaultKind.ERROR_IN_200, status=429), ErrorKind.THROTTLE),
    ],
)
async def test_litellm_cannot_garble_what_went_wrong(
    way: Way, fault: Fault, kind: ErrorKind
) -> None:
    way.providers.faults.put(SAIA, fault)
    loop = way.open()
    async with way.come_back(loop) as answer:
        assert answer.status == FAILED
    assert loop.failure is not None
    assert loop.failure.kind is kind


async def test_a_stream_passes_with_its_usage(way: Way) -> None:
    loop = way.open()
    options = {"include_usage": True}
    async with way.come_back(loop, stream=True, stream_options=options) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        body = await answer.read()
    assert body.endswith(b"data: [DONE]\n\n")
    assert loop.spent is not None
    assert loop.spent.tokens.output == 5
    assert loop.failure is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.CUT, after_events=3),
        Fault(kind=FaultKind.CLEAN_CUT, after_events=99),
        Fault(kind=FaultKind.STALL, after_events=3),
        Fault(kind=FaultKind.ERROR_EVENT, after_events=3),
    ],
    ids=lambda fault: fault.kind.value,
)
async def test_a_stream_that_breaks_breaks_the_connection(way: Way, fault: Fault) -> None:
    way.providers.faults.put(SAIA, fault)
    loop = way.open()
    async with way.come_back(loop, stream=True) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert loop.failure is not None
    assert loop.spent is not None


async def test_an_attempt_makes_one_call(way: Way) -> None:
    loop = way.open()
    for status in (200, FAILED):
        async with way.come_back(loop) as answer:
            assert answer.status == status
    assert way.providers.journal.count(SAIA) == 1
    assert loop.failure is None


async def test_a_body_that_is_no_request_is_a_400(way: Way) -> None:
    loop = way.open()
    async with way.come_back(loop, model=7) as answer:
        assert answer.status == 400
    assert not loop.called


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_closing_an_attempt_ends_its_call(way: Way, stream: bool) -> None:
    way.providers.faults.put(SAIA, Fault(kind=FaultKind.HANG))
    loop = way.open()
    litellm = asyncio.create_task(way.come_back(loop, stream=stream)._coro)
    await eventually(lambda: way.providers.journal.count(SAIA) == 1, "the provider is called")
    way.egress.close(loop)
    await eventually(
        lambda: way.providers.journal.count_cancelled(SAIA) == 1, "the provider sees it"
    )
    assert isinstance(await _outcome(litellm), aiohttp.ClientError)


async def test_litellm_going_away_before_the_first_byte_ends_the_call(way: Way) -> None:
    way.providers.faults.put(SAIA, Fault(kind=FaultKind.HANG))
    litellm = asyncio.create_task(way.come_back(way.open())._coro)
    await eventually(lambda: way.providers.journal.count(SAIA) == 1, "the provider is called")
    litellm.cancel()
    await eventually(
        lambda: way.providers.journal.count_cancelled(SAIA) == 1, "the provider sees it"
    )


async def test_litellm_going_away_ends_the_call(way: Way) -> None:
    way.providers.faults.put(SAIA, Fault(kind=FaultKind.SLOW, delay_s=0.05))
    async with way.come_back(way.open(), stream=True) as answer:
        await answer.content.readany()
        answer.close()
    await eventually(
        lambda: way.providers.journal.count_cancelled(SAIA) == 1, "the provider sees it"
    )


async def test_the_check_of_a_drill_goes_with_the_call(way: Way) -> None:
    async with way.come_back(way.open(check="c-7")):
        pass
    assert way.providers.journal.count(SAIA, check="c-7") == 1


async def test_a_compressed_answer_keeps_its_encoding(way: Way) -> None:
    way.providers.faults.put(SAIA, Fault(kind=FaultKind.GZIP))
    async with way.come_back(way.open()) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert json.loads(await answer.read())["choices"]


async def _outcome(task: "asyncio.Task[Any]") -> object:
    return (await asyncio.gather(task, return_exceptions=True))[0]
