"""One example for each thing that an edit must leave alone, and for each that it refuses."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped] # it comes with LiteLLM, and without types

from agentbox_cli.config.document import parse
from agentbox_cli.config.edit import (
    EditRefusedError,
    delete,
    insert_item,
    move_item,
    rename_key,
    set_value,
)
from agentbox_cli.config.grow import grow
from agentbox_cli.errors import ConfigError

MODELS = """\
models:  # chains
  # The default
  default:
    - provider: openai  # first
      model: gpt-4o
    # then the free one
    - provider: gwdg
      model: llama
      # as of today

  # Fast
  fast:
    - provider: openai
      model: mini
# Router
router:
  timeout: 90   # seconds
"""
LINK = {"provider": "x", "model": "m"}


def put(text: str, *path: str | int, value: Any) -> str:
    return set_value(parse(text, "config.yml"), path, value)


def drop(text: str, *path: str | int) -> str:
    return delete(parse(text, "config.yml"), path)


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines between what both texts begin and end with."""
    old, new = before.split("\n"), after.split("\n")
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return old, new


# What is set


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("a: 1\n", 2, "a: 2\n"),
        ("a: 1      # note\n", 12345, "a: 12345  # note\n"),
        ("a: 1 # note\n", 12345, "a: 12345 # note\n"),
        ("a: 1234 # note\n", 5, "a: 5    # note\n"),
        ("a: 'x'\n", "it's", "a: 'it''s'\n"),
        ('a: "x"\n', "y", 'a: "y"\n'),
        ('a: "4000"\n', 4000, "a: 4000\n"),
        ("a: x\n", "yes", 'a: "yes"\n'),
        ("a:\n", 1, "a: 1\n"),
        ("a:   # note\n", 1, "a: 1 # note\n"),
        ("a:\n  x\n", "z", "a:\n  z\n"),
        ("a: x\n  y # note\n", "z", "a: z # note\n"),
        ("a: |  # note\n  x\n  y\n\nb: 1\n", "z", "a: z  # note\n\nb: 1\n"),
        ("a: x # note\n", "y\nz\n", "a: | # note\n  y\n  z\n"),
        ("a: x", "y\nz\n", 'a: "y\\nz\\n"'),
        ("a: |\n  x\n", "y\nz", "a: |-\n  y\n  z\n"),
        ("a: 1  # note\n", [1, {"b": 2}], "a:    # note\n  - 1\n  - b: 2\n"),
        ("a:\n  b: 1\n  # deeper\nc: 1\n", 5, "a: 5\n  # deeper\nc: 1\n"),
        ("a:  # note\n  # of b\n  b: 1\n", "", 'a: "" # note\n'),
        (
            "a:\n    b:\n        - 1\n",
            {"c": {"d": [2]}},
            "a:\n    c:\n        d:\n            - 2\n",
        ),
        ("a:\n- 1\n- 2\n", ["x"], "a:\n- x\n"),
        ("a: [1, 2]\n", ["x", "y, z"], 'a: [x, "y, z"]\n'),
        ("a: {b: 1}  # note\n", {"c": "${X}"}, 'a: {c: "${X}"} # note\n'),
        ("a: []\n", ["x"], "a:\n  - x\n"),
        ("a:\n  b: 1\n", {}, "a: {}\n"),
        ("a: 1\r\nb: 2\r\n", [1], "a:\r\n  - 1\r\nb: 2\r\n"),
        ("\ufeffa: 1", 2, "\ufeffa: 2"),
        ("? a\n: 1\n", 2, "? a\n: 2\n"),
        ("? a\nb: 1\n", None, "? a\nb: 1\n"),
    ],
)
def test_a_value_is_replaced_in_its_place(text: str, value: Any, after: str) -> None:
    assert put(text, "a", value=value) == after
    assert put(after, "a", value=value) == after


def test_a_comment_keeps_its_column_behind_a_value_in_brackets() -> None:
    text = "a: {b: 1, c: [x, y]}  # note\n"
    assert put(text, "a", "b", value=1000) == "a: {b: 1000, c: [x, y]} # note\n"
    assert put(text, "a", "c", 1, value="yy") == "a: {b: 1, c: [x, yy]} # note\n"
    assert drop(text, "a", "b") == "a: {c: [x, y]}        # note\n"


def test_an_item_of_a_list_is_replaced_in_place() -> None:
    after = put(MODELS, "models", "default", 0, value=LINK)
    old, new = changed_lines(MODELS, after)
    assert old == ["    - provider: openai  # first", "      model: gpt-4o"]
    assert new == ["    - provider: x", "      model: m"]
    assert "    - free\n" in put(MODELS, "models", "fast", 0, value="free")


