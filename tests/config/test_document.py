from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.grow import MAX_DEPTH, grow
from agentbox_cli.config.problems import locate, render
from agentbox_cli.config.tree import Alias, Mapping, Node, Scalar, Sequence
from agentbox_cli.config.validate import validate
from tests.config.texts import yaml_texts


def only_fault(text: str) -> tuple[str, tuple[int, int]]:
    document = parse(text, "config.yml")
    (fault,) = document.faults
    return fault.message, document.position(fault.start)


def slice_of(document: Document, path: tuple[str | int, ...]) -> str:
    node = document.node_at(path)
    return document.text[node.start : node.end]


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment\n", "\ufeff", "\ufeff# c\r\n", "---\n", "--- # c\n", "{}"]
)
def test_a_text_without_content_is_an_empty_document(text: str) -> None:
    document = parse(text, "config.yml")
    assert (document.data, document.faults) == ({}, ())


def test_the_same_text_is_not_read_twice() -> None:
    first = parse("a: 1\n", "one.yml")
    again = parse("a: 1\n", "two.yml")
    assert again.root is first.root
    assert (first.name, again.name) == ("one.yml", "two.yml")


def test_places_are_indexes_into_the_text_as_it_was_read() -> None:
    document = parse(
        "\ufeffa: 1 # c\r\n'b': [x,  \"y\"]\r\nc: |\r\n  z\r\nd:\r\n- e\r\n", "config.yml"
    )
    assert document.data == {"a": 1, "b": ["x", "y"], "c": "z\n", "d": ["e"]}
    assert slice_of(document, ("a",)) == "1"
    assert slice_of(document, ("b", 1)) == '"y"'
    assert slice_of(document, ("c",)) == "|\r\n  z\r\n"
    assert slice_of(document, ("d",)) == "- e"
    key = document.find(("b",)).key
    assert key is not None
    assert document.text[key.start : key.end] == "'b'"


def test_a_block_scalar_ends_before_the_indent_of_the_next_line() -> None:
    document = parse("r:\n  a: >\n    x\n\n  b: |+\n    y  \n\n", "config.yml")
    assert slice_of(document, ("r", "a")) == ">\n    x\n\n"
    assert slice_of(document, ("r", "b")) == "|+\n    y  \n\n"


@pytest.mark.parametrize(
    ("text", "path", "before"),
    [
        ("a: # c\nb: 1\n", ("a",), "a:"),
        ("a:\n\n  # c\nb: 1\n", ("a",), "a:"),
        ("{a: , b, c: 1}", ("a",), "{a:"),
        ("{a: , b, c: 1}", ("b",), "{a: , b"),
        ("- \n- x\n", (0,), "-"),
        ("? a\n# c\n:\nb: 1\n", ("a",), "? a\n# c\n:"),
        ("? a\n? b\n", ("a",), "? a\n"),
    ],
)
def test_an_empty_value_stands_right_behind_its_key(
    text: str, path: tuple[str | int, ...], before: str
) -> None:
    document = parse(f"r: {text}" if text.startswith("{") else text, "config.yml")
    if text.startswith("{"):
        path, before = ("r", *path), f"r: {before}"
    if text.startswith("-"):
        document = parse(f"r:\n{text}", "config.yml")
        path, before = ("r", *path), f"r:\n{before}"
    node = document.node_at(path)
    assert (node.start, node.end) == (len(before), len(before))


def test_a_missing_path_leads_to_the_nearest_node_above() -> None:
    document = parse("a:\n  b: [1]\n", "config.yml")
    assert document.find(("a", "b", 0)).exists
    place = document.find(("a", "b", 7, "c"))
    assert not place.exists
    assert place.node is document.node_at(("a", "b"))
    assert document.find(("a", "b", 0, "c")).node is document.node_at(("a", "b", 0))
    assert document.node_at(("x", "y")) is document.root


def test_an_alias_has_its_own_place_and_its_anchors_data() -> None:
    document = parse("base: &b\n  x: 1\nuse: *b\n", "config.yml")
    assert document.data["use"] == {"x": 1}
    assert isinstance(document.node_at(("use",)), Alias)
    assert slice_of(document, ("use",)) == "*b"
    assert document.node_at(("use", "x")) is document.node_at(("base", "x"))


