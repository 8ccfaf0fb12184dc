import json
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.events import StreamState
from agentbox_cli.proxy.sse import EventSplitter, data_of, event_name
from agentbox_cli.proxy.stream import StreamReader
from agentbox_cli.proxy.wire import KEEP_ALIVE, error_body, terminal_event, total_failure_status

CHAT = Protocol.OPENAI_CHAT
RESPONSES = Protocol.OPENAI_RESPONSES
MESSAGES = Protocol.ANTHROPIC_MESSAGES

STATE = StreamState(
    response_id="resp_1", model="gpt-4o", created_at=1_700_000_000, sequence_number=7
)


def test_an_openai_error_names_its_kind() -> None:
    body = error_body(CHAT, 429, ErrorKind.THROTTLE, "All links are cooling.")
    assert body == (
        b'{"error":{"message":"All links are cooling.","type":"rate_limit_error","param":null,'
        b'"code":"throttle"}}'
    )


def test_an_anthropic_error_has_its_envelope() -> None:
    body = error_body(MESSAGES, 529, None, "Busy.", request_id="req_1")
    assert body == (
        b'{"type":"error","error":{"type":"overloaded_error","message":"Busy."},'
        b'"request_id":"req_1"}'
    )
    assert b"request_id" not in error_body(MESSAGES, 529, None, "Busy.")


@pytest.mark.parametrize(
    ("status", "named"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (408, "timeout_error"),
        (409, "invalid_request_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_anthropic_types_follow_from_the_status(status: int, named: str) -> None:
    body = json.loads(error_body(MESSAGES, status, ErrorKind.SERVER, "x"))
    assert body["error"]["type"] == named


@pytest.mark.parametrize(
    ("status", "named"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "invalid_request_error"),
        (429, "rate_limit_error"),
        (503, "server_error"),
    ],
)
@pytest.mark.parametrize("protocol", [CHAT, RESPONSES, Protocol.OPENAI_EMBEDDINGS])
def test_openai_types_follow_from_the_status(protocol: Protocol, status: int, named: str) -> None:
    body = json.loads(error_body(protocol, status, None, "x"))
    assert body["error"] == {"message": "x", "type": named, "param": None, "code": None}


def test_a_type_and_a_code_may_be_given() -> None:
    openai_style = json.loads(error_body(CHAT, 404, "model_error", "x", "model_not_found"))
    assert openai_style["error"]["type"] == "model_error"
    assert openai_style["error"]["code"] == "model_not_found"
    assert json.loads(error_body(MESSAGES, 404, "odd", "x"))["error"]["type"] == "odd"
    coded = json.loads(error_body(CHAT, 404, ErrorKind.NOT_FOUND, "x", "model_not_found"))
    assert coded["error"]["code"] == "model_not_found"


def test_messages_stay_on_one_line_and_are_valid_text() -> None:
    for protocol in (CHAT, RESPONSES, MESSAGES):
        written = terminal_event(protocol, "a\u2028b\r\n c\x85\ud800", STATE)
        assert "a b c ?" in written.decode()
    assert b'"a b"' in error_body(CHAT, 500, None, "a\n b")


def test_the_exact_bytes_that_end_a_chat_stream() -> None:
    assert terminal_event(CHAT, "M") == (
        b'data: {"error":{"message":"M","type":"server_error","param":null,'
        b'"code":"upstream_stream_error"}}\n\n'
    )


def test_the_exact_bytes_that_end_a_messages_stream() -> None:
    assert terminal_event(MESSAGES, "M") == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"M"}}\n\n'
    )


def test_the_exact_bytes_that_end_a_responses_stream() -> None:
    assert terminal_event(RESPONSES, "M", STATE) == (
        b"event: response.failed\n"
        b'data: {"type":"response.failed","sequence_number":8,"response":{"id":"resp_1",'
        b'"object":"response","created_at":1700000000,"status":"failed","model":"gpt-4o",'
        b'"output":[],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],'
        b'"error":{"code":"server_error","message":"M"},"incomplete_details":null,'
        b'"instructions":null,"metadata":null,"temperature":null,"top_p":null,"usage":null},'
        b'"error":{"code":"server_error","message":"M"}}\n\n'
    )


