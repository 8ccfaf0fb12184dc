import pytest

from agentbox_cli.config.document import Path, parse
from agentbox_cli.config.editing.spans import (
    Collection,
    behind_properties,
    block_header,
    child_start,
    children,
    colon_end,
    dash,
    has_properties,
    is_in_lines,
    marker_end,
    owned_end,
    owned_start,
    properties_end,
    value_stop,
)
from agentbox_cli.config.tree import Mapping, Scalar, Sequence


def collection(text: str, *path: str | int) -> Collection:
    node = parse(text, "c").node_at(path)
    assert isinstance(node, Mapping | Sequence)
    return node


def test_children_are_values_or_items() -> None:
    assert [one.data for one in children(collection("a: 1\nb: 2\n"))] == [1, 2]
    assert [one.data for one in children(collection("a: [3, 4]\n", "a"))] == [3, 4]


@pytest.mark.parametrize(
    ("value", "has", "rest"),
    [
        ("&x 1", True, "1"),
        ("!!str &x 1", True, "1"),
        ("&x\n  # c\n  1", True, "1"),
        ("&x {a: 1}", True, "{a: 1}"),
        ("1", False, "1"),
        ("'&x'", False, "'&x'"),
        ("", False, ""),
    ],
)
def test_anchors_and_tags_stand_before_a_value(value: str, has: bool, rest: str) -> None:
    text = f"k: {value}\n"
    node = parse(text, "c").node_at(("k",))
    assert has_properties(text, node) is has
    assert text[behind_properties(text, node) : node.end] == rest


def test_an_anchor_of_the_first_key_is_not_one_of_its_section() -> None:
    text = "a:\n  &k b: 1\nc: &s\n  d: 1\n"
    document = parse(text, "c")
    assert not has_properties(text, document.node_at(("a",)))
    assert has_properties(text, document.node_at(("c",)))


def test_the_words_of_a_property_end_before_the_line_does() -> None:
    text = "c: &s !!map # note\n  d: 1\n"
    node = parse(text, "c").node_at(("c",))
    assert text[node.start : properties_end(text, node)] == "&s !!map"
    plain = parse("c: 1\n", "c").node_at(("c",))
    assert properties_end("c: 1\n", plain) == plain.start


def test_a_colon_may_stand_on_another_line_or_nowhere() -> None:
    text = "? a\n# c\n: 1\n"
    key = parse(text, "c").find(("a",)).key
    assert key is not None
    assert colon_end(text, key) == text.index(":") + 1
    assert colon_end("? a\n", key) is None


def test_each_item_has_a_dash() -> None:
    text = "a:\n  - 1 # c - d\n  # - e\n  -\n"
    items = collection(text, "a")
    assert isinstance(items, Sequence)
    assert [dash(text, items, index) for index in (0, 1)] == [5, text.rindex("-")]


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("a: 1\n", (), "a: 1\n"),
        ("? a\n: 1\n", (), "? a\n: 1\n"),
        ("x:\n  - a\n", ("x",), "- a\n"),
        ("x: [a]\n", ("x",), "a]\n"),
    ],
)
def test_a_child_begins_at_its_key_or_dash(text: str, path: Path, found: str) -> None:
    assert text[child_start(text, collection(text, *path), 0) :] == found


@pytest.mark.parametrize(
    ("text", "path", "rest"),
    [
        ("a: 1\n", (), " 1\n"),
        ("a: &x 1\n", (), " 1\n"),
        ("x:\n  - a\n", ("x",), " a\n"),
        ("? a\n", (), None),
        ("x: [a]\n", ("x",), None),
    ],
)
def test_a_value_stands_behind_its_marker(text: str, path: Path, rest: str | None) -> None:
    end = marker_end(text, collection(text, *path), 0)
    assert (None if end is None else text[end:]) == rest


@pytest.mark.parametrize(
    ("text", "in_lines"),
    [("a:\n  b: 1\n", True), ("a: {b: 1}\n", False), ("a: []\n", False), ("a: x\n", False)],
)
def test_a_section_without_braces_is_in_lines(text: str, in_lines: bool) -> None:
    assert is_in_lines(parse(text, "c").node_at(("a",))) is in_lines


@pytest.mark.parametrize(
    ("value", "stop"),
    [
        ("1 # c\n", "1"),
        ("|\n  x\n\n", "|\n  x"),
        ("|+\n  x\n\n", "|+\n  x\n"),
        (">-\r\n  x\r\n", ">-\r\n  x"),
        ("\n  b:\n    - 1 # c\n# d\n", "\n  b:\n    - 1"),
        ("\n  b: [1,\n  2] # c\n", "\n  b: [1,\n  2]"),
    ],
)
def test_a_value_stops_on_its_last_line(value: str, stop: str) -> None:
    text = f"a: {value}"
    assert text[: value_stop(text, parse(text, "c").node_at(("a",)))] == f"a: {stop}"


def test_a_text_in_lines_has_a_header() -> None:
    text = "a: &x |2-\n    x\n"
    node = parse(text, "c").node_at(("a",))
    assert isinstance(node, Scalar)
    assert block_header(text, node) == "|2-"


OWNED = """\
# of nobody

# of a
# too
a: 1
  # of a, deeper

  # as well
 # hardly

# of nobody else

b:
  # of c
  c: 1 # note
 # of b
# of d
d: |
  # of the text
# of e
e: 1
"""


@pytest.mark.parametrize(
    ("index", "start", "end"),
    [
        (0, "# of a\n# too\na: 1", " # hardly"),
        (1, "b:\n  # of c", " # of b"),
        (2, "# of d\nd: |", "  # of the text"),
        (3, "# of e\ne: 1", "e: 1"),
    ],
)
def test_a_child_owns_comments_above_in_its_column_and_deeper_ones_below(
    index: int, start: str, end: str
) -> None:
    root = collection(OWNED)
    owned = OWNED[owned_start(OWNED, root, index) : owned_end(OWNED, root, index)]
    assert owned.startswith(start)
    assert owned.endswith(end)


def test_a_child_that_shares_its_line_owns_from_itself_on() -> None:
    text = "a:\n  # c\n  - b: 1\n    # d\n    c: 2\n"
    item = collection(text, "a", 0)
    assert text[owned_start(text, item, 0) :].startswith("b: 1")
    assert text[owned_start(text, item, 1) :].startswith("    # d\n    c")
