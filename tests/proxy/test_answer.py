import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorKind, ErrorPattern, Protocol
from agentbox_cli.proxy.answer import read_answer, tokens_of
from agentbox_cli.proxy.classify import compile_patterns
from agentbox_cli.usage.record import Tokens

CHAT = Protocol.OPENAI_CHAT
EMBEDDINGS = Protocol.OPENAI_EMBEDDINGS
RESPONSES = Protocol.OPENAI_RESPONSES
MESSAGES = Protocol.ANTHROPIC_MESSAGES

CHAT_USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
HI = {"message": {"content": "Hi"}}
GOOD: list[tuple[Protocol, dict[str, Any]]] = [
    (CHAT, {"id": "x", "choices": [{"message": {"content": "Hi"}}], "usage": CHAT_USAGE}),
    (CHAT, {"id": "x", "object": "text_completion", "choices": [{"text": "Hi"}], "usage": {}}),
    (CHAT, {"id": "x", "choices": [HI], "error": None, "new_field": {"a": [1]}, "usage": {}}),
    # What other protocols call their payload may be anything here.
    (CHAT, {"id": "x", "choices": [HI], "data": {"a": 1}, "content": "b", "usage": {}}),
    (CHAT, {"id": "x", "choices": [{"message": {"content": None}}], "usage": {}}),
    (CHAT, {"id": "x", "choices": [{"text": ""}], "error": "", "usage": {}}),
    (RESPONSES, {"id": "x", "output": [{"type": "mcp_call", "content": "text"}], "usage": {}}),
    (RESPONSES, {"id": "x", "output": [], "incomplete_details": "odd", "usage": {}}),
    (EMBEDDINGS, {"id": "x", "data": [{"embedding": [0.1, 0.2]}], "usage": {"prompt_tokens": 2}}),
    (MESSAGES, {"id": "x", "type": "message", "content": [], "usage": {"input_tokens": 2}}),
    (RESPONSES, {"id": "x", "status": "completed", "error": None, "output": [{}], "usage": {}}),
    (RESPONSES, {"id": "x", "status": "incomplete", "output": [], "usage": {}}),
]


def dumped(body: Any) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize(("protocol", "body"), GOOD)
def test_an_answer_is_one_by_its_payload(protocol: Protocol, body: dict[str, Any]) -> None:
    answer = read_answer(protocol, dumped(body))
    assert answer.failure is None
    assert answer.usage == body["usage"]
    assert answer.response_id == "x"


def test_ids_and_usage_of_another_type_are_none() -> None:
    answer = read_answer(CHAT, b'{"id": 7, "choices": [{"text": ""}], "usage": "none"}')
    assert (answer.failure, answer.usage, answer.response_id) == (None, None, None)


def test_an_answer_as_python_writes_it_is_one() -> None:
    assert read_answer(EMBEDDINGS, b'{"data": [{"embedding": [NaN]}]}').failure is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html></html>",
        b'{"choices": ',
        b"{}",
        b'{"choices": null}',
        b'{"choices": "many"}',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "hi"}]}',
        b'{"content": []}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_garbage_in_a_200_is_a_server_failure(body: bytes) -> None:
    failure = read_answer(CHAT, body).failure
    assert failure
    assert failure.kind is ErrorKind.SERVER
    assert failure.message.startswith("garbage: ")
    assert failure.body is None


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [(CHAT, "choices"), (EMBEDDINGS, "data"), (RESPONSES, "output"), (MESSAGES, "content")],
)
def test_each_protocol_has_its_own_payload(protocol: Protocol, payload: str) -> None:
    for tried in ("choices", "data", "output", "content"):
        failure = read_answer(protocol, dumped({tried: [{"text": "x"}]})).failure
        assert (failure is None) == (tried == payload)


def test_embeddings_without_a_vector_are_no_answer() -> None:
    failure = read_answer(EMBEDDINGS, b'{"data": []}').failure
    assert failure
    assert failure.message.startswith("garbage: ")


