"""The tree of an edited text from a few of its lines; the property over generated edits stands
in `test_edit_properties`."""

import pytest

from agentbox_cli.config.editing import regrow
from agentbox_cli.config.editing.regrow import regrown
from agentbox_cli.config.grow import grow
from agentbox_cli.config.tree import Mapping

LINES = "".join(f"  k{number}: {{a: [1, 'x']}}  # note\n\n" for number in range(20))
TEXT = f"# head\nlitellm:\n{LINES}  last:\n    - p: 1\n      q:\n"


def read(text: str) -> Mapping:
    root, faults = grow(text)
    assert isinstance(root, Mapping)
    assert not faults
    return root


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k3: {a: [1, 'x']}", "k3: 7"),
        ("  k0:", "  first: 1\n  k0:"),
        ("  k1: {a: [1, 'x']}  # note\n", ""),
        ("  k9:", "  # why\n\n  k9:"),
        ("k19: {a: [1, 'x']}", "renamed:\n    b: 1\n    c: {}"),
        ("      q:\n", "      q: word\n"),
        ("      q:\n", "      q:\n    - p: 2\n"),
        ("      q:\n", "      q:\n  new:\n    - 1\n"),
        ("      q:\n", "      q:\nother: {x: 1}\n"),
        ("      q:\n", "      q:"),
    ],
)
def test_it_is_the_tree_of_the_whole_text(old: str, new: str) -> None:
    for end in ("\n", "\r\n"):
        before = TEXT.replace("\n", end)
        after = TEXT.replace(old, new, 1).replace("\n", end)
        assert before != after
        assert regrown(read(before), before, after) == read(after)


def test_a_byte_order_mark_stays_where_it_is() -> None:
    text = f"\ufeff{TEXT}"
    after = text.replace("k3: {a: [1, 'x']}", "k3: 7")
    assert regrown(read(text), text, after) == read(after)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k3:", "k4:"),  # stands twice then
        ("k3: {a: [1, 'x']}", "k3: !odd 7"),
        ("k3: {a: [1, 'x']}", "k3: &x 7"),
        ("k3: {a: [1, 'x']}", "k3: |\n    text"),
        ("k3: {a: [1, 'x']}", "k3: [1"),
        ("k3: {a: [1, 'x']}", "k3: 'open"),
        ("  k3:", " k3:"),
        ("  k3: {a: [1, 'x']}  # note\n", "---\n"),
        ("  k3: {a: [1, 'x']}", "  k3: \ufeff"),
        ("      q:\n", "      q:\n...\n"),
        ("      q:\n", "      q:\n- 1\n"),
    ],
)
def test_what_the_lines_alone_cannot_tell_is_left_to_a_whole_reading(old: str, new: str) -> None:
    assert regrown(read(TEXT), TEXT, TEXT.replace(old, new, 1)) is None


@pytest.mark.parametrize(
    "before",
    [
        f"---\n{TEXT}",
        f"%YAML 1.1\n---\n{TEXT}",
        f"{TEXT}...\n",
        f"{TEXT}other: &x 1\nmore: *x\n",
        f"{TEXT}twice: 1\ntwice: 2\n",
    ],
)
def test_a_text_that_says_something_of_its_other_lines_is_read_whole(before: str) -> None:
    after = before.replace("k3: {a: [1, 'x']}", "k3: 7")
    assert regrown(read(before), before, after) is None


def test_a_large_part_of_a_text_is_not_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a:\n  b: 1\n"
    monkeypatch.setattr(regrow, "grow", None)
    assert regrown(read(text), text, "a:\n  b: 2\n") is None
