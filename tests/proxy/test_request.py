import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import ModelKind, ModelSpec, Protocol
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.call import Needs
from agentbox_cli.proxy.endpoints import BY_PATH, CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Endpoint
from agentbox_cli.proxy.estimate import TOKENS_PER_FILE
from agentbox_cli.proxy.request import (
    BadBody,
    body_for,
    kind_of,
    needs_of,
    read_ask,
)
from tests.proxy.builders import deployment, link

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def asked(endpoint: Endpoint = CHAT, windows: tuple[int, ...] = (), **fields: Any) -> Needs:
    body = json.dumps({"model": "default", **fields}).encode()
    return needs_of(read_ask(body), endpoint, windows)


def says(*content: Any, role: str = "user") -> list[dict[str, Any]]:
    return [{"role": role, "content": list(content)}]


def to_model(**known: Any) -> Link:
    return link(1, deployment("alpha", ModelSpec(id="gpt-4o", **known)))


def raw(body: bytes) -> dict[str, bytes]:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: bytes(value) for name, value in fields.items()}


# Reading.


def test_a_request_names_a_model_and_may_ask_for_a_stream() -> None:
    ask = read_ask(b'{"model": "default", "stream": true, "n": 1}')
    assert (ask.model, ask.stream) == ("default", True)
    assert not read_ask(b'{"model": "default", "stream": null}').stream
    assert not read_ask(b'{"model": "default"}').stream


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'"model"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"model": "a"} {}', "not a JSON object"),
        (b'{"model": "a", "n": NaN}', "not a JSON object"),
        (b'{"model": "a", "x": "\\ud800"}', "not a JSON object"),
        (b'{"\xff": 1, "model": "a"}', "not a JSON object"),
        (b"\xff\xfe{\x00}\x00", "not a JSON object"),
        (b'{"model": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (b"{}", "'model' is missing"),
        (b'{"model": ""}', "'model' is missing"),
        (b'{"model": null}', "'model' is missing"),
        (b'{"model": 1}', "'model' is missing"),
        (b'{"model": ["a"]}', "'model' is missing"),
        (b'{"model": 1e999}', "'model' cannot be read"),
        (b'{"model": "\xff"}', "'model' cannot be read"),
        (b'{"model": "a", "stream": 1}', "'stream' must be"),
        (b'{"model": "a", "stream": "true"}', "'stream' must be"),
        (b'{"model": "a", "stream": 1e999}', "'stream' cannot be read"),
    ],
)
def test_what_is_no_request_is_told(body: bytes, why: str) -> None:
    with pytest.raises(BadBody, match=why):
        read_ask(body)


@pytest.mark.parametrize(
    "value", [b"1e999", b"9" * 5_000, b'"\xff"', b"[" * 200 + b"]" * 200, b"-0.0", b"[ 1 ]"]
)
def test_values_that_only_the_provider_must_understand_pass_as_they_are(value: bytes) -> None:
    ask = read_ask(b'{"model": "a", "messages": ' + value + b', "tools": ' + value + b"}")
    for endpoint in BY_PATH.values():
        needs_of(ask, endpoint, [1])
    sent = raw(body_for(ask, to_model()))
    assert (sent["messages"], sent["tools"]) == (value, value)


def test_of_a_key_that_comes_twice_the_last_one_counts() -> None:
    ask = read_ask(b'{"model": "a", "n": 1, "model": "b", "n": 2}')
    assert ask.model == "b"
    assert raw(body_for(ask, to_model())) == {"model": b'"gpt-4o"', "n": b"2"}


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_no_bytes_raise_anything_but_bad_body(body: bytes) -> None:
    for text in (body, b'{"model":' + body, b'{"model":"a","messages":' + body + b"}"):
        try:
            ask = read_ask(text)
        except BadBody:
            continue
        for endpoint in BY_PATH.values():
            needs_of(ask, endpoint, [0])
        json.loads(body_for(ask, to_model()).decode(errors="replace"))


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=9),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
PARTS = st.dictionaries(
    st.sampled_from(["type", "content", "output", "input", "url", "data", "text"]),
    st.one_of(VALUES, st.sampled_from(["image", "file", "text", "tool_result"])),
)


