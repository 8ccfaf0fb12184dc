from typing import Any

import pytest

from agentbox_cli.config.editing import insertion
from agentbox_cli.config.editing.block_text import Layout
from agentbox_cli.config.tree import Mapping, Sequence
from tests.config.editing.routes import results, way


@pytest.mark.parametrize(
    ("text", "value", "ways"),
    [
        ("a: 1\n", 2, ["a: 1\nnew: 2\n"]),
        ("a: 1", 2, ["a: 1\nnew: 2"]),
        ("a: 1\r\n", 2, ["a: 1\r\nnew: 2\r\n"]),
        ("a: 1\n\nb: 2\n", 3, ["a: 1\n\nb: 2\n\nnew: 3\n", "a: 1\n\nb: 2\nnew: 3\n"]),
        ("a: 1\n\nb: 2\nc: 3\n", 4, ["a: 1\n\nb: 2\nc: 3\nnew: 4\n"]),
        ("a: 1\n  # of a\n\n# x\n", 2, ["a: 1\n  # of a\nnew: 2\n\n# x\n"]),
        ("a: {x: 1}\n", {"z": 2}, ["a: {x: 1}\nnew: {z: 2}\n", "a: {x: 1}\nnew:\n  z: 2\n"]),
        ("a: 1\n", [2], ["a: 1\nnew:\n  - 2\n", "a: 1\nnew: [2]\n"]),
    ],
)
def test_a_key_is_added_behind_the_last(text: str, value: Any, ways: list[str]) -> None:
    route = way(text)
    assert isinstance(route.node, Mapping)
    found = results(route, insertion.key_behind(route, route.node, "new", value))
    assert found[: len(ways)] == ways


AIRY = "a:\n  - 1\n\n  - 2\n"


@pytest.mark.parametrize(
    ("text", "index", "value", "ways"),
    [
        ("a:\n  - 1\n  - 2\n", 0, 9, ["a:\n  - 9\n  - 1\n  - 2\n"]),
        ("a:\n  - 1\n  # two\n  - 2\n", 1, 9, ["a:\n  - 1\n  - 9\n  # two\n  - 2\n"]),
        ("a:\n- 1 # c\n  # d\nb: 1\n", 1, 9, ["a:\n- 1 # c\n  # d\n- 9\nb: 1\n"]),
        ("a:\n-   1\n", 1, {"x": 1}, ["a:\n-   1\n-   x: 1\n", "a:\n-   1\n-   {x: 1}\n"]),
        ("a:\n  - [1]\n", 1, [2], ["a:\n  - [1]\n  - [2]\n", "a:\n  - [1]\n  - - 2\n"]),
        ("a:\n  -\n  - 1\n", 2, 3, ["a:\n  -\n  - 1\n  - 3\n"]),
        # Blank lines between items are the style of the list.
        (AIRY, 0, 9, ["a:\n  - 9\n\n  - 1\n\n  - 2\n", "a:\n  - 9\n  - 1\n\n  - 2\n"]),
        (AIRY, 1, 9, ["a:\n  - 1\n\n  - 9\n\n  - 2\n", "a:\n  - 1\n\n  - 9\n  - 2\n"]),
        (AIRY, 2, 9, ["a:\n  - 1\n\n  - 2\n\n  - 9\n", "a:\n  - 1\n\n  - 2\n  - 9\n"]),
        ("a:\r\n- 1\r\n\r\n- 2\r\n", 2, 9, ["a:\r\n- 1\r\n\r\n- 2\r\n\r\n- 9\r\n"]),
        ("a:\n  - 1\n\n  - 2\n  - 3\n", 3, 9, ["a:\n  - 1\n\n  - 2\n  - 3\n  - 9\n"]),
    ],
)
def test_an_item_is_inserted(text: str, index: int, value: Any, ways: list[str]) -> None:
    route = way(text, "a")
    assert isinstance(route.node, Sequence)
    found = results(route, insertion.item_at(route, route.node, index, value))
    assert found[: len(ways)] == ways


def test_the_first_item_of_a_list_in_a_list_stands_beside_its_dash() -> None:
    route = way("a:\n  - - 1\n    - 2\n", "a", 0)
    assert isinstance(route.node, Sequence)
    found = results(route, insertion.item_at(route, route.node, 0, 9))
    assert found == ["a:\n  - - 9\n    - 1\n    - 2\n"]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a:\n- 1\n", (0, 2)),
        ("a:\n  -   x\n", (2, 6)),
        ("a:\n  -\n    x\n", (2, 4)),
        ("a:\n  -\n", (2, 4)),
    ],
)
def test_an_item_has_two_columns(text: str, columns: tuple[int, int]) -> None:
    items = way(text, "a").node
    assert isinstance(items, Sequence)
    assert insertion.inner_column(text, items, 0) == columns


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("", ["k:\n  - 1\n", "k: [1]\n"]),
        ("\ufeff", ["\ufeffk:\n  - 1\n", "\ufeffk: [1]\n"]),
        ("# c\n", ["# c\n\nk:\n  - 1\n", "# c\n\nk: [1]\n"]),
        ("# c", ["# c\n\nk:\n  - 1", "# c\n\nk: [1]"]),
        ("# c\u2028d\n", ["# c\u2028d\n\nk:\n  - 1\n", "# c\u2028d\n\nk: [1]\n"]),
        ("# c\n\n", ["# c\n\nk:\n  - 1\n", "# c\n\nk: [1]\n"]),
        ("\r\n", ["\r\nk:\r\n  - 1\r\n", "\r\nk: [1]\r\n"]),
        ("{} # c\n", ["k:\n  - 1 # c\n", "k: [1] # c\n"]),
        ("null\n", ["k:\n  - 1\n", "k: [1]\n"]),
    ],
)
def test_the_first_key_of_a_text_stands_below_its_comments(text: str, ways: list[str]) -> None:
    route = way(text)
    assert results(route, insertion.first_key(route, "k", [1])) == ways


def test_the_first_key_may_stand_above_an_end_marker() -> None:
    route = way("# c\n---\n...\n")
    assert "# c\n---\nk: 1\n...\n" in results(route, insertion.first_key(route, "k", 1))


def test_the_layout_is_measured_only_where_it_matters() -> None:
    route = way("a:\n    b: 1\n", "a")
    assert insertion.layout_of(route, 1) == Layout()
    assert insertion.layout_of(route, "x\ny") == Layout(step=4, offset=4)
    assert insertion.layout_of(route, {}) == Layout(step=4, offset=4)