ENDED: list[tuple[Protocol, dict[str, Any], dict[str, Any]]] = [
    (
        CHAT,
        {"choices": [{"message": {"role": "assistant", "content": None}, "finish_reason": "R"}]},
        {"choices": [{"message": {"role": "assistant", "content": "I"}, "finish_reason": "R"}]},
    ),
    (
        CHAT,
        {"choices": [{"text": "", "finish_reason": "R"}]},
        {"choices": [{"text": "I", "finish_reason": "R"}]},
    ),
    (
        CHAT,
        {"choices": [{"message": {"content": ""}, "finish_reason": "R"}]},
        {"choices": [{"message": {"tool_calls": [{"id": "t"}]}, "finish_reason": "R"}]},
    ),
    (
        CHAT,
        {"choices": [{"message": {"reasoning_content": "hm"}, "finish_reason": "R"}]},
        {
            "choices": [
                {"message": {}, "finish_reason": "R"},
                {"message": {"content": "I"}, "finish_reason": "stop"},
            ]
        },
    ),
    (
        MESSAGES,
        {"type": "message", "content": [], "stop_reason": "R"},
        {"type": "message", "content": [{"type": "text", "text": "I"}], "stop_reason": "R"},
    ),
    (
        MESSAGES,
        {"content": [{"type": "text", "text": ""}], "stop_reason": "R"},
        {"content": [{"type": "tool_use", "id": "t"}], "stop_reason": "R"},
    ),
    (
        RESPONSES,
        {"status": "incomplete", "output": [], "incomplete_details": {"reason": "R"}},
        {
            "status": "incomplete",
            "output": [{"type": "function_call"}],
            "incomplete_details": {"reason": "R"},
        },
    ),
    (
        RESPONSES,
        {
            "output": [
                {"type": "reasoning"},
                {"type": "message", "content": [{"type": "output_text", "text": ""}]},
            ],
            "incomplete_details": {"reason": "R"},
        },
        {
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "I"}]}],
            "incomplete_details": {"reason": "R"},
        },
    ),
]
REASONS = {
    "content_filter": ErrorKind.CONTENT_POLICY,
    "content_filter: SAFETY": ErrorKind.CONTENT_POLICY,
    "refusal": ErrorKind.CONTENT_POLICY,
    "PROHIBITED_CONTENT": ErrorKind.CONTENT_POLICY,
    "model_context_window_exceeded": ErrorKind.CONTEXT_WINDOW,
}


@pytest.mark.parametrize(("protocol", "nothing", "something"), ENDED)
@pytest.mark.parametrize("reason", REASONS)
def test_an_answer_that_was_filtered_before_it_said_anything_is_a_failure(
    protocol: Protocol, nothing: Any, something: Any, reason: str
) -> None:
    body = dumped(nothing).replace(b'"R"', dumped(reason))
    failure = read_answer(protocol, body).failure
    assert failure
    assert (failure.kind, failure.status, failure.body) == (REASONS[reason], 200, body)
    assert reason in failure.message
    spoken = dumped(something).replace(b'"R"', dumped(reason))
    assert read_answer(protocol, spoken).failure is None


@pytest.mark.parametrize("reason", ["stop", "length", "max_output_tokens", "end_turn", None, 7])
@pytest.mark.parametrize(("protocol", "nothing", "_"), ENDED)
def test_an_answer_that_is_empty_for_another_reason_is_one(
    protocol: Protocol, nothing: Any, _: Any, reason: Any
) -> None:
    assert read_answer(protocol, dumped(nothing).replace(b'"R"', dumped(reason))).failure is None


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource"])
def test_an_answer_that_broke_off_is_a_failure_however_much_it_says(reason: str) -> None:
    choice = {"message": {"content": "half of"}, "finish_reason": reason}
    failure = read_answer(CHAT, dumped({"choices": [choice]})).failure
    assert failure
    assert failure.kind is ErrorKind.SERVER


def test_vllm_s_flat_error_is_known_inside_a_200() -> None:
    error = {"object": "error", "message": "slow", "type": "TooManyRequests", "code": 429}
    failure = read_answer(CHAT, dumped(error)).failure
    assert failure
    assert (failure.kind, failure.message) == (ErrorKind.THROTTLE, "slow")
    assert json.loads(failure.body or b"") == error


