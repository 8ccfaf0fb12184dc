import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind, ErrorPattern, Protocol
from agentbox_cli.proxy.classify import compile_patterns
from agentbox_cli.proxy.sse import EventTooLargeError
from agentbox_cli.proxy.stream import Piece, PieceKind, StreamReader

CHAT = Protocol.OPENAI_CHAT
MESSAGES = Protocol.ANTHROPIC_MESSAGES
RESPONSES = Protocol.OPENAI_RESPONSES
STREAMED = (CHAT, MESSAGES, RESPONSES)
HOLD, CONTENT, USAGE, END, ERROR = PieceKind


def event(data: Any, name: str | None = None) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def chunk(*choices: Any, **fields: Any) -> bytes:
    return event({"id": "chatcmpl-1", "model": "gpt-4o", "choices": list(choices), **fields})


def delta(finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish}


def message(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)


def kinds(reader: StreamReader, *events: bytes) -> list[PieceKind]:
    return [piece.kind for piece in reader.feed(b"".join(events))]


DONE = b"data: [DONE]\n\n"
CHAT_USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


# Chat


def test_a_chat_stream_from_role_to_done() -> None:
    reader = StreamReader(CHAT)
    events = [
        b": OPENROUTER PROCESSING\n\n",
        chunk(delta(role="assistant", content="", refusal=None)),
        chunk(delta(content="Hi")),
        chunk(delta(finish="stop")),
        chunk(usage=CHAT_USAGE),
        DONE,
    ]
    pieces = reader.feed(b"".join(events))
    assert pieces == [
        Piece(raw, kind)
        for raw, kind in zip(events, [HOLD, HOLD, CONTENT, CONTENT, USAGE, END], strict=True)
    ]
    assert reader.finish()
    assert reader.usage == CHAT_USAGE
    assert (reader.response_id, reader.model) == ("chatcmpl-1", "gpt-4o")
    assert reader.failure is None


@pytest.mark.parametrize(
    "choice",
    [
        delta(content="x"),
        delta(reasoning_content="x"),
        delta(reasoning="x"),
        delta(tool_calls=[{"index": 0}]),
        delta(function_call={"name": "f"}),
        delta(refusal="no"),
        delta(audio={"id": "a"}),
        delta(finish="stop"),
        {"index": 0, "text": "completion"},
        {"index": 0, "message": {"role": "assistant", "content": "x"}},
    ],
)
def test_what_a_chat_client_can_show_or_act_upon_is_content(choice: dict[str, Any]) -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, chunk(choice)) == [CONTENT]
    assert reader.content_seen


@pytest.mark.parametrize(
    "raw",
    [
        chunk(),
        chunk(delta(role="assistant")),
        chunk(delta(role="assistant", content="", tool_calls=[], reasoning=None)),
        chunk(delta()),
        chunk({"index": 0, "text": "", "finish_reason": None}),
        chunk(prompt_filter_results=[{"prompt_index": 0}]),
        event({"id": "x"}),
        b": keep-alive\n\n",
        b"\n\n",
        b"event: ping\n\n",
    ],
)
def test_what_says_nothing_yet_is_held(raw: bytes) -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, raw) == [HOLD]
    assert not reader.content_seen


@pytest.mark.parametrize("raw", [event("hello"), event("[1, 2]"), event('{"choices": 7}')])
@pytest.mark.parametrize("protocol", STREAMED)
def test_data_that_nobody_understands_is_content(protocol: Protocol, raw: bytes) -> None:
    expected = HOLD if protocol is not CHAT and b"choices" in raw else CONTENT
    assert kinds(StreamReader(protocol), raw) == [expected]


@pytest.mark.parametrize("protocol", STREAMED)
def test_plain_words_under_the_name_of_an_error_are_one(protocol: Protocol) -> None:
    reader = StreamReader(protocol)
    assert kinds(reader, event("prompt is too long", "error")) == [ERROR]
    assert reader.failure
    assert reader.failure.kind is ErrorKind.CONTEXT_WINDOW


@pytest.mark.parametrize(
    "choices",
    [
        [],
        [{"index": 0, "delta": {}}],
        [{"index": 0, "delta": {"role": None, "content": None}, "finish_reason": None}],
    ],
)
def test_usage_alone_is_told_from_content_in_both_forms(choices: list[Any]) -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, chunk(*choices, usage=CHAT_USAGE)) == [USAGE]
    assert reader.usage == CHAT_USAGE