def test_a_response_of_which_nothing_was_seen_fails_with_the_first_number() -> None:
    data = json.loads(data_of(terminal_event(RESPONSES, "M")))
    assert data["sequence_number"] == 0
    assert data["response"]["id"].startswith("resp_")


@pytest.mark.parametrize("protocol", [CHAT, RESPONSES, MESSAGES])
def test_our_own_reader_takes_a_terminal_event_for_a_failure(protocol: Protocol) -> None:
    reader = StreamReader(protocol)
    reader.feed(KEEP_ALIVE + terminal_event(protocol, "cut after 3 tokens", STATE))
    assert reader.failure
    assert reader.failure.message == "cut after 3 tokens"


def test_a_keep_alive_is_a_comment() -> None:
    assert EventSplitter().feed(KEEP_ALIVE) == [KEEP_ALIVE]
    assert (event_name(KEEP_ALIVE), data_of(KEEP_ALIVE)) == ("", b"")


@pytest.mark.parametrize(
    ("protocol", "rate_limited", "status"),
    [(CHAT, True, 429), (CHAT, False, 503), (MESSAGES, True, 429), (MESSAGES, False, 529)],
)
def test_a_chain_without_an_answer_has_its_status(
    protocol: Protocol, *, rate_limited: bool, status: int
) -> None:
    assert total_failure_status(protocol, rate_limited=rate_limited) == status


# What the SDKs make of it


def openai_client(status: int, body: bytes, content_type: str) -> openai.OpenAI:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers={"content-type": content_type})

    transport = httpx.MockTransport(answer)
    return openai.OpenAI(
        api_key="none",
        base_url="http://127.0.0.1:1/v1",
        max_retries=0,
        http_client=httpx.Client(transport=transport),
    )


def anthropic_client(status: int, body: bytes, content_type: str) -> anthropic.Anthropic:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body, headers={"content-type": content_type})

    return anthropic.Anthropic(
        api_key="none",
        base_url="http://127.0.0.1:1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
    )


EVENTS = "text/event-stream"
PROMPT: list[Any] = [{"role": "user", "content": "x"}]


def test_the_openai_sdk_raises_our_message_from_a_chat_stream() -> None:
    part = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    body = KEEP_ALIVE + part + terminal_event(CHAT, "the link broke")
    with openai_client(200, body, EVENTS) as client:
        stream = client.chat.completions.create(model="x", messages=PROMPT, stream=True)
        assert next(iter(stream)).choices[0].delta.content == "Hi"
        with pytest.raises(openai.APIError, match="the link broke"):
            list(stream)


def test_the_openai_sdk_raises_our_message_from_a_responses_stream() -> None:
    body = KEEP_ALIVE + terminal_event(RESPONSES, "the link broke", STATE)
    with (
        openai_client(200, body, EVENTS) as client,
        pytest.raises(openai.APIError, match="the link broke"),
    ):
        list(client.responses.create(model="x", input="x", stream=True))


def test_the_anthropic_sdk_raises_our_message_from_a_messages_stream() -> None:
    body = KEEP_ALIVE + terminal_event(MESSAGES, "the link broke")
    with (
        anthropic_client(200, body, EVENTS) as client,
        pytest.raises(anthropic.APIStatusError, match="the link broke"),
    ):
        list(client.messages.create(model="x", max_tokens=1, messages=PROMPT, stream=True))


def test_the_sdks_raise_the_error_of_our_status_with_our_message() -> None:
    body = error_body(CHAT, 429, ErrorKind.THROTTLE, "all links are cooling")
    with (
        openai_client(429, body, "application/json") as client,
        pytest.raises(openai.RateLimitError, match="all links are cooling") as caught,
    ):
        client.chat.completions.create(model="x", messages=PROMPT)
    assert caught.value.code == "throttle"
    body = error_body(MESSAGES, 529, None, "all links failed", request_id="req_1")
    with (
        anthropic_client(529, body, "application/json") as messages_client,
        pytest.raises(anthropic.APIStatusError, match="all links failed") as raised,
    ):
        messages_client.messages.create(model="x", max_tokens=1, messages=PROMPT)
    assert raised.value.status_code == 529
