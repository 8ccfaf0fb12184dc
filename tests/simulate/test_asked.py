import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.simulate.app import _ANSWERS
from agentbox_cli.simulate.asked import ECHO_LIMIT, MAX_NAME, Endpoint, Malformed, read_request

HELLO = [{"role": "user", "content": "hi"}]
FORM = {
    "type": "object",
    "properties": {
        "word": {"type": "string"},
        "deep": {
            "type": "object",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
        },
    },
    "required": ["word", "deep"],
}

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
NAMES = st.sampled_from(
    ["role", "content", "text", "type", "name", "parameters", "required", "properties", "enum"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {"model": VALUES | st.just("m"), "messages": VALUES, "input": VALUES, "max_tokens": VALUES},
    optional={
        "prompt": VALUES,
        "system": VALUES,
        "tools": VALUES,
        "stream": st.booleans(),
        "stream_options": VALUES,
        "response_format": VALUES,
        "text": VALUES,
        "output_config": VALUES,
        "dimensions": VALUES,
        "encoding_format": VALUES,
    },
)
POSTED = st.sampled_from([endpoint for endpoint in Endpoint if endpoint in _ANSWERS])


def ask(endpoint: Endpoint, **fields: Any) -> Any:
    return read_request(endpoint, "p", json.dumps({"model": "m"} | fields).encode())


@given(POSTED, FIELDS)
def test_any_document_is_answered_or_malformed(endpoint: Endpoint, fields: Any) -> None:
    try:
        asked = read_request(endpoint, "p", json.dumps(fields).encode())
    except Malformed:
        return
    answer = _ANSWERS[endpoint](asked)
    assert bool(answer.events) is asked.stream
    assert answer.body or answer.events


@given(POSTED, st.binary())
def test_any_bytes_are_malformed(endpoint: Endpoint, body: bytes) -> None:
    with pytest.raises(Malformed):
        read_request(endpoint, "p", body)


def test_a_deeply_nested_document_is_malformed() -> None:
    body = b'{"model":"m","input":' + b"[" * 5000 + b"]" * 5000 + b"}"
    with pytest.raises(Malformed):
        read_request(Endpoint.EMBEDDINGS, "p", body)


def test_a_name_without_end_is_malformed() -> None:
    with pytest.raises(Malformed):
        ask(Endpoint.RESPONSES, model="m" * (MAX_NAME + 1))


def test_half_a_character_is_malformed() -> None:
    with pytest.raises(Malformed):
        read_request(Endpoint.RESPONSES, "p", rb'{"model":"m","input":"\ud800"}')


def test_the_last_thing_the_user_said_is_found() -> None:
    turns = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "text", "text": "three"}, {"type": "image"}]},
        {"role": "assistant", "content": "four"},
    ]
    assert ask(Endpoint.CHAT, messages=turns).text == "three"


def test_a_long_text_is_cut_but_counted() -> None:
    asked = ask(Endpoint.RESPONSES, input="word " * ECHO_LIMIT)
    assert len(asked.text) == ECHO_LIMIT
    assert asked.input_tokens == ECHO_LIMIT


def test_a_tool_may_be_named_with_its_arguments() -> None:
    tools = [{"name": "look", "input_schema": {}}, {"function": {"name": "read"}}]
    say = 'Please call the tool read with {"path": "/x", "deep": {"a": 1}} and tell.'
    asked = ask(Endpoint.CHAT, messages=[say], tools=tools)
    assert (asked.tool.name, asked.tool.arguments) == ("read", {"path": "/x", "deep": {"a": 1}})
    assert ask(Endpoint.CHAT, messages=[say.replace("read", "write")], tools=tools).tool is None
    with pytest.raises(Malformed, match="are not JSON"):
        ask(Endpoint.CHAT, messages=[say.replace("}}", "}")], tools=tools)


@pytest.mark.parametrize(
    ("endpoint", "turn"),
    [
        (Endpoint.CHAT, {"role": "tool", "content": "it says no"}),
        (Endpoint.RESPONSES, {"type": "function_call_output", "output": "it says no"}),
    ],
)
def test_what_a_tool_answered_is_the_last_that_was_said(
    endpoint: Endpoint, turn: dict[str, str]
) -> None:
    turns = [{"role": "user", "content": "call the tool"}, turn]
    name = "messages" if endpoint is Endpoint.CHAT else "input"
    asked = ask(endpoint, tools=[{"name": "look"}], **{name: turns})
    assert (asked.text, asked.tool) == ("it says no", None)


def test_tools_are_let_alone_unless_the_user_asks() -> None:
    tools = [{"name": "look", "input_schema": {}}]
    say = "Call the tool."
    fields: dict[str, Any] = {"max_tokens": 1, "tools": tools}
    called = ask(Endpoint.MESSAGES, messages=[{"role": "user", "content": say}], **fields)
    assert called.tool.name == "look"
    assert called.tool.arguments == {}
    quiet = ask(Endpoint.MESSAGES, messages=[{"role": "user", "content": "hi"}], **fields)
    assert quiet.tool is None
    forbidden = ask(Endpoint.CHAT, messages=[say], tools=tools, tool_choice="none")
    assert forbidden.tool is None


def test_streams_exist_only_where_they_mean_something() -> None:
    assert ask(Endpoint.CHAT, messages=["hi"], stream=True).stream
    assert not ask(Endpoint.EMBEDDINGS, input="hi", stream=True).stream


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"schema": FORM}}},
        {"text": {"format": {"type": "json_schema", "schema": FORM}}},
        {"output_config": {"format": {"type": "json_schema", "schema": FORM}}},
        {"output_format": {"type": "json_schema", "schema": FORM}},
    ],
    ids=["chat", "responses", "messages", "messages at first"],
)
def test_a_form_is_filled_in_instead_of_words(fields: dict[str, Any]) -> None:
    body = {"model": "m", "messages": HELLO, **fields}
    asked = read_request(Endpoint.CHAT, "openai", json.dumps(body).encode())
    assert json.loads(asked.reply) == {"word": "simulated", "deep": {"number": 1}}


@pytest.mark.parametrize("odd", [7, None, [], {"json_schema": 7}, {"type": "json_object"}])
def test_no_form_is_words(odd: Any) -> None:
    body = {"model": "m", "messages": HELLO, "response_format": odd}
    asked = read_request(Endpoint.CHAT, "openai", json.dumps(body).encode())
    assert asked.reply.endswith("you said: hi")
