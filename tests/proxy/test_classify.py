import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ErrorClass, ErrorKind, ErrorPattern, Protocol
from agentbox_cli.proxy.classify import (
    CompiledPattern,
    classify,
    classify_payload,
    compile_patterns,
)
from agentbox_cli.proxy.errortext import LONGEST_MESSAGE, redact, redact_body
from agentbox_cli.proxy.failure import Failure
from agentbox_plugins import anthropic, gwdg_saia, openai

NOW = 1_760_000_000.0
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
CORPUS_BY_FILE: dict[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text()) for path in CORPUS
}
CASES: dict[str, dict[str, Any]] = {
    f"{name}: {case['note']}": case for name, cases in CORPUS_BY_FILE.items() for case in cases
}


def body_of(case: dict[str, Any]) -> bytes:
    if "body_hex" in case:
        return bytes.fromhex(case["body_hex"])
    body = case["body"]
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def patterns_of(case: dict[str, Any]) -> tuple[CompiledPattern, ...]:
    return compile_patterns(
        ErrorPattern(
            pattern=entry["pattern"], kind=ErrorKind(entry["kind"]), status=entry.get("status")
        )
        for entry in case.get("patterns", ())
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_corpus_of_provider_errors(case: dict[str, Any]) -> None:
    failure = classify(
        case["status"],
        case["headers"],
        body_of(case),
        patterns_of(case),
        Protocol(case["protocol"]),
        now=NOW,
    )
    expected = {name: case[name] for name in case if name in Failure.__dataclass_fields__}
    expected.pop("headers")
    expected.pop("body", None)
    found = {name: getattr(failure, name) for name in expected}
    assert found == expected | {"kind": ErrorKind(case["kind"])} | (
        {"retry_after": pytest.approx(case["retry_after"])} if "retry_after" in case else {}
    )


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    distinct = {(case["status"], case["protocol"], body_of(case)) for case in CASES.values()}
    assert len(distinct) >= 320
    assert {case["kind"] for case in CASES.values()} == set(ErrorKind) - {ErrorKind.CONNECTION}


@pytest.mark.parametrize("plugin", [anthropic, gwdg_saia, openai], ids=lambda it: it.__name__)
def test_the_plugins_own_patterns_say_nothing_else(plugin: ModuleType) -> None:
    name = plugin.__name__.rpartition(".")[2]
    (spec,) = plugin.agentbox_providers()
    patterns = compile_patterns(spec.error_patterns)
    cases = [case for case in CORPUS_BY_FILE[name] if "patterns" not in case]
    assert len(cases) > 10
    for case in cases:
        failure = classify(case["status"], case["headers"], body_of(case), patterns)
        assert failure.kind == case["kind"], case["note"]


@pytest.mark.parametrize(
    ("payload", "kind", "status"),
    [
        ({"error": {"message": "slow", "code": 429}}, ErrorKind.THROTTLE, 429),
        ({"error": {"message": "x", "type": "overloaded_error"}}, ErrorKind.SERVER, 529),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, ErrorKind.QUOTA, 429),
        ({"error": {"message": "x", "type": "permission_error"}}, ErrorKind.FORBIDDEN, 403),
        ({"error": {"code": "server_error", "message": "x"}}, ErrorKind.SERVER, 500),
        ({"error": "maximum context length"}, ErrorKind.CONTEXT_WINDOW, 400),
        ({"error": {"message": "Rate limit hit", "type": "error"}}, ErrorKind.THROTTLE, 429),
        ({"error": {"message": "model x not found"}}, ErrorKind.NOT_FOUND, 404),
        ({"error": {"message": "prompt is too long", "code": 500}}, ErrorKind.CONTEXT_WINDOW, 500),
        ({"error": "it broke"}, ErrorKind.SERVER, 500),
        ({"error": "Unauthorized"}, ErrorKind.AUTH, 401),
        (
            {"error": {"message": "model 'x' not found", "type": "api_error"}},
            ErrorKind.NOT_FOUND,
            404,
        ),
        (
            {"error": {"message": "Internal server error", "type": "api_error"}},
            ErrorKind.SERVER,
            500,
        ),
        ({"error": {"message": "x", "type": "timeout"}}, ErrorKind.TIMEOUT, 408),
        ({"error": True}, ErrorKind.SERVER, 500),
    ],
)
def test_an_error_inside_a_200_amounts_to_a_status(
    payload: Any, kind: ErrorKind, status: int
) -> None:
    failure = classify_payload(payload)
    assert (failure.kind, failure.status) == (kind, status)