def test_the_first_key_of_an_item_can_be_set_renamed_and_deleted() -> None:
    path = ("models", "default", 0, "provider")
    assert "    - provider: x       # first\n" in put(MODELS, *path, value="x")
    assert "    - p: openai         # first\n" in rename_key(parse(MODELS, "c"), path, "p")
    old, new = changed_lines(MODELS, drop(MODELS, *path))
    assert (len(old), new) == (2, ["    - model: gpt-4o"])


def test_missing_sections_are_made() -> None:
    after = put(MODELS, "litellm", "models", "a", 0, "model", value="m")
    assert after == MODELS + "litellm:\n  models:\n    a:\n      - model: m\n"
    assert put("a:\n  b: ~\n", "a", "b", "c", value=1) == "a:\n  b:\n    c: 1\n"


def test_a_new_key_stands_behind_the_last_and_before_the_next_heading() -> None:
    after = put(MODELS, "models", "code", value=[LINK])
    assert after == MODELS.replace(
        "# Router",
        "\n  code:\n    - provider: x\n      model: m\n# Router",
    )


def test_a_new_item_stands_behind_the_comments_of_the_last() -> None:
    after = put(MODELS, "models", "default", 2, value=LINK)
    assert after == MODELS.replace(
        "      # as of today\n", "      # as of today\n    - provider: x\n      model: m\n"
    )
    assert insert_item(parse(MODELS, "c"), ("models", "default"), 2, LINK) == after


def test_an_item_is_inserted_above_the_heading_of_the_one_it_pushes_down() -> None:
    after = insert_item(parse(MODELS, "c"), ("models", "default"), 1, LINK)
    assert after == MODELS.replace("    # then", "    - provider: x\n      model: m\n    # then")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "litellm:\n  port: 1\n"),
        ("\ufeff", "\ufefflitellm:\n  port: 1\n"),
        ("# only a comment\n", "# only a comment\n\nlitellm:\n  port: 1\n"),
        ("# without an end", "# without an end\n\nlitellm:\n  port: 1"),
        ("# a\r\n", "# a\r\n\r\nlitellm:\r\n  port: 1\r\n"),
        ("---\n", "---\nlitellm:\n  port: 1\n"),
        ("{}\n", "litellm:\n  port: 1\n"),
        ("{a: 1}\n", "{a: 1, litellm: {port: 1}}\n"),
        ("litellm:\n", "litellm:\n  port: 1\n"),
        ("litellm: {}  # ours\n", "litellm:     # ours\n  port: 1\n"),
        ("litellm:\n  # port: 2\n", "litellm:\n  port: 1\n  # port: 2\n"),
        ("a: 1\n...\n", "a: 1\nlitellm:\n  port: 1\n...\n"),
        ("a: 1", "a: 1\nlitellm:\n  port: 1"),
        (
            "a: 1\n\nlitellm:\n  a: 1\n\n  b: |+\n    x\n\n",
            "a: 1\n\nlitellm:\n  a: 1\n\n  b: |+\n    x\n\n  port: 1\n",
        ),
        ("litellm:\n    a: 1\n\n    b: 1\n", "litellm:\n    a: 1\n\n    b: 1\n\n    port: 1\n"),
    ],
)
def test_a_setting_finds_its_place_in_any_file(text: str, after: str) -> None:
    assert put(text, "litellm", "port", value=1) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: [1, 2]\n", "a: [1, 2, x]\n"),
        ("a: [1, 2,]\n", "a: [1, 2, x,]\n"),
        ("a: [\n  1,\n  2  # two\n]\n", "a: [\n  1,\n  2,  # two\n  x\n]\n"),
        ("a: [\n  1,\n  2,  # two\n]\n", "a: [\n  1,\n  2,  # two\n  x,\n]\n"),
        ("a:\n- 1\n- 2\n# b\nb: 1\n", "a:\n- 1\n- 2\n- x\n# b\nb: 1\n"),
        ("a:\n  -   1\n  -   2", "a:\n  -   1\n  -   2\n  -   x"),
        ("a:\n  - |+\n    1\n\n  - 2\n", "a:\n  - |+\n    1\n\n  - 2\n  - x\n"),
        ("a:\n  - 1\n  -\nb: 1\n", "a:\n  - 1\n  -\n  - x\nb: 1\n"),
    ],
)
def test_a_list_keeps_its_style_when_it_grows(text: str, after: str) -> None:
    assert put(text, "a", 2, value="x") == after