@given(
    st.dictionaries(
        st.sampled_from(["messages", "input", "tools", "system", "prompt", "store", "stream_x"]),
        st.one_of(VALUES, PARTS, st.lists(st.one_of(PARTS, VALUES), max_size=4)),
    )
)
def test_fields_of_any_shape_are_looked_at_without_a_stumble(fields: dict[str, Any]) -> None:
    for endpoint in BY_PATH.values():
        needs = asked(endpoint, (0,), **fields)
        assert needs.protocol is endpoint.protocol
        assert needs.input_tokens <= len(json.dumps(fields)) / 4


# The body for a link.

SPACES = st.text(alphabet=" \n\t\r", max_size=2)


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """One value as JSON text, in any spelling."""
    value = draw(VALUES)
    text = json.dumps(
        value,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 0, 3])),
        separators=draw(st.sampled_from([(",", ":"), (" , ", " : ")])),
    )
    odd = st.sampled_from(["1E+2", "-0", "0.10", "1e999", "9" * 40, '"\\/\\u0041"', "[ ]", "{ }"])
    return draw(st.one_of(st.just(text), odd)).encode(errors="replace")


NAMES = st.one_of(
    st.sampled_from(["temperature", "max_tokens", "max_completion_tokens", "metadata"]),
    st.text(max_size=5),
)


@given(
    fields=st.dictionaries(NAMES, json_texts(), max_size=6),
    space=SPACES,
    first=st.booleans(),
    ascii_keys=st.booleans(),
)
def test_every_other_value_stays_byte_for_byte(
    fields: dict[str, bytes], space: str, first: bool, ascii_keys: bool
) -> None:
    fields.pop("model", None)
    fields.pop("stream", None)
    items = [(json.dumps(name, ensure_ascii=ascii_keys).encode(), v) for name, v in fields.items()]
    items.insert(0 if first else len(items), (b'"model"', b'"default"'))
    gap = space.encode()
    body = b"{" + b",".join(gap + k + gap + b":" + gap + v + gap for k, v in items) + b"}"
    ask = read_ask(body)
    assert raw(body_for(ask, to_model())) == fields | {"model": b'"gpt-4o"'}
    dropping = to_model(
        rename={"max_tokens": "max_completion_tokens"}, drop=frozenset({"temperature"})
    )
    expected = {name: value for name, value in fields.items() if name != "temperature"}
    if "max_tokens" in expected:
        old = expected.pop("max_tokens")
        expected.setdefault("max_completion_tokens", old)
    assert raw(body_for(ask, dropping)) == expected | {"model": b'"gpt-4o"'}


def test_parameters_are_renamed_and_dropped_for_one_link_only() -> None:
    ask = read_ask(b'{"model": "r", "max_tokens": 5, "temperature": 0.10, "top_p": 1}')
    o1 = to_model(rename={"max_tokens": "max_completion_tokens"}, drop=frozenset({"temperature"}))
    o1 = replace(o1, drop_params=frozenset({"top_p"}))
    assert body_for(ask, o1) == b'{"model":"gpt-4o","max_completion_tokens":5}'
    assert raw(body_for(ask, to_model())) == {
        "model": b'"gpt-4o"',
        "max_tokens": b"5",
        "temperature": b"0.10",
        "top_p": b"1",
    }


def test_the_order_in_which_both_names_come_does_not_matter() -> None:
    o1 = to_model(rename={"max_tokens": "max_completion_tokens"})
    for body in (
        b'{"model": "r", "max_tokens": 5, "max_completion_tokens": 7}',
        b'{"model": "r", "max_completion_tokens": 7, "max_tokens": 5}',
    ):
        assert raw(body_for(read_ask(body), o1))["max_completion_tokens"] == b"7"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_renamed_parameter_is_dropped_by_either_name(name: str) -> None:
    o1 = to_model(rename={"max_tokens": "max_completion_tokens"})
    o1 = replace(o1, drop_params=frozenset({name}))
    assert body_for(read_ask(b'{"model":"r","max_tokens":5}'), o1) == b'{"model":"gpt-4o"}'