@pytest.mark.parametrize(
    ("choice", "kind"),
    [
        (delta(content="x"), CONTENT),
        (delta(finish="stop"), CONTENT),
        (delta(role="assistant", content=""), HOLD),
    ],
)
def test_usage_beside_something_else_stays_where_it_is(
    choice: dict[str, Any], kind: PieceKind
) -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, chunk(choice, usage=CHAT_USAGE)) == [kind]
    assert reader.usage == CHAT_USAGE


def test_the_last_usage_counts_and_null_is_none() -> None:
    reader = StreamReader(CHAT)
    reader.feed(chunk(delta(content="x"), usage={"completion_tokens": 1}))
    reader.feed(chunk(delta(content="y"), usage={"completion_tokens": 2}))
    assert kinds(reader, chunk(usage=None)) == [HOLD]
    assert reader.usage == {"completion_tokens": 2}


def test_done_is_not_needed_after_a_finish_reason_and_not_enough_without_one() -> None:
    finished = StreamReader(CHAT)
    finished.feed(chunk(delta(content="x")) + chunk(delta(finish="length")))
    assert finished.finish()
    cut = StreamReader(CHAT)
    assert kinds(cut, chunk(delta(content="x")), DONE) == [CONTENT, END]
    assert not cut.finish()


def test_done_alone_is_no_content() -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, DONE) == [END]
    assert not reader.content_seen


def test_each_of_several_choices_has_to_finish() -> None:
    reader = StreamReader(CHAT)
    reader.feed(chunk(delta(content="a")) + chunk(delta(finish="stop")))
    assert reader.complete
    reader.feed(chunk(delta(index=1, content="b")))
    assert not reader.complete
    reader.feed(chunk(delta(index=1, finish="stop")) + chunk(delta(), usage=CHAT_USAGE))
    assert reader.complete


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (event({"error": {"message": "slow", "code": 429}}), ErrorKind.THROTTLE, "slow"),
        (event({"error": {"message": "x", "type": "server_error"}}), ErrorKind.SERVER, "x"),
        (event({"error": "prompt is too long"}), ErrorKind.CONTEXT_WINDOW, "prompt is too long"),
        (
            event({"object": "error", "message": "bad", "type": "BadRequestError", "code": 400}),
            ErrorKind.BAD_REQUEST,
            "bad",
        ),
        (event({"message": "boom"}, "error"), ErrorKind.SERVER, "boom"),
        (
            chunk({"index": 0, "finish_reason": "error", "error": {"code": 502, "message": "up"}}),
            ErrorKind.SERVER,
            "up",
        ),
        (
            chunk(delta(finish="error")),
            ErrorKind.SERVER,
            "the provider stopped with an error",
        ),
    ],
)
def test_an_error_in_a_chat_stream_is_a_failure(raw: bytes, kind: ErrorKind, said: str) -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, raw) == [ERROR]
    assert reader.failure
    assert (reader.failure.kind, reader.failure.message) == (kind, said)
    assert not reader.content_seen
    assert not reader.finish()


@pytest.mark.parametrize("reason", ["abort", "insufficient_system_resource"])
def test_a_chat_stream_that_broke_off_is_a_failure_even_after_content(reason: str) -> None:
    reader = StreamReader(CHAT)
    assert kinds(reader, chunk(delta(content="half")), chunk(delta(finish=reason))) == [
        CONTENT,
        ERROR,
    ]
    assert reader.failure
    assert reader.failure.kind is ErrorKind.SERVER


@pytest.mark.parametrize("reason", ["content_filter", "content_filter: OTHER", "SAFETY"])
def test_a_chat_stream_that_was_filtered_before_content_says_nothing(reason: str) -> None:
    reader = StreamReader(CHAT)
    role = chunk(delta(role="assistant", content=""))
    end = chunk(delta(finish=reason), usage=CHAT_USAGE)
    assert kinds(reader, role, end, chunk(usage=CHAT_USAGE), DONE) == [HOLD, HOLD, USAGE, ERROR]
    assert reader.failure
    assert (reader.failure.kind, reader.failure.status) == (ErrorKind.CONTENT_POLICY, 200)
    without_done = StreamReader(CHAT)
    assert kinds(without_done, role, end) == [HOLD, HOLD]
    without_done.finish()
    assert without_done.failure
    assert without_done.failure.kind is ErrorKind.CONTENT_POLICY


