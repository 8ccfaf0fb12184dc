from collections.abc import Hashable
from typing import Any

import pytest

from agentbox_cli.config.document import Path
from agentbox_cli.config.editing import proof
from agentbox_cli.config.editing.refusal import EditRefusedError
from agentbox_cli.config.editing.splices import Edit, Splice
from agentbox_cli.config.grow import grow
from tests.config.editing.routes import way

TEXT = "a: 1\nb:\n  c: 2\n  d: 3\ne: [4]\n"
DATA: dict[Hashable, Any] = {"a": 1, "b": {"c": 2, "d": 3}, "e": [4]}


def instead(text: str, old: str, new: str) -> Edit:
    start = text.index(old)
    return (Splice(start, start + len(old), new),)


def test_the_first_edit_that_means_what_is_wanted_is_taken() -> None:
    route = way(TEXT, "b", "c")
    wanted = {**DATA, "b": {"c": 9, "d": 3}}
    wrong, right = instead(TEXT, "c: 2", "c: 8"), instead(TEXT, "c: 2", "c: 9")
    later = instead(TEXT, "c: 2", "c: 9 # too late")
    assert proof.first_proven(route, [wrong, right, later], wanted) == TEXT.replace("c: 2", "c: 9")


@pytest.mark.parametrize(
    "edit",
    [
        instead(TEXT, "c: 2", "c: '9'"),  # text, no number
        instead(TEXT, "c: 2", "c: 9.0"),
        instead(TEXT, "c: 2", "c: 9\n  x: 1"),
        instead(TEXT, "c: 2\n", "c: 9\n "),  # what comes next does not fit
        instead(TEXT, "c: 2\n  d: 3", "d: 3\n  c: 9"),  # another order
        instead(TEXT, "c: 2", "c: [9"),
        instead(TEXT, "  c: 2", "c: 9"),
        (*instead(TEXT, "c: 2", "c: 9"), *instead(TEXT, "a: 1", "a: 2")),
        (*instead(TEXT, "c: 2", "c: 9"), *instead(TEXT, "[4]", "[5]")),
        (*instead(TEXT, "c: 2", "c: 9"), *instead(TEXT, "a: 1\n", "")),
    ],
)
def test_an_edit_that_means_anything_else_is_not(edit: Edit) -> None:
    route = way(TEXT, "b", "c")
    with pytest.raises(EditRefusedError, match="without touching something else"):
        proof.first_proven(route, [edit], {**DATA, "b": {"c": 9, "d": 3}})


@pytest.mark.parametrize(
    ("text", "path", "edit", "wanted"),
    [
        # What refers to other places is read with them.
        (
            "x: &x {k: 1}\na:\n  <<: *x\n  b: 1\n",
            ("a", "b"),
            ("b: 1", "b: 2"),
            {"x": {"k": 1}, "a": {"k": 1, "b": 2}},
        ),
        ("x: &x 1\na:\n  - *x\n  - 2\n", ("a", 1), ("- 2", "- 3"), {"x": 1, "a": [1, 3]}),
        # A text that takes in what stands below it.
        ("a: |+\n  x\n\nb: 1\n", ("b",), ("b: 1", "b: 2"), {"a": "x\n\n", "b": 2}),
        ("a:\n  - - 1\n    - 2\n", ("a", 0, 1), ("- 2", "- 3"), {"a": [[1, 3]]}),
        ("a: [1,\n  2]\n", ("a", 1), ("2]", "3]"), {"a": [1, 3]}),
        ("a: .nan\nb: 1\n", ("b",), ("b: 1", "b: 2"), {"a": float("nan"), "b": 2}),
    ],
)
def test_odd_texts_are_proven_too(
    *, text: str, path: Path, edit: tuple[str, str], wanted: dict[Any, Any]
) -> None:
    route = way(text, *path)
    found = proof.first_proven(route, [instead(text, *edit)], wanted)
    assert found == text.replace(*edit)


def test_an_edit_of_a_long_file_is_proven_by_a_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"k{number}: {number}\n" for number in range(500))
    route = way(text, "k250")
    read: list[int] = []

    def counting(lines: str) -> Any:
        read.append(len(lines))
        return grow(lines)

    monkeypatch.setattr(proof, "grow", counting)
    wanted: dict[Hashable, Any] = {f"k{number}": number for number in range(500)}
    assert proof.first_proven(
        route, [instead(text, "k250: 250", "k250: 0")], {**wanted, "k250": 0}
    )
    assert 0 < sum(read) < 100
