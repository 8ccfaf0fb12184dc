from typing import Any

import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.editing.block_text import (
    Layout,
    Rendered,
    behind_dash,
    below_key,
    layout_near,
)
from tests.config.editing.routes import way

WIDE = Layout(step=4, offset=0)


def text_of(one: Rendered) -> str:
    return "\n".join((one.head, *one.tail))


@pytest.mark.parametrize(
    ("text", "path", "layout"),
    [
        ("", (), Layout(step=2, offset=2)),
        ("a: 1\n", ("a",), Layout(step=2, offset=2)),
        ("a:\n    b: 1\n", ("a",), Layout(step=4, offset=4)),
        ("a:\n    b:\n    - 1\n", ("a",), Layout(step=4, offset=0)),
        ("a:\n  b: {c: 1}\n", ("a",), Layout(step=2, offset=2)),
        # The nearest counts.
        ("a:\n  b:\n      c:\n       - 1\nd:\n    - 2\n", ("a", "b"), Layout(step=4, offset=1)),
        # A list in brackets says nothing, one elsewhere in the file does.
        ("a:\n  b: [1]\nd:\n- 2\n", ("a",), Layout(step=2, offset=0)),
    ],
)
def test_the_layout_is_that_of_the_nearest_text(
    text: str, path: tuple[str, ...], layout: Layout
) -> None:
    route = way(text, *path)
    assert layout_near(text, route.containers) == layout


@pytest.mark.parametrize(
    ("value", "ways"),
    [
        (1, ["1"]),
        ("no", ['"no"']),
        ({"a": [1, {"b": 2}]}, ["\n    a:\n    - 1\n    - b: 2", "{a: [1, {b: 2}]}"]),
        ([1], ["\n- 1", "[1]"]),
        ([[1, 2]], ["\n- - 1\n  - 2", "[[1, 2]]"]),
        ({}, ["{}"]),
        ([], ["[]"]),
        ({"a": None, "b": {}}, ["\n    a: null\n    b: {}", "{a: null, b: {}}"]),
        ("x\ny\n", ["|\n    x\n    y", '"x\\ny\\n"']),
        ("x\n\ny", ["|-\n    x\n\n    y", '"x\\n\\ny"']),
    ],
)
def test_below_a_key_lines_come_first(value: Any, ways: list[str]) -> None:
    assert [text_of(one) for one in below_key(value, 0, WIDE)] == ways


def test_lines_below_a_key_may_have_a_column_of_their_own() -> None:
    assert text_of(next(below_key({"a": 1}, 2, WIDE, inner=3))) == "\n   a: 1"


@pytest.mark.parametrize(
    ("value", "ways"),
    [
        ({"a": 1, "b": [2]}, ["a: 1\n   b:\n   - 2", "{a: 1, b: [2]}"]),
        ([1, 2], ["- 1\n   - 2", "[1, 2]"]),
        ("x\ny\n", ["|\n   x\n   y", '"x\\ny\\n"']),
        (None, ["null"]),
    ],
)
def test_behind_a_dash_the_first_line_stands_beside_it(value: Any, ways: list[str]) -> None:
    assert [text_of(one) for one in behind_dash(value, 3, WIDE)] == ways


@pytest.mark.parametrize("value", [" x\n", "x \n", "x\n\n", "\nx", "a\tb\n", "x\u2028\ny\n", "\n"])
def test_text_that_lines_would_change_is_quoted(value: str) -> None:
    (one,) = below_key(value, 0, WIDE)
    assert one.head.startswith('"')


@pytest.mark.parametrize("value", [{"a": [{"b": "x\ny"}, []]}, [["x", {"y": None}]], "a\nb\n"])
def test_every_way_means_the_value(value: Any) -> None:
    for one in below_key(value, 0, WIDE):
        assert parse(f"k: {text_of(one)}\n", "c").data == {"k": value}
    for one in behind_dash(value, 4, WIDE):
        assert parse(f"k:\n  - {text_of(one)}\n", "c").data == {"k": [value]}