def test_a_chat_stream_that_was_filtered_after_content_is_an_answer() -> None:
    reader = StreamReader(CHAT)
    reader.feed(chunk(delta(content="half")) + chunk(delta(finish="content_filter")) + DONE)
    assert reader.finish()
    assert reader.failure is None


def test_of_two_choices_one_may_be_filtered() -> None:
    reader = StreamReader(CHAT)
    filtered = chunk(delta(finish="content_filter"))
    assert kinds(reader, filtered, chunk(delta(index=1, content="b"))) == [HOLD, CONTENT]
    reader.feed(chunk(delta(index=1, finish="stop")) + DONE)
    assert reader.finish()
    assert reader.failure is None


def test_the_first_error_is_the_failure_and_an_error_object_is_fit_to_be_a_body() -> None:
    reader = StreamReader(CHAT)
    first = {"error": {"message": "one", "type": "server_error", "param": None, "code": None}}
    assert kinds(reader, event(first), event({"error": "two"})) == [ERROR, ERROR]
    assert reader.failure
    assert reader.failure.message == "one"
    assert json.loads(reader.failure.body or b"") == first


def test_null_errors_are_none() -> None:
    assert kinds(StreamReader(CHAT), chunk(delta(content="x"), error=None)) == [CONTENT]


def test_the_provider_s_own_patterns_are_known_inside_streams() -> None:
    patterns = compile_patterns([ErrorPattern(pattern="zu lang", kind=ErrorKind.CONTEXT_WINDOW)])
    reader = StreamReader(CHAT, patterns)
    reader.feed(event({"error": {"message": "Zu lang!"}}))
    assert reader.failure
    assert reader.failure.kind is ErrorKind.CONTEXT_WINDOW


def test_json_as_python_writes_it_is_understood() -> None:
    reader = StreamReader(CHAT)
    choice = b'{"index":0,"logprobs":NaN,"delta":{"content":"\xff"},"finish_reason":"stop"}'
    raw = b'data: {"choices":[%b]}\n\n' % choice
    assert kinds(reader, raw) == [CONTENT]
    assert reader.complete


# Messages


