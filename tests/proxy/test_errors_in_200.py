"""A 200 is not yet an answer: the next link answers where the first one only says it does."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agentbox_cli.providers.model import ErrorKind
from tests.fakes.clients import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, STREAMING, TONGUES, Tongue
from tests.fakes.scripted import END, Do, Script, begin_stream, chunk, whole
from tests.fakes.stand import Stand
from tests.proxy.conftest import MakeScripted, MakeStand

HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"
TROUBLE = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
TOO_LONG = {"message": "maximum context length is 9", "type": "BadRequestError", "code": 400}
QUOTA = {"message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota"}
MakeFirst = Callable[..., Awaitable[Stand]]


@pytest.fixture
def make_first(make_stand: MakeStand, make_scripted: MakeScripted) -> MakeFirst:
    """Makes a stand whose first link, in some protocol, sends these bytes."""

    async def make(tongue: Tongue, script: Script, **plan: Any) -> Stand:
        provider = await make_scripted(script)
        name = tongue.first.partition("/")[0]
        base = provider.base if tongue is MESSAGES else f"{provider.base}/v1"
        return await make_stand(chains={"default": tongue.chain}, bases={name: base}, **plan)

    return make


def dumped(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def typed(body: bytes, content_type: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (content_type, len(body)) + body


def event(payload: Any, name: str = "") -> bytes:
    named = f"event: {name}\n".encode() if name else b""
    return named + b"data: " + dumped(payload) + b"\n\n"


def stream_of(*events: bytes) -> Script:
    return (begin_stream(), *map(chunk, events), END)


def error_of(tongue: Tongue, error: dict[str, Any]) -> dict[str, Any]:
    return {"type": "error", "error": error} if tongue is MESSAGES else {"error": error}


# Shapes that are the same whether a stream was asked for or not.
WHOLE: dict[str, tuple[bytes, ErrorKind]] = {
    "empty": (whole(b""), ErrorKind.SERVER),
    "null": (whole(b"null"), ErrorKind.SERVER),
    "an array": (whole(b"[]"), ErrorKind.SERVER),
    "a string": (whole(b'"fine"'), ErrorKind.SERVER),
    "an object that says nothing": (whole(b"{}"), ErrorKind.SERVER),
    "another object": (whole(b'{"message":"fine","result":[]}'), ErrorKind.SERVER),
    "a payload of another type": (
        whole(b'{"choices":1,"content":1,"output":1,"data":1}'),
        ErrorKind.SERVER,
    ),
    "cut off": (whole(b'{"choices":[{"mess'), ErrorKind.SERVER),
    "no UTF-8": (whole(b"\xff\xfe\x00"), ErrorKind.SERVER),
    "a page": (typed(HTML, b"text/html"), ErrorKind.SERVER),
    "a page that calls itself JSON": (typed(HTML, b"application/json"), ErrorKind.SERVER),
    "words": (typed(b"upstream connect error", b"text/plain"), ErrorKind.SERVER),
    "an error string": (whole(b'{"error":"prompt is too long"}'), ErrorKind.CONTEXT_WINDOW),
    "an error": (whole(dumped({"error": TROUBLE})), ErrorKind.THROTTLE),
    "an error of Anthropic's": (
        whole(dumped({"type": "error", "error": {"type": "overloaded_error", "message": "m"}})),
        ErrorKind.SERVER,
    ),
    "a flat error": (whole(dumped({"object": "error", **TOO_LONG})), ErrorKind.CONTEXT_WINDOW),
    "a quota": (whole(dumped({"error": QUOTA})), ErrorKind.QUOTA),
    "a wrong key": (whole(b'{"error":{"code":401,"message":"no"}}'), ErrorKind.AUTH),
}


WAYS = [(tongue, False) for tongue in TONGUES] + [(tongue, True) for tongue in STREAMING]
WAY_IDS = [f"{tongue.name}-{'stream' if stream else 'unary'}" for tongue, stream in WAYS]


@pytest.mark.parametrize("shape", WHOLE)
@pytest.mark.parametrize(("tongue", "stream"), WAYS, ids=WAY_IDS)
async def test_the_next_link_answers_after_a_200_that_is(
    make_first: MakeFirst, tongue: Tongue, stream: bool, shape: str
) -> None:
    script, kind = WHOLE[shape]
    stand = await make_first(tongue, (script,))
    await _expect_the_second(stand, tongue, kind, stream=stream)


# Of chat, completions and the rest; what a stream begins with before there is content.
OPENING: dict[str, bytes] = {
    CHAT.name: event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
    MESSAGES.name: event({"type": "message_start", "message": {"id": "m"}}, "message_start"),
    RESPONSES.name: event(
        {"type": "response.created", "response": {"id": "r"}}, "response.created"
    ),
}
NAMES = {CHAT.name: "", MESSAGES.name: "error", RESPONSES.name: "error"}


def broken_streams(tongue: Tongue) -> dict[str, tuple[Script, ErrorKind]]:
    error = event(error_of(tongue, TROUBLE), NAMES[tongue.name])
    first = OPENING[tongue.name]
    return {
        "an error first": (stream_of(error), ErrorKind.THROTTLE),
        "an error after the opening": (stream_of(first, error), ErrorKind.THROTTLE),
        "an error after comments": (stream_of(b": hi\n\n", error), ErrorKind.THROTTLE),
        "an error and a marker": (
            stream_of(first, error, b"data: [DONE]\n\n"),
            ErrorKind.THROTTLE,
        ),
        "an error without its blank line": (stream_of(error.rstrip()), ErrorKind.THROTTLE),
        "a named error in words": (
            stream_of(first, b"event: error\ndata: prompt is too long\n\n"),
            ErrorKind.CONTEXT_WINDOW,
        ),
        "a quota": (
            stream_of(event(error_of(tongue, QUOTA), NAMES[tongue.name])),
            ErrorKind.QUOTA,
        ),
        "nothing": (stream_of(), ErrorKind.SERVER),
        "an opening": (stream_of(first), ErrorKind.SERVER),
        "a marker alone": (stream_of(b"data: [DONE]\n\n"), ErrorKind.SERVER),
        "a page": (stream_of(HTML), ErrorKind.SERVER),
        "plain JSON with an error": (stream_of(dumped({"error": TROUBLE})), ErrorKind.THROTTLE),
        "plain JSON cut off": (stream_of(b'{"error":{"mess'), ErrorKind.SERVER),
        "half an event": (stream_of(first, b'data: {"choices":[{"ind'), ErrorKind.SERVER),
    }


@pytest.mark.parametrize("shape", broken_streams(CHAT))
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_the_next_link_answers_after_a_stream_of(
    make_first: MakeFirst, tongue: Tongue, shape: str
) -> None:
    script, kind = broken_streams(tongue)[shape]
    stand = await make_first(tongue, script)
    await _expect_the_second(stand, tongue, kind, stream=True)


# What was filtered before it said anything.
FILTERED: dict[str, bytes] = {
    CHAT.name: dumped(
        {"id": "c", "choices": [{"index": 0, "message": {}, "finish_reason": "content_filter"}]}
    ),
    MESSAGES.name: dumped({"type": "message", "content": [], "stop_reason": "refusal"}),
    RESPONSES.name: dumped(
        {"output": [], "status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    ),
}
FILTERED_ENDS: dict[str, tuple[bytes, ...]] = {
    CHAT.name: (
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}),
        b"data: [DONE]\n\n",
    ),
    MESSAGES.name: (
        event({"type": "message_delta", "delta": {"stop_reason": "refusal"}}, "message_delta"),
        event({"type": "message_stop"}, "message_stop"),
    ),
    RESPONSES.name: (
        event(
            {"type": "response.incomplete", "response": json.loads(FILTERED[RESPONSES.name])},
            "response.incomplete",
        ),
    ),
}


def filtered(tongue: Tongue, stream: bool) -> tuple[Script, bytes]:
    """What a provider sends that filters, and the body of it."""
    if not stream:
        return (whole(FILTERED[tongue.name]),), FILTERED[tongue.name]
    events = (OPENING[tongue.name], *FILTERED_ENDS[tongue.name])
    return stream_of(*events), b"".join(events)


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_the_next_link_answers_what_the_first_filtered(
    make_first: MakeFirst, tongue: Tongue, stream: bool
) -> None:
    stand = await make_first(tongue, filtered(tongue, stream)[0])
    await _expect_the_second(stand, tongue, ErrorKind.CONTENT_POLICY, stream=stream)
    assert stand.records[0].maybe_charged
    await _expect_the_second(stand, tongue, ErrorKind.CONTENT_POLICY, stream=stream)


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_with_the_toggle_off_a_filtered_answer_passes_as_it_is(
    make_first: MakeFirst, tongue: Tongue, stream: bool
) -> None:
    script, body = filtered(tongue, stream)
    section = {"fallbacks": {"on_content_policy": False}}
    stand = await make_first(tongue, script, section=section)
    async with tongue.post(stand, stream=stream) as answer:
        assert answer.status == 200
        assert await answer.read() == body
        kind = "text/event-stream" if stream else "application/json"
        assert answer.headers["content-type"] == kind
        assert answer.headers["x-agentbox-attempts"] == f"{tongue.first}=content_policy"
    assert stand.calls(tongue.second) == 0


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
USAGE_OF_MESSAGES = {"input_tokens": 7, "output_tokens": 3}


@pytest.mark.parametrize(
    ("tongue", "usage"),
    [(CHAT, USAGE), (MESSAGES, USAGE_OF_MESSAGES)],
    ids=lambda given: getattr(given, "name", ""),
)
async def test_what_a_filtered_answer_used_is_recorded(
    make_first: MakeFirst, tongue: Tongue, usage: dict[str, int]
) -> None:
    body = dumped(json.loads(FILTERED[tongue.name]) | {"usage": usage})
    stand = await make_first(tongue, (whole(body),))
    await _expect_the_second(stand, tongue, ErrorKind.CONTENT_POLICY, stream=False)
    record = stand.records[0]
    assert record.maybe_charged
    assert (record.tokens.input, record.tokens.output) == (7, 3)


async def test_what_a_filtered_stream_used_is_recorded(make_first: MakeFirst) -> None:
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "refusal"},
        "usage": USAGE_OF_MESSAGES,
    }
    stop = event({"type": "message_stop"}, "message_stop")
    events = (OPENING[MESSAGES.name], event(end, "message_delta"), stop)
    stand = await make_first(MESSAGES, stream_of(*events))
    await _expect_the_second(stand, MESSAGES, ErrorKind.CONTENT_POLICY, stream=True)
    assert stand.records[0].tokens.output == 3


SAID: dict[str, bytes] = {
    CHAT.name: dumped(
        {
            "choices": [
                {"index": 0, "message": {"content": "half"}, "finish_reason": "content_filter"}
            ]
        }
    ),
    MESSAGES.name: dumped(
        {"content": [{"type": "text", "text": "half"}], "stop_reason": "refusal"},
    ),
    RESPONSES.name: dumped(
        {
            "status": "incomplete",
            "incomplete_details": {"reason": "content_filter"},
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "half"}]}],
        }
    ),
}
HALF: dict[str, bytes] = {
    CHAT.name: event({"choices": [{"index": 0, "delta": {"content": "half"}}]}),
    MESSAGES.name: event(
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "half"}},
        "content_block_delta",
    ),
    RESPONSES.name: event(
        {"type": "response.output_text.delta", "delta": "half"}, "response.output_text.delta"
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("tongue", STREAMING, ids=lambda tongue: tongue.name)
async def test_what_was_filtered_after_content_is_an_answer(
    make_first: MakeFirst, tongue: Tongue, stream: bool
) -> None:
    events = (OPENING[tongue.name], HALF[tongue.name], *FILTERED_ENDS[tongue.name])
    script = stream_of(*events) if stream else (whole(SAID[tongue.name]),)
    stand = await make_first(tongue, script)
    await _expect_the_first(
        stand, tongue, b"".join(events) if stream else SAID[tongue.name], stream=stream
    )


# Answers that look a little like errors.
TELLING = 'error: rate limit exceeded, {"error": {"code": 429}} prompt is too long <html>'
TOOL = {"id": "t", "type": "function", "function": {"name": "error", "arguments": "{}"}}
INNOCENT: list[tuple[Tongue, Any]] = [
    (CHAT, {"choices": [{"message": {"content": TELLING}, "finish_reason": "stop"}]}),
    (CHAT, {"error": None, "choices": [{"message": {"content": "x"}, "error": None}]}),
    (CHAT, {"error": {}, "choices": [{"message": {"content": "x"}}]}),
    (CHAT, {"choices": [{"message": {"tool_calls": [TOOL]}, "finish_reason": "tool_calls"}]}),
    (CHAT, {"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}),
    (CHAT, {"choices": [{"message": {"content": None, "refusal": "I would rather not"}}]}),
    (CHAT, {"object": "chat.completion", "status": "ok", "choices": [{"message": {}}]}),
    (MESSAGES, {"type": "message", "content": [], "stop_reason": "end_turn"}),
    (MESSAGES, {"type": "message", "content": [{"type": "text", "text": TELLING}]}),
    (MESSAGES, {"error": None, "content": [{"type": "tool_use", "name": "error", "input": {}}]}),
    (RESPONSES, {"status": "completed", "error": None, "output": [{"type": "message"}]}),
    (RESPONSES, {"output": [{"type": "function_call", "name": "error", "arguments": "{}"}]}),
    (
        RESPONSES,
        {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [],
        },
    ),
    (EMBEDDINGS, {"error": None, "data": [{"index": 0, "embedding": [0.1]}]}),
    (EMBEDDINGS, {"data": [{"embedding": "AAAA", "error": "none"}]}),
]


@pytest.mark.parametrize(("tongue", "payload"), INNOCENT)
async def test_an_answer_that_only_looks_like_an_error_is_one(
    make_first: MakeFirst, tongue: Tongue, payload: Any
) -> None:
    body = dumped(payload)
    stand = await make_first(tongue, (whole(body),))
    await _expect_the_first(stand, tongue, body, stream=False)


ENDS: dict[str, bytes] = {
    CHAT.name: event(
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "error": None}
    ),
    MESSAGES.name: event({"type": "message_stop"}, "message_stop"),
    RESPONSES.name: event(
        {"type": "response.completed", "error": None, "response": {"error": None}}
    ),
}
INNOCENT_EVENTS: list[tuple[Tongue, bytes]] = [
    (CHAT, event({"error": None, "choices": [{"index": 0, "delta": {"content": TELLING}}]})),
    (CHAT, event({"choices": [{"index": 0, "delta": {"tool_calls": [TOOL]}}]})),
    (
        MESSAGES,
        event(
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": TELLING}},
            "content_block_delta",
        ),
    ),
    (
        MESSAGES,
        event(
            {
                "type": "content_block_start",
                "content_block": {"type": "tool_use", "name": "error"},
            },
            "content_block_start",
        ),
    ),
    (RESPONSES, event({"type": "response.output_text.delta", "delta": TELLING})),
    (
        RESPONSES,
        event({"type": "response.output_item.done", "item": {"name": "error", "error": None}}),
    ),
]


@pytest.mark.parametrize(("tongue", "said"), INNOCENT_EVENTS)
async def test_a_stream_that_only_looks_like_an_error_is_an_answer(
    make_first: MakeFirst, tongue: Tongue, said: bytes
) -> None:
    events = (OPENING[tongue.name], said, ENDS[tongue.name])
    stand = await make_first(tongue, stream_of(*events))
    await _expect_the_first(stand, tongue, b"".join(events), stream=True)


async def test_a_body_that_breaks_off_is_no_answer(make_first: MakeFirst) -> None:
    script = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n",
        b"content-length: 99\r\n\r\n",
    )
    stand = await make_first(CHAT, (*script, b'{"choices":[', Do.CLOSE))
    await _expect_the_second(stand, CHAT, ErrorKind.CONNECTION, stream=False)


async def _expect_the_second(
    stand: Stand, tongue: Tongue, kind: ErrorKind, *, stream: bool
) -> None:
    before = len(stand.records)
    async with tongue.post(stand, **({"stream": True} if stream else {})) as answer:
        body = await answer.read()
        assert answer.status == 200, body
        assert answer.headers["x-agentbox-served-by"] == tongue.second
        assert answer.headers["x-agentbox-attempts"] == f"{tongue.first}={kind.label}"
    failures = {record.failure for record in stand.records[before:] if record.link == 1}
    assert failures == {kind}
    assert stand.in_flight() == 0


async def _expect_the_first(stand: Stand, tongue: Tongue, body: bytes, *, stream: bool) -> None:
    async with tongue.post(stand, **({"stream": True} if stream else {})) as answer:
        assert await answer.read() == body
        assert answer.status == 200
        assert answer.headers["x-agentbox-served-by"] == tongue.first
        assert answer.headers["x-agentbox-attempts"] == ""
    assert [record.complete for record in stand.records] == [True]