def test_the_model_is_never_dropped() -> None:
    assert body_for(read_ask(b'{"model":"r"}'), to_model(drop=frozenset({"model"}))) == (
        b'{"model":"gpt-4o"}'
    )


# What a request needs.


@pytest.mark.parametrize("value", [None, []])
def test_no_tools_are_no_tools(value: object) -> None:
    assert asked(tools=value).capabilities == frozenset()
    assert asked().capabilities == frozenset()


def test_an_empty_list_with_a_blank_is_no_tools() -> None:
    assert needs_of(read_ask(b'{"model":"a","tools":[ ]}'), CHAT, []).capabilities == frozenset()


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES, RESPONSES])
def test_tools_are_tools(endpoint: Endpoint) -> None:
    assert asked(endpoint, tools=[{"name": "ls"}]).capabilities == {"tools"}


BASE64 = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
SHOWN = [
    (CHAT, {"messages": says({"type": "text", "text": "what?"}, IMAGE)}),
    (CHAT, {"messages": says({"type": "file", "file": {"file_data": "AAAA"}})}),
    (MESSAGES, {"messages": says({"type": "image", "source": BASE64})}),
    (MESSAGES, {"messages": says({"type": "document", "source": BASE64})}),
    (
        MESSAGES,
        {
            "messages": says(
                {"type": "tool_result", "content": [{"type": "image", "source": BASE64}]}
            )
        },
    ),
    (RESPONSES, {"input": says({"type": "input_image", "image_url": "https://x.example"})}),
    (RESPONSES, {"input": says({"type": "input_file", "file_data": "AAAA"})}),
    (
        RESPONSES,
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image"}]}]},
    ),
    (
        RESPONSES,
        {"input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot"}}]},
    ),
]


@pytest.mark.parametrize(("endpoint", "fields"), SHOWN)
def test_an_image_needs_vision(endpoint: Endpoint, fields: dict[str, Any]) -> None:
    assert asked(endpoint, **fields).capabilities == {"vision"}


TOLD = [
    (CHAT, {"messages": says({"type": "text", "text": 'a part of "type": "image_url"'})}),
    (CHAT, {"messages": [{"role": "user", "content": "image_url"}]}),
    (CHAT, {"messages": [{"role": "user", "content": "file"}]}),
    (CHAT, {"messages": says("image"), "metadata": {"type": "image"}}),
    (MESSAGES, {"messages": says({"type": "tool_use", "input": {"file": "a.py"}})}),
    (MESSAGES, {"messages": says({"type": "tool_use", "input": {"type": "image"}})}),
    (MESSAGES, {"messages": says({"type": "tool_result", "content": "document"})}),
    (RESPONSES, {"input": "image"}),
    (RESPONSES, {"input": [{"type": "function_call", "arguments": '{"type": "image"}'}]}),
    (EMBEDDINGS, {"input": ["image", "file"]}),
    (CHAT, {"messages": says({"type": ["image"]}, {"type": {"image": 1}})}),
]


@pytest.mark.parametrize(("endpoint", "fields"), TOLD)
def test_words_about_images_need_no_vision(endpoint: Endpoint, fields: dict[str, Any]) -> None:
    assert asked(endpoint, **fields).capabilities == frozenset()


def test_a_tool_that_takes_files_needs_tools_alone() -> None:
    tool = {"name": "read", "input_schema": {"properties": {"file": {"type": "image"}}}}
    assert asked(MESSAGES, tools=[tool], messages=says("hi")).capabilities == {"tools"}


# How long it is.


def test_the_prompt_is_measured_only_where_a_window_may_be_too_small() -> None:
    text = "word " * 1_000  # 1,000 tokens by the rule, and a few bytes of JSON around them
    assert asked(messages=says({"type": "text", "text": text})).input_tokens == 0
    assert asked(windows=(2_000,), messages=says(text)).input_tokens == 0
    assert 1_000 <= asked(windows=(900, 10_000), messages=says(text)).input_tokens < 1_010


