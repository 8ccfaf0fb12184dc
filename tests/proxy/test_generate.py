"""Google's endpoint over the wire, with links that do not speak its protocol."""

import json
import time
from typing import Any

import pytest

from agentbox_cli.proxy import exchange
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.stand import INSTALL_KEY, Stand, head
from tests.proxy.conftest import MakeStand

HELLO: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi there"}]}]}
FIRST, SECOND = "openai/gpt-4o", "gwdg_saia/llama-3.3-70b"
LOOK = [{"functionDeclarations": [{"name": "look", "parameters": {"type": "OBJECT"}}]}]


def ask(stand: Stand, verb: str = "generateContent", model: str = "default", **body: Any) -> Any:
    return stand.post(f"/v1beta/models/{model}:{verb}", **(HELLO | body))


def text_of(*answers: dict[str, Any]) -> str:
    parts = [part for each in answers for part in each["candidates"][0]["content"]["parts"]]
    return "".join(part["text"] for part in parts)


def events_of(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.removeprefix(b"data: ")) for event in body.split(b"\n\n") if event]


async def test_a_whole_answer(stand: Stand) -> None:
    async with ask(stand) as answer:
        told = await answer.json()
        assert answer.status == 200
        assert answer.headers["x-agentbox-served-by"] == FIRST
    assert text_of(told) == f"[{FIRST}] you said: hi there"
    assert told["usageMetadata"]["totalTokenCount"] > 0
    [record] = stand.records
    assert record.tokens.input == told["usageMetadata"]["promptTokenCount"]


async def test_a_stream_of_events(stand: Stand) -> None:
    async with ask(stand, "streamGenerateContent?alt=sse") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = events_of(await answer.read())
    assert text_of(*events) == f"[{FIRST}] you said: hi there"
    ends = [each["candidates"][0].get("finishReason") for each in events]
    assert ends == [None] * (len(events) - 1) + ["STOP"]
    assert events[-1]["usageMetadata"]["totalTokenCount"] > 0


async def test_a_stream_as_one_array(stand: Stand) -> None:
    async with ask(stand, "streamGenerateContent") as answer:
        assert answer.headers["content-type"] == "application/json"
        items = await answer.json()
    assert text_of(*items) == f"[{FIRST}] you said: hi there"


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_a_round_with_a_tool(stand: Stand, verb: str) -> None:
    said = {"role": "user", "parts": [{"text": 'call the tool look with {"path": "x"}'}]}
    async with ask(stand, verb, contents=[said], tools=LOOK) as answer:
        body = await answer.read()
    told = events_of(body)[-1] if verb.startswith("stream") else json.loads(body)
    turn = told["candidates"][0]["content"]
    called = turn["parts"][0]["functionCall"]
    assert (called["name"], called["args"]) == ("look", {"path": "x"})
    result = {"id": called["id"], "name": "look", "response": {"output": "what it says"}}
    back = {"role": "user", "parts": [{"functionResponse": result}]}
    async with ask(stand, contents=[said, turn, back], tools=LOOK) as answer:
        assert text_of(await answer.json()) == f"[{FIRST}] you said: what it says"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=500),
        Fault(status=400, wording=Wording.CONTEXT_WINDOW),
        Fault(kind=FaultKind.ERROR_IN_200),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_the_next_link_answers(stand: Stand, verb: str, fault: Fault) -> None:
    stand.fault(FIRST, fault)
    async with ask(stand, verb) as answer:
        assert answer.status == 200
        assert answer.headers["x-agentbox-served-by"] == SECOND
        assert f"[{SECOND}]".encode() in await answer.read()


async def test_an_error_has_googles_shape_and_says_when_to_come_back(stand: Stand) -> None:
    for name in (FIRST, SECOND):
        stand.fault(name, Fault(status=429, headers={"retry-after": "7"}))
    async with ask(stand) as answer:
        error = (await answer.json())["error"]
        assert answer.status == error["code"] == 429
    assert error["status"] == "RESOURCE_EXHAUSTED"
    info, retry = error["details"]
    assert (info["reason"], retry["retryDelay"]) == ("RATE_LIMIT_EXCEEDED", "7s")