def test_links_in_braces_get_company_in_braces() -> None:
    text = "a:\n  - {provider: x, model: y1}\n"
    assert put(text, "a", 1, value=LINK) == text + "  - {provider: x, model: m}\n"


def test_json_stays_json() -> None:
    text = '{\n  "a": {"b": 1},\n  "c": ["x"]\n}\n'
    for path, value in ((("a", "n"), "yes"), (("c", 1), {"k": [1e-06]}), (("d",), [None, "v"])):
        text = put(text, *path, value=value)
    assert text == (
        '{\n  "a": {"b": 1, "n": "yes"},\n  "c": ["x", {"k": [1.0e-06]}],\n  "d": [null, "v"]\n}\n'
    )
    assert json.loads(text)["c"][1] == {"k": [1e-06]}


# What is deleted


def test_a_deleted_key_takes_its_own_comments_and_no_others() -> None:
    start, end = MODELS.index("  # The default"), MODELS.index("\n  # Fast")
    assert drop(MODELS, "models", "default") == MODELS[:start] + MODELS[end:]
    start, end = MODELS.index("  # Fast"), MODELS.index("# Router")
    assert drop(MODELS, "models", "fast") == MODELS[:start] + MODELS[end:]
    start = MODELS.index("# Router")
    assert drop(MODELS, "router") == MODELS[:start]


@pytest.mark.parametrize(
    ("text", "path", "after"),
    [
        ("a:\n  b: 1\n", ("a", "b"), "a: {}\n"),
        ("a:      # note\n  # of b\n  b: 1\nc: 1\n", ("a", "b"), "a: {}   # note\nc: 1\n"),
        ("a:\n- 1\n", ("a", 0), "a: []\n"),
        ("a:\n  - b: 1\n", ("a", 0, "b"), "a:\n  - {}\n"),
        ("a: {b: 1}\n", ("a", "b"), "a: {}\n"),
        ("a: [ 1 ]\n", ("a", 0), "a: []\n"),
        ("# mine\n\na: 1\n", ("a",), "# mine\n\n{}\n"),
        ("a: 1\nb: 2", ("b",), "a: 1"),
        ("a: [1, 2, 3]\n", ("a", 1), "a: [1, 3]\n"),
        ("a: [1, 2, 3]\n", ("a", 2), "a: [1, 2]\n"),
        ("a: [\n  # one\n  1,\n  2\n]\n", ("a", 0), "a: [\n  2\n]\n"),
        ("a: |+\n  x\n\n# b\nb: 1\n\nc: 1\n", ("b",), "a: |+\n  x\n\nc: 1\n"),
        ("- - 1\n", (), None),
        ("a:\n  - - 1\n    # two\n    - 2\n", ("a", 0, 0), "a:\n  - # two\n    - 2\n"),
        ("a: &x 1\nb: 2\n", ("a",), "b: 2\n"),
        ("a: &x 1\nb: *x\n", ("b",), "a: &x 1\n"),
    ],
)
def test_what_is_deleted_leaves_a_valid_rest(
    text: str, path: tuple[str | int, ...], after: str | None
) -> None:
    if after is None:
        with pytest.raises(EditRefusedError):
            drop(text, *path)
    else:
        assert drop(text, *path) == after


def test_what_is_not_there_is_not_deleted() -> None:
    assert drop(MODELS, "models", "slow", 0) == MODELS


# What is moved and renamed


def test_a_moved_item_takes_its_comments_along() -> None:
    after = move_item(parse(MODELS, "c"), ("models", "default"), 1, 0)
    first = "    - provider: openai  # first\n      model: gpt-4o\n"
    start = MODELS.index("    # then")
    second = MODELS[start : MODELS.index("\n  # Fast")]
    assert after == MODELS.replace(first + second, second + first)
    assert move_item(parse(after, "c"), ("models", "default"), 0, 1) == MODELS


def test_a_renamed_key_keeps_its_place_quotes_and_comment() -> None:
    text = "'a': 1  # note\nb: 2\n"
    assert rename_key(parse(text, "c"), ("a",), "long") == "'long': 1 # note\nb: 2\n"
    assert rename_key(parse(text, "c"), ("b",), "no") == "'a': 1  # note\n\"no\": 2\n"
    with pytest.raises(EditRefusedError, match="beside it already"):
        rename_key(parse(text, "c"), ("a",), "b")


# What is refused