def test_a_messages_stream_merges_its_usage() -> None:
    reader = StreamReader(MESSAGES)
    start = {
        "id": "msg_1",
        "model": "claude",
        "usage": {"input_tokens": 25, "cache_read_input_tokens": 3, "output_tokens": 1},
    }
    text = {"type": "text_delta", "text": "Hi"}
    assert kinds(
        reader,
        message("message_start", message=start),
        message("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        message("ping"),
        message("content_block_delta", index=0, delta=text),
        message("content_block_stop", index=0),
        message("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 15}),
        message("message_stop"),
    ) == [HOLD, HOLD, HOLD, CONTENT, CONTENT, CONTENT, END]
    assert reader.finish()
    assert reader.usage == {"input_tokens": 25, "cache_read_input_tokens": 3, "output_tokens": 15}
    assert (reader.response_id, reader.model) == ("msg_1", "claude")


@pytest.mark.parametrize(
    ("first", "later", "merged"),
    [
        ({"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 7}, (7, 0)),
        (
            {"input_tokens": 7, "output_tokens": 1},
            {"input_tokens": None, "output_tokens": 2},
            (7, 2),
        ),
        ({"input_tokens": 7, "output_tokens": 1}, {"input_tokens": 0, "output_tokens": 2}, (7, 2)),
        ({"input_tokens": 7, "output_tokens": 1}, {"input_tokens": 9}, (9, 1)),
    ],
)
def test_later_counts_win_field_by_field(
    first: dict[str, Any], later: dict[str, Any], merged: tuple[int, int]
) -> None:
    reader = StreamReader(MESSAGES)
    reader.feed(message("message_start", message={"usage": first}))
    reader.feed(message("message_delta", usage=later))
    assert reader.usage == dict(zip(("input_tokens", "output_tokens"), merged, strict=True))


def test_a_messages_stream_without_its_stop_is_cut() -> None:
    reader = StreamReader(MESSAGES)
    reader.feed(message("message_delta", delta={"stop_reason": "end_turn"}))
    assert reader.content_seen
    assert not reader.finish()


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (
            message("error", error={"type": "overloaded_error", "message": "Overloaded"}),
            ErrorKind.SERVER,
            529,
        ),
        (
            event({"error": {"type": "rate_limit_error", "message": "slow"}}, "error"),
            ErrorKind.THROTTLE,
            429,
        ),
        (event({"error": {"message": "invalid api key"}}), ErrorKind.AUTH, 401),
        (event({"type": "error", "message": "plain words"}), ErrorKind.SERVER, 500),
    ],
)
def test_an_error_in_a_messages_stream_is_a_failure(
    raw: bytes, kind: ErrorKind, status: int
) -> None:
    reader = StreamReader(MESSAGES)
    assert kinds(reader, message("message_start", message={}), raw) == [HOLD, ERROR]
    assert reader.failure
    assert (reader.failure.kind, reader.failure.status) == (kind, status)


def test_the_name_of_an_event_speaks_where_its_data_does_not() -> None:
    reader = StreamReader(MESSAGES)
    assert kinds(reader, event({"index": 0}, "content_block_delta")) == [CONTENT]
    assert kinds(reader, event({}, "message_stop")) == [END]
    assert reader.complete


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("refusal", ErrorKind.CONTENT_POLICY),
        ("model_context_window_exceeded", ErrorKind.CONTEXT_WINDOW),
    ],
)
@pytest.mark.parametrize("empty_block", [False, True])
def test_a_messages_stream_that_refuses_before_content_says_nothing(
    reason: str, kind: ErrorKind, empty_block: bool
) -> None:
    block = (
        message("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        message("content_block_stop", index=0),
    )
    reader = StreamReader(MESSAGES)
    raw = (
        message("message_start", message={"id": "m"}),
        *(block if empty_block else ()),
        message("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 0}),
    )
    assert set(kinds(reader, *raw)) == {HOLD}
    assert kinds(reader, message("message_stop")) == [ERROR]
    assert reader.failure
    assert (reader.failure.kind, reader.failure.status) == (kind, 200)


@pytest.mark.parametrize(
    "said",
    [
        (message("content_block_delta", delta={"type": "text_delta", "text": "I"}),),
        (
            message("content_block_start", content_block={"type": "tool_use", "name": "error"}),
            message("content_block_stop", index=0),
        ),
    ],
)
def test_a_messages_stream_that_refuses_after_content_is_an_answer(said: tuple[bytes]) -> None:
    reader = StreamReader(MESSAGES)
    refusal = message("message_delta", delta={"stop_reason": "refusal"})
    assert CONTENT in kinds(reader, *said, refusal)
    assert kinds(reader, message("message_stop")) == [END]
    assert reader.failure is None


# Responses


@pytest.mark.parametrize(("delta", "kind"), [(None, ERROR), ("x", END)])
def test_a_response_that_is_filtered_before_content_says_nothing(
    delta: str | None, kind: PieceKind
) -> None:
    reader = StreamReader(RESPONSES)
    reader.feed(response("response.created", 0, response={}))
    if delta:
        reader.feed(response("response.output_text.delta", 1, delta=delta))
    details = {"id": "r", "incomplete_details": {"reason": "content_filter"}}
    assert kinds(reader, response("response.incomplete", 2, response=details)) == [kind]
    assert (reader.failure is None) == (kind is END)


def response(kind: str, number: int, **fields: Any) -> bytes:
    return event({"type": kind, "sequence_number": number, **fields}, kind)


@pytest.mark.parametrize("last", ["response.completed", "response.incomplete"])
def test_a_responses_stream(last: str) -> None:
    reader = StreamReader(RESPONSES)
    body = {"id": "resp_1", "model": "gpt", "created_at": 1_700_000_000, "status": "in_progress"}
    usage = {"input_tokens": 3, "output_tokens": 4}
    assert kinds(
        reader,
        response("response.created", 0, response=body),
        response("response.in_progress", 1, response=body),
        response("response.queued", 2, response=body),
        response("response.output_item.added", 3, item={}),
        response("response.content_part.added", 4, part={}),
        response("response.reasoning_summary_part.added", 5, part={}),
        response("response.output_text.delta", 6, delta="x"),
        response("response.output_text.done", 7, text="x"),
        response("response.output_item.done", 8, item={}),
        response(last, 9, response={**body, "usage": usage}),
    ) == [HOLD] * 6 + [CONTENT] * 3 + [END]
    assert reader.finish()
    assert reader.usage == usage
    assert reader.sequence_number == 9
    assert (reader.response_id, reader.model) == ("resp_1", "gpt")
    assert reader.created_at == 1_700_000_000


def test_a_response_that_completes_at_once_has_content() -> None:
    reader = StreamReader(RESPONSES)
    reader.feed(response("response.completed", 0, response={"id": "r"}))
    assert reader.content_seen


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (
            response(
                "response.failed",
                1,
                response={"status": "failed", "error": {"code": "server_error", "message": "m"}},
            ),
            ErrorKind.SERVER,
            "m",
        ),
        (
            response(
                "response.failed",
                1,
                response={"error": {"code": "context_length_exceeded", "message": "m"}},
            ),
            ErrorKind.CONTEXT_WINDOW,
            "m",
        ),
        (response("error", 1, code="rate_limit_exceeded", message="m"), ErrorKind.THROTTLE, "m"),
        (
            response("error", 1, error={"type": "server_error", "message": "m"}),
            ErrorKind.SERVER,
            "m",
        ),
        (event({"error": {"message": "m"}}), ErrorKind.SERVER, "m"),
        (response("response.failed", 1), ErrorKind.SERVER, "HTTP 500 Internal Server Error"),
    ],
)
def test_an_error_in_a_responses_stream_is_a_failure(
    raw: bytes, kind: ErrorKind, said: str
) -> None:
    reader = StreamReader(RESPONSES)
    assert kinds(reader, response("response.created", 0, response={}), raw) == [HOLD, ERROR]
    assert reader.failure
    assert (reader.failure.kind, reader.failure.message) == (kind, said)
    assert reader.failure.body is None
    assert not reader.finish()