async def test_an_error_of_a_provider_is_told_in_googles_words(stand: Stand) -> None:
    for name in (FIRST, SECOND):
        stand.fault(name, Fault(status=400, wording=Wording.CONTEXT_WINDOW))
    async with ask(stand) as answer:
        error = (await answer.json())["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.CLEAN_CUT, FaultKind.ERROR_EVENT])
@pytest.mark.parametrize("form", ["?alt=sse", ""])
async def test_a_stream_that_breaks_is_no_whole_one(
    stand: Stand, kind: FaultKind, form: str
) -> None:
    stand.fault(FIRST, Fault(kind=kind, after_events=4))
    async with ask(stand, f"streamGenerateContent{form}") as answer:
        body = await answer.read()
    items = events_of(body) if form else json.loads(body)
    assert text_of(*items[:-1]).startswith(f"[{FIRST}]")
    assert items[-1]["error"]["status"] == "UNAVAILABLE"
    assert b"finishReason" not in body
    assert b'\n\ndata: {"error"' not in body


async def test_the_error_at_the_end_arrives_by_itself(stand: Stand) -> None:
    # Google's client for Node does not see it behind other events.
    stand.fault(FIRST, Fault(kind=FaultKind.CUT, after_events=4))
    body = json.dumps(HELLO).encode()
    path = "/v1beta/models/default:streamGenerateContent?alt=sse"
    reads: list[tuple[float, bytes]] = []
    async with stand.connected() as (reader, writer):
        writer.write(head(path, b"connection: close\r\ncontent-length: %d" % len(body)) + body)
        while read := await reader.read(65_536):
            reads.append((time.monotonic(), read))
    [(at, last)] = [each for each in reads if b'"error"' in each[1]]
    before = max(each for each, read in reads if b"data:" in read)
    assert b"data:" not in last
    assert at - before >= exchange.APART_SECONDS / 2


@pytest.mark.parametrize("form", ["?alt=sse", ""])
async def test_while_nothing_is_said_blank_lines_keep_the_connection(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(exchange, "KEEP_ALIVE_SECONDS", 0.05)
    stand = await make_stand(server={"silence": 0.05})
    stand.fault(FIRST, Fault(kind=FaultKind.SLOW, delay_s=0.3, times=1))
    async with ask(stand, f"streamGenerateContent{form}") as answer:
        body = await answer.read()
    assert body.startswith(b"\n\n")
    items = events_of(body.lstrip()) if form else json.loads(body)
    assert text_of(*items) == f"[{FIRST}] you said: hi there"


async def test_what_only_google_has_is_not_made_up(stand: Stand) -> None:
    async with ask(stand, tools=[{"googleSearch": {}}]) as answer:
        error = (await answer.json())["error"]
    assert error["code"] == 400
    assert error["message"].count("skipped-unfit") == 2
    assert not stand.calls(FIRST)


@pytest.mark.parametrize(
    ("model", "code"), [("nothing", "MODEL_NOT_FOUND"), ("vectors", "WRONG_MODEL_KIND")]
)
async def test_a_model_that_cannot_answer(stand: Stand, model: str, code: str) -> None:
    async with ask(stand, model=model) as answer:
        error = (await answer.json())["error"]
    assert error["details"][0]["reason"] == code


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"contents": '])
async def test_a_body_that_is_none(stand: Stand, body: bytes) -> None:
    async with stand.send("/v1beta/models/default:generateContent", body) as answer:
        assert (await answer.json())["error"]["status"] == "INVALID_ARGUMENT"


async def test_tokens_are_estimated_where_nobody_counts(stand: Stand) -> None:
    async with ask(stand, "countTokens") as answer:
        assert (await answer.json())["totalTokens"] > 0
        assert answer.headers["x-agentbox-token-count"] == "estimate"


async def test_the_list_has_the_clients_shape(stand: Stand) -> None:
    async with stand.http.get(f"{stand.url}/v1beta/models") as answer:
        models = (await answer.json())["models"]
    assert "models/default" in [each["name"] for each in models]
    google = {"x-goog-api-key": "x"}
    async with stand.http.get(f"{stand.url}/v1/models/default", headers=google) as answer:
        assert (await answer.json())["inputTokenLimit"] == 128_000
    async with stand.http.get(f"{stand.url}/v1beta/models/nothing") as answer:
        assert (await answer.json())["error"]["status"] == "NOT_FOUND"
    async with stand.http.get(f"{stand.url}/v1/models") as answer:
        assert "data" in await answer.json()


async def test_what_is_not_served_says_so(stand: Stand) -> None:
    async with ask(stand, "embedContent") as answer:
        error = (await answer.json())["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")


async def test_the_key_may_stand_where_google_has_it(make_stand: MakeStand) -> None:
    stand = await make_stand(section={"auth": "key"})
    for query, headers in ((f"?key={INSTALL_KEY}", {}), ("", {"x-goog-api-key": INSTALL_KEY})):
        path = f"/v1beta/models/default:generateContent{query}"
        async with stand.post(path, headers, **HELLO) as answer:
            assert answer.status == 200
    for query in ("", "?key=wrong"):
        async with stand.post(f"/v1beta/models/default:generateContent{query}", **HELLO) as answer:
            assert (await answer.json())["error"]["status"] == "UNAUTHENTICATED"
    # Elsewhere a query is no place for a key.
    async with stand.post(f"/v1/chat/completions?key={INSTALL_KEY}", model="default") as answer:
        assert answer.status == 401
    assert not any(INSTALL_KEY in str(call) for call in stand.seen(FIRST))
