"""Google's endpoint with a link that speaks its protocol, and another one behind it."""

import json
from typing import Any

import pytest

from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording
from tests.fakes.scripted import END, begin_stream, chunk, whole
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeScripted, MakeStand
from tests.proxy.test_generate import HELLO, LOOK, ask, events_of, text_of

GOOGLE, OTHER = "gemini/gemini-2.5-pro", "openai/gpt-4o"
CHAIN = {"default": (GOOGLE, OTHER)}
ODD = (
    b'{ "contents":[{"parts":[{"text":"\\u00e9"},{"x":1.0,"x":2}], "role":"user"}],'
    b'"safetySettings":[],"tools":[{"googleSearch":{}}] }'
)
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "yes"}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 9,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 2,
    },
    "unknown": {"kept": 1.0},
}


@pytest.fixture
async def stand(make_stand: MakeStand) -> Stand:
    return await make_stand(chains=CHAIN)


async def test_bytes_pass_both_ways_and_the_key_is_the_providers(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    body = json.dumps(ANSWER).encode()
    provider = await make_scripted([whole(body)])
    stand = await make_stand(chains=CHAIN, bases={"gemini": f"{provider.base}/v1beta/openai"})
    path = "/v1beta/models/default:generateContent?key=mine&%24alt=json"
    async with stand.send(path, ODD, **{"x-goog-api-key": "mine"}) as answer:
        assert await answer.read() == body
        assert answer.headers["x-agentbox-served-by"] == GOOGLE
    [request] = provider.requests
    head, _, sent = request.partition(b"\r\n\r\n")
    assert sent == ODD
    assert head.startswith(b"POST /v1beta/models/gemini-2.5-pro:generateContent HTTP/1.1")
    assert b"x-goog-api-key: sk-dummy-gemini" in head.lower()
    assert b"mine" not in head
    [record] = stand.records
    assert (record.tokens.input, record.tokens.cached, record.tokens.reasoning) == (9, 4, 2)


async def test_a_stream_is_asked_for_as_events_whatever_the_client_wants(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    event = b"data: " + json.dumps(ANSWER).encode() + b"\n\n"
    answers = begin_stream() + chunk(event) + END
    provider = await make_scripted([answers], [answers])
    stand = await make_stand(chains=CHAIN, bases={"gemini": f"{provider.base}/v1beta"})
    async with ask(stand, "streamGenerateContent?alt=sse") as answer:
        assert await answer.read() == event
    async with ask(stand, "streamGenerateContent") as answer:
        assert await answer.json() == [ANSWER]
    for request in provider.requests:
        assert b"/models/gemini-2.5-pro:streamGenerateContent?alt=sse HTTP/1.1" in request


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_a_tool_round_that_google_begins_goes_on_with_another(
    stand: Stand, verb: str
) -> None:
    said = {"role": "user", "parts": [{"text": 'call the tool look with {"path": "x"}'}]}
    async with ask(stand, verb, contents=[said], tools=LOOK) as answer:
        assert answer.headers["x-agentbox-served-by"] == GOOGLE
        body = await answer.read()
    told = events_of(body)[1] if verb.startswith("stream") else json.loads(body)
    turn = told["candidates"][0]["content"]
    result = {"name": "look", "response": {"output": "what it says"}}
    back = {"role": "user", "parts": [{"functionResponse": result}]}
    stand.fault(GOOGLE, Fault(status=503))
    async with ask(stand, contents=[said, turn, back], tools=LOOK) as answer:
        assert text_of(await answer.json()) == f"[{OTHER}] you said: what it says"


@pytest.mark.parametrize(
    ("fault", "label"),
    [
        (Fault(status=429), "rate_limit"),
        (Fault(status=429, wording=Wording.QUOTA), "rate_limit"),
        (Fault(status=400, wording=Wording.CONTEXT_WINDOW), "context_window"),
        (Fault(status=400, wording=Wording.CONTENT_POLICY), "content_policy"),
        (Fault(status=400, wording=Wording.UNSUPPORTED), "unsupported"),
        (Fault(status=401), "auth"),
        (Fault(status=500), "server"),
        (Fault(kind=FaultKind.ERROR_IN_200, status=503), "server"),
        (Fault(kind=FaultKind.ERROR_EVENT, status=429), "rate_limit"),
        (Fault(kind=FaultKind.CLEAN_CUT), "server"),
    ],
    ids=lambda each: each if isinstance(each, str) else f"{each.kind}-{each.status}",
)
@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_the_next_link_answers(stand: Stand, verb: str, fault: Fault, label: str) -> None:
    stand.fault(GOOGLE, fault)
    async with ask(stand, verb) as answer:
        assert answer.headers["x-agentbox-attempts"] == f"{GOOGLE}={label}"
        assert f"[{OTHER}]".encode() in await answer.read()


@pytest.mark.parametrize(
    "body",
    [
        {"promptFeedback": {"blockReason": "SAFETY"}},
        {"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]},
    ],
)
@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
async def test_an_answer_that_was_filtered_is_none(
    make_stand: MakeStand, make_scripted: MakeScripted, verb: str, body: dict[str, Any]
) -> None:
    sent = json.dumps(body).encode()
    streamed = begin_stream() + chunk(b"data: " + sent + b"\n\n") + END
    provider = await make_scripted([streamed if verb.startswith("stream") else whole(sent)])
    stand = await make_stand(chains=CHAIN, bases={"gemini": provider.base})
    async with ask(stand, verb) as answer:
        assert answer.headers["x-agentbox-attempts"] == f"{GOOGLE}=content_policy"


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.CLEAN_CUT, FaultKind.ERROR_EVENT])
async def test_a_stream_that_breaks_is_no_whole_one(stand: Stand, kind: FaultKind) -> None:
    stand.fault(GOOGLE, Fault(kind=kind, after_events=2))
    async with ask(stand, "streamGenerateContent?alt=sse") as answer:
        body = await answer.read()
    error = events_of(body)[-1]["error"]
    assert error["status"] == "UNAVAILABLE"
    # Google's own words, which stand bare in its stream.
    assert ("internal error" in error["message"]) is (kind is FaultKind.ERROR_EVENT)
    assert b"finishReason" not in body
    assert not stand.records[-1].complete


async def test_an_error_of_google_is_passed_on_to_the_byte(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": (GOOGLE,)})
    stand.fault(GOOGLE, Fault(status=400, wording=Wording.CONTEXT_WINDOW))
    async with ask(stand) as answer:
        error = (await answer.json())["error"]
    assert error["message"].startswith("The input token count (140000) exceeds")


async def test_what_only_google_has_goes_to_google(make_stand: MakeStand) -> None:
    stand = await make_stand(chains={"default": (OTHER, GOOGLE)})
    only: list[dict[str, Any]] = [{"tools": [{"google_search": {}}]}, {"cachedContent": "c/x"}]
    for extra in only:
        async with ask(stand, **extra) as answer:
            assert answer.headers["x-agentbox-served-by"] == GOOGLE
            assert answer.headers["x-agentbox-attempts"] == f"{OTHER}=skipped-unfit"


async def test_google_counts_itself(stand: Stand) -> None:
    async with ask(stand, "countTokens") as answer:
        assert await answer.json() == {"totalTokens": 2}
        assert answer.headers["x-agentbox-token-count"] == "provider"
    stand.fault(GOOGLE, Fault(status=500))
    async with stand.post("/v1beta/models/default:countTokens", **HELLO) as answer:
        assert answer.headers["x-agentbox-token-count"] == "estimate"


async def test_other_protocols_reach_google_by_its_openai_style_address(stand: Stand) -> None:
    async with stand.chat() as answer:
        assert answer.headers["x-agentbox-served-by"] == GOOGLE
    assert stand.seen(GOOGLE)[-1].path == "/gemini/v1/chat/completions"


async def test_calls_that_another_model_made_are_accepted_by_google_afterwards(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    error = {
        "code": 400,
        "message": "Function call is missing a thought_signature in functionCall parts.",
        "status": "INVALID_ARGUMENT",
    }
    refused = whole(json.dumps({"error": error}).encode(), status=b"400 Bad Request")
    provider = await make_scripted([refused], [whole(json.dumps(ANSWER).encode())])
    stand = await make_stand(chains=CHAIN, bases={"gemini": provider.base})
    call = {"functionCall": {"name": "look", "args": {"thoughtSignature": "x"}}}
    turns = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "hm", "thoughtSignature": "theirs"}, call]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {}}}]},
    ]
    async with ask(stand, contents=turns) as answer:
        assert answer.headers["x-agentbox-served-by"] == GOOGLE
        assert answer.headers["x-agentbox-attempts"] == ""
    first, second = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in provider.requests]
    assert first["contents"] == turns
    assert second["contents"][1]["parts"] == [
        {"text": "hm"},
        {**call, "thoughtSignature": "skip_thought_signature_validator"},
    ]


async def test_a_refusal_of_signatures_that_stays_one_moves_on(
    make_stand: MakeStand, make_scripted: MakeScripted
) -> None:
    error = {"code": 400, "message": "Invalid thought signature", "status": "INVALID_ARGUMENT"}
    refused = whole(json.dumps({"error": error}).encode(), status=b"400 Bad Request")
    provider = await make_scripted([refused])
    stand = await make_stand(chains=CHAIN, bases={"gemini": provider.base})
    async with ask(stand) as answer:
        assert answer.headers["x-agentbox-served-by"] == OTHER
    assert len(provider.requests) == 1, "there was nothing to leave out"
