from typing import Any

import pytest

from agentbox_cli.config.document import Path
from agentbox_cli.config.editing import brackets
from agentbox_cli.config.tree import Mapping, Sequence
from tests.config.editing.routes import results, way


@pytest.mark.parametrize(
    ("text", "path", "value", "first"),
    [
        ("a: [1, {b: 2}]  # c\n", (1, "b"), 300, "a: [1, {b: 300}] # c\n"),
        ("a: {b: , c: x}\n", ("b",), "z", "a: {b: z , c: x}\n"),
        ("a: ['x']\n", (0,), "z", "a: ['z']\n"),
        ("a: [x]\n", (0,), {"k": [1]}, "a: [{k: [1]}]\n"),
        ("a: [x]\n", (0,), "p, q", 'a: ["p, q"]\n'),
        ('a: ["x", 1]\n', (1,), {"k": ["v"]}, 'a: ["x", {"k": ["v"]}]\n'),
    ],
)
def test_a_value_is_replaced(text: str, path: Path, value: Any, first: str) -> None:
    route = way(text, "a", *path)
    assert results(route, brackets.replaced(route, value))[0] == first


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ('a: {"b": 1, "c": [true, "x"]}\n', '"'),
        ('a: ["x"]\n', '"'),
        ('a: {b: "x"}\n', ""),
        ("a: ['x']\n", ""),
        ("a: [1, null]\n", ""),
        ("a: []\n", ""),
    ],
)
def test_quotes_are_a_style_where_everything_has_them(text: str, style: str) -> None:
    node = way(text, "a").node
    assert isinstance(node, Mapping | Sequence)
    assert brackets.style_of(node) == style


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a: [1, [2, 3] , 4] # c\n", (1, 0), "a: [1, [2, 3] , 4]"),
        ("a: [1,\n 2] # c\n", (0,), "a: [1,"),
        ("a: [[1,\n 2], 3] # c\n", (0, 1), "a: [[1,\n 2], 3]"),
        ("a: [1, {b: 2}, # c\n 3]\n", (0,), "a: [1, {b: 2},"),
    ],
)
def test_the_last_value_of_a_line_is_found(text: str, path: Path, line: str) -> None:
    route = way(text, "a", *path)
    assert text[: brackets.last_on_line(route, route.node.end)] == line


@pytest.mark.parametrize(
    ("text", "index", "first"),
    [
        ("a: [1, 2]\n", 0, "a: [n, 1, 2]\n"),
        ("a: [1, 2]\n", 2, "a: [1, 2, n]\n"),
        ("a: [1, 2,]\n", 2, "a: [1, 2, n,]\n"),
        ("a: {x: 1}\n", 1, "a: {x: 1, n}\n"),
        ("a: {x: }\n", 1, "a: {x:, n }\n"),
        ("a: [\n  # one\n  1,\n  2\n]\n", 0, "a: [\n  n,\n  # one\n  1,\n  2\n]\n"),
        ("a: [\n  1,\n  2 # two\n]\n", 2, "a: [\n  1,\n  2, # two\n  n\n]\n"),
        ("a: [\r\n  1,\r\n  2,\r\n]\r\n", 2, "a: [\r\n  1,\r\n  2,\r\n  n,\r\n]\r\n"),
    ],
)
def test_a_child_is_inserted_as_its_siblings_stand(text: str, index: int, first: str) -> None:
    route = way(text, "a")
    assert isinstance(route.node, Mapping | Sequence)
    assert results(route, brackets.child_at(route, route.node, index, "n"))[0] == first


@pytest.mark.parametrize(
    ("text", "path", "first"),
    [
        ("a: [1, 2, 3]\n", (1,), "a: [1, 3]\n"),
        ("a: [1, 2, 3]\n", (2,), "a: [1, 2]\n"),
        ("a: [1, 2,  3] # c\n", (0,), "a: [2,  3]    # c\n"),
        ("a: [1] # c\n", (0,), "a: []  # c\n"),
        ("a: &x {b: 1}\n", ("b",), "a: &x {}\n"),
        ("a: {b: , c: 1}\n", ("b",), "a: {c: 1}\n"),
        ("a: [\n  # one\n  1, # 1\n  2\n]\n", (0,), "a: [\n  2\n]\n"),
    ],
)
def test_a_child_goes_with_one_comma(text: str, path: Path, first: str) -> None:
    route = way(text, "a", *path)
    assert results(route, brackets.without_child(route))[0] == first


def test_a_moved_item_leaves_commas_and_blanks_where_they_are() -> None:
    route = way("a: [1 ,{b: 2},  'x']\n", "a")
    assert isinstance(route.node, Sequence)
    edits = brackets.moved_item(route, route.node, 0, 2)
    assert results(route, edits) == ["a: [{b: 2} ,'x',  1]\n"]


def test_as_a_last_resort_brackets_on_one_line_are_written_anew() -> None:
    route = way("a: [1, {b: 2}]  # c\n", "a", 1)
    wanted = {"a": [1, {"b": 30}]}
    assert results(route, brackets.rewritten(route, ("a", 1), wanted)) == [
        "a: [1, {b: 30}] # c\n",
        "a: [1, {b: 30}] # c\n",
    ]


@pytest.mark.parametrize("text", ["a: [1, # x\n 2]\n", "a: [1,\n 2]\n", "a:\n  - 1\n  - 2\n"])
def test_what_has_comments_or_lines_is_not_written_anew(text: str) -> None:
    route = way(text, "a")
    assert results(route, brackets.rewritten(route, ("a",), {"a": [1, 3]})) == []