def test_an_error_inside_a_200_says_when_to_come_back_and_keeps_a_body_that_is_fit() -> None:
    body = b'{"error":{"message":"try again in 3s, sk-abcdef123456","code":429}}'
    failure = classify_payload(json.loads(body), body, (), Protocol.OPENAI_CHAT)
    assert failure.retry_after == 3.0
    assert failure.content_type == "application/json"
    assert failure.body == body.replace(b"sk-abcdef123456", b"[redacted]")
    assert failure.protocol is Protocol.OPENAI_CHAT
    assert classify_payload("x").content_type is None


def test_provider_patterns_are_searched_in_an_error_inside_a_200() -> None:
    patterns = compile_patterns([ErrorPattern(pattern="zu lang", kind=ErrorKind.CONTEXT_WINDOW)])
    assert classify_payload({"error": "ZU LANG"}, None, patterns).kind is ErrorKind.CONTEXT_WINDOW


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdef0123456789",
        "Incorrect API key provided: sk-proj-abc_123-DEF.",
        "key=AIzaSyA1234567890abcdefghijklmnopqrst",
        "gsk_abcdefghijklmnop0123 was refused",
        "AKIAIOSFODNN7EXAMPLE is not known",
    ],
)
def test_what_has_the_shape_of_a_key_is_not_passed_on(text: str) -> None:
    for line in (redact(text), redact_body(text.encode()).decode()):
        assert "[redacted]" in line
        assert not any(part in line for part in ("0123", "abc_123", "AIza", "AKIA"))


def test_words_that_look_a_little_like_keys_stay() -> None:
    text = "task-based risk-assessment of the bearer token, sk-1"
    assert redact(text) == text


def test_a_body_of_megabytes_is_looked_at_in_part() -> None:
    start = b'{"error":{"message":"prompt is too long","code":"x","echo":"'
    failure = classify(400, {}, start + b"a" * 3_000_000, now=NOW)
    assert (failure.kind, failure.message) == (ErrorKind.CONTEXT_WINDOW, "prompt is too long")
    assert len(classify(400, {}, b"b" * 3_000_000, now=NOW).message) == LONGEST_MESSAGE


def test_a_prompt_that_is_quoted_back_late_does_not_decide() -> None:
    body = b"bad role" + b" " * 5000 + b"maximum context length"
    assert classify(400, {}, body, now=NOW).kind is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize(
    "mark", [b"[", b'{"error":', b"<title", b"<", b'{"a":"{', b"exceed input "]
)
def test_hostile_repetition_is_read_in_reasonable_time(mark: bytes) -> None:
    failure = classify(400, {}, mark * 20_000, now=NOW)
    assert len(failure.message) <= LONGEST_MESSAGE


def test_nesting_ends_somewhere() -> None:
    deep: Any = "bottom"
    for _ in range(20):
        deep = {"error": [deep]}
    assert classify(500, {}, json.dumps(deep).encode(), now=NOW).kind is ErrorKind.SERVER


def test_the_clock_is_asked_when_no_time_is_given() -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert classify(503, headers, b"").retry_after == 0.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "message", "code", "type", "detail", "metadata", "raw"])
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    status=st.integers(0, 999),
    headers=st.dictionaries(
        st.text(max_size=9) | st.sampled_from(["retry-after", "date", "content-type"]),
        st.text(max_size=30),
        max_size=4,
    ),
    body=st.binary() | JSON.map(lambda it: json.dumps(it).encode()),
)
def test_any_answer_gets_a_kind_and_one_printable_line(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    failure = classify(status, headers, body, now=NOW)
    assert failure.kind in ErrorKind
    assert failure.retry_after is None or 0 <= failure.retry_after < float("inf")
    assert failure.message
    assert failure.message.isprintable()
    assert len(failure.message) <= LONGEST_MESSAGE
    failure.message.encode()


@given(payload=JSON)
def test_any_error_inside_a_200_gets_a_kind_and_a_status(payload: Any) -> None:
    failure = classify_payload(payload)
    assert failure.kind in ErrorKind
    assert failure.status is not None
    assert 400 <= failure.status <= 599
    assert failure.message.isprintable()


def test_an_error_inside_a_200_says_in_a_field_when_to_come_back() -> None:
    payload = {"error": {"code": 429, "message": "x", "details": [{"retryDelay": "7s"}]}}
    assert classify_payload(payload).retry_after == 7.0


def test_a_failure_knows_its_class_and_hides_the_body_when_shown() -> None:
    failure = classify(429, {"h": "secret-header"}, b"secret-body", now=NOW)
    assert failure.error_class is ErrorClass.RATE_LIMIT
    assert "secret-header" not in repr(failure)
    assert "body=" not in repr(failure)