def test_every_part_of_a_prompt_counts() -> None:
    text = "x" * 5_002  # the two make up for rounding
    for name in ("messages", "input", "prompt", "system", "instructions", "tools"):
        fields: dict[str, Any] = {name: [{"text": text}]}
        assert asked(windows=(10,), **fields).input_tokens == 1_000
    assert asked(windows=(10,), metadata={"text": text}).input_tokens == 0


def test_files_count_a_fixed_figure_whatever_their_size() -> None:
    for size in (100_000, 4_000_000):
        data = "A" * size
        url = {"type": "image_url", "image_url": {"url": data}}
        for part in (
            url,
            {"type": "image", "source": {"type": "base64", "data": data}},
            {"type": "input_image", "image_url": data},
            {"type": "file", "file": {"file_data": data}},
        ):
            tokens = asked(windows=(10,), messages=says(part)).input_tokens
            assert TOKENS_PER_FILE <= tokens <= TOKENS_PER_FILE + 10


def test_a_short_address_is_no_file() -> None:
    calls = [{"type": "tool_use", "input": {"url": "https://a.example"}} for _ in range(100)]
    assert asked(MESSAGES, (10,), messages=says(*calls)).input_tokens < 1_000


def test_escapes_do_not_make_a_prompt_longer() -> None:
    body = b'{"model": "a", "messages": [{"content": "' + b"\\u00e4" * 501 + b'"}]}'
    assert needs_of(read_ask(body), CHAT, [10]).input_tokens == 100


def test_a_prompt_is_measured_without_being_read() -> None:
    body = b'{"model": "a", "messages": [1e999, "' + b"x" * 5_000 + b'"]}'
    assert needs_of(read_ask(body), CHAT, [10]).input_tokens == 1_000


@pytest.mark.parametrize(
    "shortening",
    [
        {"truncation": "auto"},
        {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}},
        {"transforms": ["middle-out"]},
    ],
)
def test_a_prompt_that_the_provider_would_shorten_is_not_measured(
    shortening: dict[str, Any],
) -> None:
    text = "x" * 5_000
    assert asked(RESPONSES, (10,), input=text, **shortening).input_tokens == 0
    assert asked(RESPONSES, (10,), input=text, truncation="disabled").input_tokens > 900


def test_of_a_batch_of_embeddings_the_longest_text_counts() -> None:
    texts = ["x" * 500, "x" * 5_005, "x" * 50]
    assert asked(EMBEDDINGS, (10,), input=texts).input_tokens == 999
    assert asked(EMBEDDINGS, (10,), input="x" * 5_008).input_tokens == 1_000


@pytest.mark.parametrize("numbers", [list(range(9_000)), [list(range(9_000))] * 3, [], None, {}])
def test_lists_of_token_numbers_are_not_measured(numbers: object) -> None:
    assert asked(EMBEDDINGS, (10,), input=numbers).input_tokens == 0


def test_what_an_answer_may_have_does_not_count() -> None:
    assert asked(windows=(10,), messages=[], max_tokens=10**9).input_tokens == 0


# Whether it may be sent twice.


@pytest.mark.parametrize(
    ("fields", "repeatable"),
    [
        ({}, True),
        ({"store": False}, True),
        ({"store": None}, True),
        ({"store": True}, False),
        ({"background": True}, False),
        ({"store": False, "background": True}, False),
        ({"store": "true"}, True),
    ],
)
def test_a_response_that_is_kept_is_not_repeatable(
    fields: dict[str, Any], repeatable: bool
) -> None:
    assert asked(RESPONSES, **fields).repeatable is repeatable
    assert asked(CHAT, **fields).repeatable


def test_every_endpoint_wants_models_of_its_kind() -> None:
    assert {endpoint.name: kind_of(endpoint) for endpoint in BY_PATH.values()} == {
        "chat": ModelKind.CHAT,
        "messages": ModelKind.CHAT,
        "responses": ModelKind.CHAT,
        "embeddings": ModelKind.EMBEDDING,
    }
    assert asked(EMBEDDINGS).protocol is Protocol.OPENAI_EMBEDDINGS
