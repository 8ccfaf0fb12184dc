import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.proxy.request import Fields
from agentbox_cli.proxy.splice import spliced

NEW = msgspec.Raw(b'"gpt-4o"')
MODEL = [b'"model"', b'"mod\\u0065l"', b'"\\u006dodel"']
NAMES = [b'"a"', b'"b"', b'"\\u0061"', b'"caf\\u00e9"', '"café"'.encode(), b'"x\\"y"', b'""']
VALUES = [
    b"1.50", b"-0", b"1E400", b"12345678901234567890123", b"true", b"null", b"[ ]", b'[1 ,"]"]',
    b'{"model": "inner"}', b'{"a":1,"model":"inner"}', b'"}\\","',
    b'"\\ud83d\\ude00 \xf0\x9f\x98\x80"',
]  # fmt: skip
GAPS = st.text(" \t\r\n", max_size=2).map(str.encode)


def spliced_from(body: bytes, **changed: msgspec.Raw) -> bytes:
    return spliced(body, msgspec.json.decode(body, type=Fields), changed)


@given(
    members=st.lists(
        st.tuples(st.sampled_from([*NAMES, *MODEL]), st.sampled_from(VALUES)), max_size=6
    ),
    place=st.integers(0, 6),
    gap=GAPS,
)
def test_only_the_value_of_the_model_changes(
    members: list[tuple[bytes, bytes]], place: int, gap: bytes
) -> None:
    members.insert(place, (b'"model"', b'"default"'))

    def written(*, model: bytes | None) -> bytes:
        told = (
            gap + name + gap + b":" + gap + (model if model and name in MODEL else value) + gap
            for name, value in members
        )
        return gap + b"{" + b",".join(told) + b"}" + gap

    assert spliced_from(written(model=None), model=NEW) == written(model=bytes(NEW))


@given(st.dictionaries(st.text(max_size=3), st.integers(), min_size=1, max_size=4))
def test_what_is_not_there_is_added_at_the_end(fields: dict[str, int]) -> None:
    body = b" " + json.dumps(fields).encode() + b"\n"
    told = spliced_from(body, **{"new one": NEW})
    assert json.loads(told) == fields | {"new one": "gpt-4o"}
    assert told == body[:-2] + b',"new one":"gpt-4o"}\n'


def test_an_object_that_is_nested_too_deeply_for_the_slow_reader_is_written_anew() -> None:
    deep = b"[" * 900 + b"]" * 900  # msgspec reads this, with a key that comes twice
    body = b'{"a": 1, "model": "x", "a": %b}' % deep
    assert json.loads(spliced_from(body, model=NEW))["model"] == "gpt-4o"


@pytest.mark.parametrize("value", [b'{"x":1,"model":"y"}', b'[{"a":11,"model":"y"}]'])
def test_a_key_that_comes_twice_does_not_lead_into_a_value(value: bytes) -> None:
    body = b'{"a":%b,"model":"x","a":123456}' % value
    assert spliced_from(body, model=NEW) == b'{"a":%b,"model":"gpt-4o","a":123456}' % value


@pytest.mark.parametrize("inner", [b'{"model":"default"}', b'"model"', b'["model" , "default"]'])
def test_what_only_looks_like_the_models_key_stays(inner: bytes) -> None:
    body = b'{"a":%b,"mod\\u0065l":"default"}' % inner
    assert spliced_from(body, model=NEW) == b'{"a":%b,"mod\\u0065l":"gpt-4o"}' % inner
    named = b'{"a":%b,"model" : "default"}' % inner
    assert spliced_from(named, model=NEW) == b'{"a":%b,"model" : "gpt-4o"}' % inner