def test_merges_are_followed_and_own_keys_win() -> None:
    text = "p: &p {a: 1, b: 1}\nq: &q {a: 2, c: 2}\nr:\n  <<: [*p, *q]\n  b: 3\ns:\n  <<: *p\n"
    document = parse(text, "config.yml")
    assert document.data["r"] == {"a": 1, "b": 3, "c": 2}
    assert document.data["s"] == {"a": 1, "b": 1}
    assert document.node_at(("r", "a")) is document.node_at(("p", "a"))
    assert not document.find(("r", "z")).exists


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert parse("'<<': {a: 1}\n<<: 5\n", "c").data == {"<<": 5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-01-02", "2026-01-02"),
        ("True", True),
        ("~", None),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!int 5", 5),
        ("!!int x", "x"),
        ("!!bool maybe", "maybe"),
        ("! 5", "5"),
        ("9" * 5000, "9" * 5000),
        ("0x_", "0x_"),
        ("=", "="),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    data = parse(f"a: {text}\n", "c").data["a"]
    assert (type(data), data) == (type(value), value)


def test_a_directive_for_yaml_1_1_is_honoured() -> None:
    assert parse("%YAML 1.1\n---\na: yes\n", "c").data == {"a": True}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("litellm:\n\tport: 1\n", (2, 1)),
        ("a: 1\t# c\n", (1, 5)),
        ("a: 'x\nb: 1\n", (1, 4)),
        ("a: b: c\n", (1, 5)),
        ("a: [1\nb: 2\n", (2, 2)),
        ("a: {b: 1\n", (2, 1)),
        ("a: 1\nb\nc: 2\n", (2, 1)),
        ("a:\n    b: 1\n  c: 2\n", (3, 3)),
        ("a: @x\n", (1, 4)),
        ("a: ]\n", (1, 4)),
        ("a: \x00\n", (1, 4)),
        ("a: 😀\nb: \x07\n", (2, 4)),
        ("\ufeffa: \x7f\n", (1, 4)),
        ("a: 1\n---\nb: 2\n", (2, 1)),
        ("a: 1\n...\nb: 2\n", (3, 1)),
        ("- a\n", (1, 1)),
        ("just text\n", (1, 1)),
        ("a: *nowhere\n", (1, 4)),
        ("a: &a [*a]\n", (1, 8)),
        ("%YAML 2.0\n---\na: 1\n", (1, 1)),
        ("%YAML 1.3\n---\na: 1\n", (1, 1)),
        ("%YAML x\n---\na: 1\n", (1, 7)),
        ("a: !e!f x\n", (1, 4)),
        ("litellm:\n  a: 1\n  a: 2\n", (3, 3)),
        ("litellm:\nx: 1\nlitellm:\n", (3, 1)),
        ("litellm:\n  a: !thing x\n", (2, 6)),
        ("litellm: !thing\n  a: 1\n", (1, 10)),
        ("litellm: !!set {a}\n", (1, 10)),
    ],
)
def test_broken_texts_are_faults_with_their_place(text: str, position: tuple[int, int]) -> None:
    assert only_fault(text)[1] == position


def test_the_first_of_two_keys_is_named() -> None:
    (fault,) = parse("litellm:\n  a: 1\n\n  'a': 2\n", "c").faults
    assert (fault.hint, fault.path) == (
        "keep one of them; the first is in line 2",
        ("litellm", "a"),
    )


def test_duplicate_keys_and_tags_of_other_sections_are_not_our_business() -> None:
    document = parse("paths:\n  a: !secret x\n  a: 2\nlitellm:\n  port: 1\n", "c")
    assert document.faults == ()
    assert document.data == {"paths": {"a": 2}, "litellm": {"port": 1}}


def test_many_duplicates_are_counted_no_further_than_helps() -> None:
    text = "litellm:\n" + "  a: 1\n" * 500
    assert len(parse(text, "c").faults) == 100


def test_equal_keys_of_different_type_are_no_duplicates() -> None:
    assert parse("litellm:\n  1: a\n  '1': b\n", "c").faults == ()