@pytest.mark.parametrize(
    ("protocol", "body", "kind", "said"),
    [
        (CHAT, {"error": {"message": "slow", "code": 429}}, ErrorKind.THROTTLE, "slow"),
        (CHAT, {"error": "prompt is too long"}, ErrorKind.CONTEXT_WINDOW, "prompt is too long"),
        (
            CHAT,
            {"choices": [{"error": {"message": "down", "code": 502}}]},
            ErrorKind.SERVER,
            "down",
        ),
        (
            MESSAGES,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            ErrorKind.SERVER,
            "Overloaded",
        ),
        (
            MESSAGES,
            {"type": "error"},
            ErrorKind.SERVER,
            "the provider says that it failed, and not why",
        ),
        (
            RESPONSES,
            {
                "status": "failed",
                "output": [],
                "error": {"code": "rate_limit_exceeded", "message": "m"},
            },
            ErrorKind.THROTTLE,
            "m",
        ),
        (
            RESPONSES,
            {"status": "failed", "output": [], "error": None},
            ErrorKind.SERVER,
            "the provider says that it failed, and not why",
        ),
    ],
)
def test_an_error_in_a_200_is_a_failure(
    protocol: Protocol, body: dict[str, Any], kind: ErrorKind, said: str
) -> None:
    failure = read_answer(protocol, dumped(body)).failure
    assert failure
    assert (failure.kind, failure.message) == (kind, said)


def test_an_error_object_is_fit_to_be_passed_on_and_a_failed_response_is_not() -> None:
    error = {"error": {"message": "m", "type": "server_error"}}
    passed = read_answer(CHAT, dumped(error)).failure
    assert passed
    assert json.loads(passed.body or b"") == error
    failed = read_answer(RESPONSES, dumped({**error, "status": "failed", "output": []})).failure
    assert failed
    assert failed.body is None


def test_a_failed_response_may_have_cost_tokens() -> None:
    body = {"id": "r", "status": "failed", "usage": {"input_tokens": 3}, "output": []}
    answer = read_answer(RESPONSES, dumped(body))
    assert (answer.usage, answer.response_id) == ({"input_tokens": 3}, "r")


def test_the_provider_s_own_patterns_are_known_inside_a_200() -> None:
    patterns = compile_patterns([ErrorPattern(pattern="zu lang", kind=ErrorKind.CONTEXT_WINDOW)])
    failure = read_answer(CHAT, dumped({"error": {"message": "zu lang"}}), patterns).failure
    assert failure
    assert failure.kind is ErrorKind.CONTEXT_WINDOW


@given(protocol=st.sampled_from(Protocol), body=st.binary())
def test_no_body_is_an_exception(protocol: Protocol, body: bytes) -> None:
    assert read_answer(protocol, body).failure


@pytest.mark.parametrize(
    ("protocol", "usage", "tokens"),
    [
        (CHAT, CHAT_USAGE, Tokens(input=9, output=5, cached=4, reasoning=2)),
        (CHAT, {"prompt_tokens": 9, "prompt_cache_hit_tokens": 3}, Tokens(input=9, cached=3)),
        (
            CHAT,
            {"prompt_tokens_details": {"cache_creation_tokens": 3}},
            Tokens(cache_written=3),
        ),
        (CHAT, {"prompt_tokens": 9.0, "prompt_tokens_details": None}, Tokens(input=9)),
        (CHAT, {"prompt_tokens": True, "completion_tokens": -1}, Tokens()),
        (CHAT, {"prompt_tokens": "9", "completion_tokens": 0.5}, Tokens()),
        (EMBEDDINGS, {"prompt_tokens": 8, "total_tokens": 8}, Tokens(input=8)),
        (
            RESPONSES,
            {
                "input_tokens": 3,
                "output_tokens": 4,
                "input_tokens_details": {"cached_tokens": 1},
                "output_tokens_details": {"reasoning_tokens": 2},
            },
            Tokens(input=3, output=4, cached=1, reasoning=2),
        ),
        (
            MESSAGES,
            {
                "input_tokens": 3,
                "output_tokens": 4,
                "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 6,
            },
            Tokens(input=3, output=4, cached=5, cache_written=6),
        ),
        (MESSAGES, {}, Tokens()),
        (MESSAGES, None, Tokens()),
    ],
)
def test_tokens_have_other_names_in_every_protocol(
    protocol: Protocol, usage: dict[str, Any] | None, tokens: Tokens
) -> None:
    assert tokens_of(protocol, usage) == tokens
