import json
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentbox_cli.agents.formats import jsonc
from agentbox_cli.agents.formats.broken import BrokenTextError
from agentbox_cli.agents.formats.editing import MISSING, drop, put, value_at
from agentbox_cli.providers.agent import SettingsFormat

JSON = SettingsFormat.JSON
COMMENTED = """\
// of mine
{
  // the best
  "model": "opus", // really
  "env": { "X": "y" }, /* inline */
  "list": [1, 2,],
  "deep": {
    "last": null // no comma behind it
  }
  // the end
}
"""


def test_a_value_is_replaced_in_its_place() -> None:
    edited = put(JSON, COMMENTED, ("model",), "default")
    assert edited == COMMENTED.replace('"opus"', '"default"')


def test_a_new_member_stands_behind_the_last_one_and_its_comment() -> None:
    edited = put(JSON, COMMENTED, ("deep", "new"), [1])
    assert '    "last": null, // no comma behind it\n    "new": [\n      1\n    ]\n  }' in edited


def test_a_new_member_of_an_object_on_one_line_stays_on_that_line() -> None:
    edited = put(JSON, COMMENTED, ("env", "A"), "b")
    assert edited == COMMENTED.replace('{ "X": "y" }', '{ "X": "y", "A": "b" }')


def test_objects_on_the_way_are_made() -> None:
    assert put(JSON, "{}", ("a", "b"), True) == '{\n  "a": {\n    "b": true\n  }\n}'


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", "// only a word\n{ }\n"])
def test_a_text_without_members_gets_one(text: str) -> None:
    edited = put(JSON, text, ("a",), 1)
    assert jsonc.data(edited) == {"a": 1}
    assert ("only a word" in edited) == ("only a word" in text)


def test_a_trailing_comma_stays_one() -> None:
    text = '{\n\t"a": 1,\n}\n'
    edited = put(JSON, text, ("b",), 2)
    assert edited == '{\n\t"a": 1,\n\t"b": 2,\n}\n'
    assert drop(JSON, edited, ("b",)) == text


def test_line_ends_of_windows_stay() -> None:
    text = '{\r\n    "a": 1 // one\r\n}\r\n'
    edited = put(JSON, text, ("b",), {"c": 2})
    assert "\n" not in edited.replace("\r\n", "")
    assert drop(JSON, edited, ("b",)) == text


def test_of_a_key_that_stands_twice_the_one_that_counts_is_read_and_both_are_removed() -> None:
    text = '{"a": 1, "b": 2, "a": 3}'
    assert value_at(JSON, text, ("a",)) == 3
    assert drop(JSON, text, ("a",)) == '{"b": 2}'


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ('{\n  "a" 1\n}', 2, 7, "a ':' is missing here"),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3, "a ',' or '}' is missing here"),
        ('{"a": }', 1, 7, "a value is missing here"),
        ('{"a": 1', 1, 8, "a ',' or '}' is missing here"),
        ("{a: 1}", 1, 2, "a key in double quotes must stand here"),
        ('{"a": "\\x"}', 1, 7, "this text in quotes is wrong"),
        ('{"a": 1} x', 1, 10, "nothing may stand behind the end"),
        ("{ /* for ever", 1, 3, "this comment does not end"),
        ("[1]", 1, 1, "the file must hold an object in braces"),
        ('{"a": tru}', 1, 7, "a value is missing here"),
        ('{"a": 1}', 1, 7, "an object must stand here"),
        ("[" * 200, 1, 102, "nested too deeply"),
    ],
)
def test_a_broken_text_is_told_with_its_place(
    text: str, line: int, column: int, message: str
) -> None:
    with pytest.raises(BrokenTextError, match=message) as raised:
        put(JSON, text, ("a", "b"), 1)
    assert (raised.value.line, raised.value.column) == (line, column)


WORDS = st.text(string.ascii_letters + ' .ä\U0001f600\\"', max_size=5)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """An object as somebody may have written it: any indent, comments, commas at the end."""
    return _written(draw, draw(st.dictionaries(WORDS, DATA, max_size=4)), "")


def _written(draw: st.DrawFn, value: Any, indent: str) -> str:
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    if draw(st.booleans()):
        return json.dumps(value)
    step, end = indent + draw(st.sampled_from(["  ", "    ", "\t"])), draw(st.sampled_from(["\n"]))
    lines = []
    for number, (key, each) in enumerate(value.items()):
        comma = "," if number < len(value) - 1 or draw(st.booleans()) else ""
        before = draw(st.sampled_from(["", f"{step}// a {{ comment{end}"]))
        behind = draw(st.sampled_from(["", " // behind", " /* a, b */"]))
        member = f"{json.dumps(key)}: {_written(draw, each, step)}{comma}{behind}"
        lines.append(f"{before}{step}{member}")
    return f"{{{end}{end.join(lines)}{end}{indent}}}"


@given(text=texts(), path=st.lists(WORDS, min_size=1, max_size=3), value=DATA)
def test_whatever_is_put_is_there_and_nothing_else_changes(
    text: str, path: list[str], value: Any
) -> None:
    assume(all(type(each) is dict or each is MISSING for each in _above(text, path)))
    edited = put(JSON, text, tuple(path), value)
    assert value_at(JSON, edited, tuple(path)) == value
    assert edited.count("comment") == text.count("comment") or value_at(JSON, text, tuple(path))


def _above(text: str, path: list[str]) -> list[Any]:
    return [value_at(JSON, text, tuple(path[:depth])) for depth in range(1, len(path))]


@given(text=texts(), name=WORDS, value=DATA)
def test_what_was_added_can_be_taken_out_to_the_byte(text: str, name: str, value: Any) -> None:
    data = jsonc.data(text)
    if name in data:
        return
    back = drop(JSON, put(JSON, text, (name,), value), (name,))
    assert jsonc.data(back) == data
    if data:
        assert back == text