SHARED = "a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  own: 1\n"


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        (SHARED, ("a", "k"), "share the anchored value"),
        (SHARED, ("a",), "carries an anchor"),
        (SHARED, ("b",), r"is an alias \(\*x\)"),
        (SHARED, ("b", "k"), r"an alias \(\*x\) of what stands in line 1"),
        (SHARED, ("c", "k"), "by a merge"),
        ("a: !!str 1\n", ("a",), "carries a tag"),
        ("a: 1\n", ("a", "b"), "nothing can stand below"),
        ("a: [1]\n", ("a", "b"), "this is a list"),
        ("a: [1]\n", ("a", 5), "the list has 1"),
        ("a: {b: 1}\n", ("a", 0), "no item"),
        ("a: [1\n", ("a",), "not closed"),
        ("litellm:\n  a: 1\n  a: 2\n", ("litellm", "a"), "stands here twice"),
        ("a: 1\n---\nb: 1\n", ("a",), "only one document"),
        ("a: 1\n\tb: 1\n", ("a",), "tab"),
        ("a: 1\n", ("b", 3, "c"), "no item|no list"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused_with_its_reason(
    text: str, path: tuple[str | int, ...], reason: str
) -> None:
    with pytest.raises(EditRefusedError, match=reason) as caught:
        put(text, *path, value=2)
    assert isinstance(caught.value, ConfigError)
    assert "config.yml:" in caught.value.message
    assert caught.value.hint


def test_beside_anchors_and_merges_everything_can_be_edited() -> None:
    assert put(SHARED, "c", "own", value=2) == SHARED.replace("own: 1", "own: 2")
    assert put(SHARED, "d", value=2) == SHARED + "d: 2\n"
    assert put(SHARED, "c", "new", value=2) == SHARED + "  new: 2\n"


@pytest.mark.parametrize("value", [{1, 2}, object(), "\ud800", (1,)])
def test_what_is_no_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(EditRefusedError):
        put("a: 1\n", "a", value=value)


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EditRefusedError, match="nested deeper"):
        put("a: 1\n", "a", value=endless)


# Odd texts


@pytest.mark.parametrize(
    "text",
    [
        "a: 'x\u2028y\x85z'\nb: 2\n",
        "a: 1\r\nb: 2\nc: 3\r\n",
        'no: 1\n1x: 2\n"a: b": 3\n😀: 4\n',
        "a: 1\n\n\n# end\n",
        "a: 1.50e+3  # kept\nb: 1e-6\nc: 0x1F\nd: +1\ne: True\nf: ~\n",
        "long: " + "word " * 100 + "\nb: ${VAR}\n",
        "%YAML 1.2\n---\na: 1\n",
        "a: {\n  b: 1,\n\n  # c\n  c: [1,\n2]}\n",
        "one: >\n  folded\n  text\n\n\ntwo: |2\n    x\n",
    ],
)
def test_everything_else_stays_byte_for_byte(text: str) -> None:
    after = put(text, "new", value="yes")
    end = "\r\n" if text.endswith("\r\n") else "\n"
    line = f'new: "yes"{end}'
    assert after.replace(line, "", 1).rstrip("\n") == text.rstrip("\n")
    assert drop(after, "new").rstrip("\n") == text.rstrip("\n")


def test_the_other_reader_of_the_file_reads_what_was_set() -> None:
    for value in ("yes", "12:30", "0777", "1e-6", 1e-06, "null", "=", [1, {"no": "off"}]):
        after = put(MODELS, "router", "extra", value=value)
        assert yaml.safe_load(after)["router"]["extra"] == value


# Speed


def test_an_edit_parses_a_few_lines_of_a_long_file(seed: Path) -> None:
    chains = "".join(
        f"    a{number}:\n      - provider: openai\n        model: m{number}\n"
        for number in range(150)
    )
    text = seed.read_text().replace("\n  models:\n", f"\n  models:\n{chains}")
    document = parse(text, "config.yml")
    assert len(document.line_starts) > 500
    whole = min(_seconds(lambda: grow(text)) for _ in range(3))
    path = ("litellm", "models", "a70", 0, "model")
    edits = {
        "set": lambda: set_value(document, path, "x"),
        "new": lambda: set_value(document, ("litellm", "models", "new"), [LINK]),
        "delete": lambda: delete(document, path[:3]),
        "section": lambda: set_value(document, ("other", "key"), 1),
    }
    # As a share of parsing the whole: a ratio holds on any machine.
    shares = {name: min(_seconds(edit) for _ in range(5)) / whole for name, edit in edits.items()}
    assert max(shares.values()) < 0.25, shares


def _seconds(action: Any) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
