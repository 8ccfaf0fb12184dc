import pytest

from agentbox_cli.config.document import Path
from agentbox_cli.config.editing import removal
from agentbox_cli.config.tree import Mapping, Sequence
from tests.config.editing.routes import results, way


@pytest.mark.parametrize(
    ("text", "path", "first"),
    [
        ("# h\na: 1\n # deep\nb: 2\n", ("a",), "b: 2\n"),
        ("a: 1\n\n# h\nb: 2\n", ("a",), "\n# h\nb: 2\n"),
        ("a: 1\nb: 2", ("b",), "a: 1"),
        ("a:\n  - b: 1\n    c: 2\n", ("a", 0, "b"), "a:\n  - c: 2\n"),
        ("a:  # n\n  # of b\n  b: 1\nc: 2\n", ("a", "b"), "a: {} # n\nc: 2\n"),
        ("a: 1\n", ("a",), "{}\n"),
        ("a:\n  - - 1\n", ("a", 0, 0), "a:\n  - []\n"),
        ("a:\n  - b: 1\n", ("a", 0, "b"), "a:\n  - {}\n"),
        ("a: &x\n  b: 1\n", ("a", "b"), "a: &x {}\n"),
        ("? a\n:\n  b: 1\n", ("a", "b"), "? a\n: {}\n"),
    ],
)
def test_a_child_goes_with_its_comments(text: str, path: Path, first: str) -> None:
    route = way(text, *path)
    assert results(route, removal.without_child(route))[0] == first


def test_blank_lines_that_would_become_part_of_a_text_go_too() -> None:
    route = way("a: |+\n  x\n\nb: 1\n\nc: 1\n", "b")
    assert results(route, removal.without_child(route)) == [
        "a: |+\n  x\n\n\nc: 1\n",
        "a: |+\n  x\n\nc: 1\n",
    ]


@pytest.mark.parametrize(
    ("text", "path", "old", "new", "ways"),
    [
        (
            "a:\n  # one\n  - 1\n  - 2 # two\n",
            ("a",),
            0,
            1,
            ["a:\n  - 2 # two\n  # one\n  - 1\n", "a:\n  # one\n  - 2\n  - 1 # two\n"],
        ),
        ("a:\n  - 1\n  - 2", ("a",), 1, 0, ["a:\n  - 2\n  - 1", "a:\n  - 2\n  - 1"]),
        (
            "a:\n  - - 1\n    # two\n    - 2\n",
            ("a", 0),
            0,
            1,
            ["a:\n  - # two\n    - 2\n    - 1\n", "a:\n  - - 2\n    # two\n    - 1\n"],
        ),
    ],
)
def test_an_item_is_moved_with_its_comments_or_without(
    *, text: str, path: Path, old: int, new: int, ways: list[str]
) -> None:
    route = way(text, *path)
    assert isinstance(route.node, Sequence)
    assert results(route, removal.moved_item(route, route.node, old, new)) == ways


@pytest.mark.parametrize(
    ("text", "name", "first"),
    [
        ("a: 1   # c\n", "bbb", "bbb: 1 # c\n"),
        ("'a': 1\n", "it's", "'it''s': 1\n"),
        ("{a: 1}   # c\n", "b, c", '{"b, c": 1} # c\n'),
        ("&k a: 1\n", "b", "&k b: 1\n"),
        ("? a\n", "b", "? b\n"),
        # The comment that stays in its column is the one on the line of the key.
        ("a:    # c\n  b: 1 # d\n", "bbb", "bbb:  # c\n  b: 1 # d\n"),
        ("a:    # c\n  text\n", "bbb", "bbb:  # c\n  text\n"),
        ("a:    # c\n", "bbb", "bbb:  # c\n"),
        ("a: &x    # c\n  b: 1\n", "bbb", "bbb: &x  # c\n  b: 1\n"),
        ("a: |    # c\n  x\n", "bbb", "bbb: |  # c\n  x\n"),
        ("a: &x |    # c\n  x\n", "bbb", "bbb: &x |  # c\n  x\n"),
        ("a: x\n  y    # c\n", "bbb", "bbb: x\n  y    # c\n"),
    ],
)
def test_a_key_is_renamed_in_its_quotes(text: str, name: str, first: str) -> None:
    route = way(text, "a")
    section = route.steps[-1].parent
    assert isinstance(section, Mapping)
    assert results(route, removal.renamed_key(route, section, name))[0] == first
