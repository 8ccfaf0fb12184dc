from typing import Any

import pytest

from agentbox_cli.config.document import Path
from agentbox_cli.config.editing import replacement
from tests.config.editing.routes import results, way


@pytest.mark.parametrize(
    ("text", "path", "value", "ways"),
    [
        ("a: 1  # c\n", ("a",), 22, ["a: 22 # c\n"]),
        ("a: 'x'\n", ("a",), "it's", ["a: 'it''s'\n", "a: it's\n"]),
        ("a:\n", ("a",), 1, ["a: 1\n"]),
        ("a: x\n", ("a",), "p\nq\n", ["a: |\n  p\n  q\n", 'a: "p\\nq\\n"\n']),
        ("a: |  # c\n  x\n  y\n\nb: 1\n", ("a",), "z", ["a: z  # c\n\nb: 1\n"]),
        ("a:\n  x # c\n", ("a",), "z", ["a:\n  z # c\n"]),
        ("a:\n  x # c\n", ("a",), [1], ["a:\n  # c\n  - 1\n", "a:\n  [1] # c\n"]),
        ("a:  # c\n  # of b\n  b: 1\n # deep\n", ("a",), 5, ["a: 5 # c\n # deep\n"]),
        ("a:\n    b: 1\n", ("a",), [1], ["a:\n    - 1\n", "a: [1]\n"]),
        ("a:\n- 1\n", ("a",), {"k": 1}, ["a:\n  k: 1\n", "a: {k: 1}\n"]),
        ("a:\n   b: 1\n", ("a",), {"k": 1}, ["a:\n   k: 1\n", "a: {k: 1}\n"]),
        ("a: {b: 1}  # c\n", ("a",), {"d": 2}, ["a: {d: 2}  # c\n"]),
        (
            "a:\n  - x # c\n",
            ("a", 0),
            {"k": 1, "l": 2},
            ["a:\n  - k: 1 # c\n    l: 2\n", "a:\n  - {k: 1, l: 2} # c\n"],
        ),
        ("a:\n  - k: 1\n    l: 2 # c\n  - z\n", ("a", 0), "s", ["a:\n  - s\n  - z\n"]),
        ("a:\n  -\n    b: 1\n", ("a", 0), {"c": 1}, ["a:\n  -\n    c: 1\n"]),
        ("a: 1\r\n", ("a",), [1, 2], ["a:\r\n  - 1\r\n  - 2\r\n", "a: [1, 2]\r\n"]),
    ],
)
def test_a_value_gives_way_to_another(text: str, path: Path, value: Any, ways: list[str]) -> None:
    route = way(text, *path)
    assert results(route, replacement.replaced(route, value))[: len(ways)] == ways


def test_a_key_without_a_colon_takes_no_value() -> None:
    route = way("? a\n", "a")
    assert results(route, replacement.replaced(route, 1)) == []