# All


def test_a_last_event_without_its_blank_line_counts_at_the_end() -> None:
    reader = StreamReader(MESSAGES)
    assert reader.feed(message("message_stop")[:-1]) == []
    assert reader.rest
    assert reader.finish()


def test_half_an_event_at_the_end_is_no_content_and_no_marker() -> None:
    reader = StreamReader(CHAT)
    reader.feed(chunk(delta(finish="stop"))[:-12])
    assert not reader.finish()
    assert not reader.content_seen


def test_an_event_without_an_end_is_an_error() -> None:
    reader = StreamReader(CHAT)
    with pytest.raises(EventTooLargeError):
        reader.feed(b"data: " + b"x" * (16 * 1024 * 1024))


@given(
    protocol=st.sampled_from(STREAMED),
    payload=st.dictionaries(
        st.sampled_from(
            ["type", "error", "choices", "usage", "message", "response", "id", "sequence_number"]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.lists(st.none() | st.dictionaries(st.sampled_from(["delta", "index"]), st.none()))
        | st.dictionaries(st.sampled_from(["id", "usage", "error", "message"]), st.text()),
    ),
)
def test_no_payload_is_an_exception(protocol: Protocol, payload: dict[str, Any]) -> None:
    reader = StreamReader(protocol)
    raw = event(payload)
    assert [piece.raw for piece in reader.feed(raw)] == [raw]
    reader.finish()


WORDS = st.sampled_from(
    [
        b"data: ",
        b"event: error",
        b"event: message_delta",
        b"\n",
        b"\n\n",
        b"\r",
        b"[DONE]",
        b'{"error":{"code":429}}',
        b'{"error":',
        b'{"choices":[{"finish_reason":"content_filter"}]}',
        b'{"choices":[{"delta":{"content":"x"}}]}',
        b'{"type":"message_delta","delta":{"stop_reason":"refusal"}}',
        b'{"type":"message_stop"}',
        b'{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}',
        b"{}",
        b"null",
        b"[]",
        b"\xff",
    ]
)


@given(
    protocol=st.sampled_from(STREAMED),
    chunks=st.lists(st.lists(WORDS, max_size=8).map(b"".join) | st.binary(), max_size=6),
)
def test_no_bytes_are_an_exception_and_how_they_come_makes_no_difference(
    protocol: Protocol, chunks: list[bytes]
) -> None:
    reader, at_once = StreamReader(protocol), StreamReader(protocol)
    pieces = [piece for part in chunks for piece in reader.feed(part)]
    assert at_once.feed(b"".join(chunks)) == pieces
    assert b"".join(piece.raw for piece in pieces) + reader.rest == b"".join(chunks)
    assert reader.finish() == at_once.finish()
    assert reader.failure == at_once.failure
    assert (ERROR in {piece.kind for piece in pieces}) <= (reader.failure is not None)