def test_keys_that_are_sections_are_named_by_their_text() -> None:
    document = parse("? [a, b]\n: 1\n? {c: d}\n: 2\n", "c")
    assert document.data == {"[...]": 1, "{...}": 2}


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 3000, "{a: " * 2000, "a: " + "[" * 101])
def test_deep_nesting_is_a_fault(text: str) -> None:
    assert only_fault(text)[0].startswith("this is nested deeper")


def test_the_deepest_nesting_allowed_is_read() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert parse(f"a: {deep}", "c").faults == ()


def test_a_billion_laughs_are_a_fault() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert only_fault("\n".join(lines))[0] == "aliases make this file too large to read"


def test_aliases_cannot_nest_what_text_may_not_nest() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert only_fault("\n".join(lines))[0] == "aliases make this file too large to read"


@pytest.mark.parametrize(
    ("text", "index", "position"),
    [
        ("a\r\nb", 3, (2, 1)),
        ("a\rb", 2, (2, 1)),
        ("a\n\nb", 3, (3, 1)),
        ("\ufeffab", 2, (1, 2)),
        ("\ufeffab", 0, (1, 1)),
        ("x\u2028y\x85z\n", 4, (1, 5)),
        ("😀x", 1, (1, 2)),
        ("a\n", 2, (2, 1)),
    ],
)
def test_positions_count_lines_as_editors_do(
    text: str, index: int, position: tuple[int, int]
) -> None:
    assert parse(text, "c").position(index) == position


def test_lines_come_without_line_ends_and_byte_order_mark() -> None:
    document = parse("\ufeffa: 1\r\nb: 2\rc: 3", "c")
    assert [document.line(n) for n in (1, 2, 3)] == ["a: 1", "b: 2", "c: 3"]


def test_the_repr_of_a_document_holds_no_data() -> None:
    document = parse("litellm: {providers: {x: {api_key: hunter22}}}", "c")
    assert "hunter22" not in repr(document)


@given(st.text())
@example("a: !!float 1_\n")
@example("%YAML 1.1\n---\na: 1e3\n")
@example("? - a\n  - b\n: {<<: [], <<: {}}\n")
@settings(max_examples=200, deadline=None)
def test_any_text_is_parsed_or_has_located_problems(text: str) -> None:
    assert_readable(text)


ODD = "ab:-[]{}\n\n  #'\"|>&*!%@?,\t\r\ufeff\x00<~1.漢😀\x85\u2028"


@given(st.text(alphabet=ODD, max_size=60), st.sampled_from(["", "litellm:\n  "]))
@settings(max_examples=200, deadline=None)
def test_any_pile_of_punctuation_is_parsed_or_has_located_problems(text: str, before: str) -> None:
    assert_readable(before + text)


def assert_readable(text: str) -> None:
    document = parse(text, "config.yml")
    _, issues = validate(document)
    problems = locate(document, issues)
    assert problems or "litellm" in document.data
    for problem in problems:
        assert 1 <= problem.line <= len(document.line_starts)
        assert 1 <= problem.column < problem.end_column
    assert "\x1b" not in render(problems, "config.yml")


@given(yaml_texts())
@settings(max_examples=200, deadline=None)
def test_the_text_of_a_node_parses_to_the_data_of_the_node(sample: tuple[str, Any]) -> None:
    text, data = sample
    document = parse(text, "config.yml")
    assert document.faults == ()
    assert repr(document.data) == repr(data)
    for node in walk(document.root):
        column = document.position(node.start)[1] - 1
        piece = text[node.start : node.end]
        again, faults = grow(" " * column + piece)
        assert faults == []
        assert repr(again.data if again else None) == repr(node.data)
        assert node.start == node.end or piece == piece.lstrip()


def walk(node: Node) -> list[Node]:
    if isinstance(node, Mapping):
        below = [each for entry in node.entries for each in (entry.key, entry.value)]
    else:
        below = list(node.items) if isinstance(node, Sequence) else []
    return [node, *(deeper for each in below for deeper in walk(each))]


def test_scalars_know_their_style() -> None:
    document = parse("a: x\nb: 'x'\nc: |\n  x\n", "c")
    styles = [node.style for key in "abc" if isinstance(node := document.node_at((key,)), Scalar)]
    assert styles == ["", "'", "|"]


def test_the_seed_config_is_read(seed: Path) -> None:
    assert parse(seed.read_text(), "c").data["litellm"]["port"] == 4000
