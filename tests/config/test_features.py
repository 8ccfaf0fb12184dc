"""Every way to write YAML, edited at every place: nothing else may change."""

import copy
import re
from typing import Any

import pytest

from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.edit import EditRefusedError, delete, set_value
from agentbox_cli.config.editing.spans import dash
from agentbox_cli.config.tree import Sequence
from tests.config.features import FEATURES
from tests.config.sheets import Path, at, paths

# What refers to other places, or has another type than YAML would give it, is not edited itself.
REFUSED: dict[str, set[Path]] = {
    "a key without a value": {("a",)},
    "an anchor": {("a",)},
    "an alias": {("a",), ("b",)},
    "an alias of a section": {("a",), ("a", "k"), ("b",), ("b", "k")},
    "an anchor on a section in lines": {("a",)},
    "a merge": {("a",), ("a", "k"), ("b", "k")},
    "a merge of two": {("a",), ("a", "k"), ("b",), ("b", "l"), ("c", "k"), ("c", "l")},
    "a tag": {("a",)},
    "a tag of others": {("a",)},
}
# But all of it may go that nothing refers to.
NOT_DELETED: dict[str, set[Path]] = {
    **REFUSED,
    "an anchor": set(),
    "an alias": {("a",)},
    "an alias of a section": {("a",), ("a", "k"), ("b", "k")},
    "an anchor on a section in lines": set(),
    "a tag": set(),
    "a tag of others": set(),
    "a key of others twice": {("a",)},  # the other one would stay
}
every_feature = pytest.mark.parametrize("name", FEATURES)


def typed(path: Path) -> Path:
    return tuple(part if type(part) is int else str(part) for part in path)


def lines(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text.removeprefix("\ufeff"))


def own_lines(document: Document, path: Path) -> set[int]:
    """The numbers of the lines, from 0, from the key or dash of a value to its end."""
    place, parent = document.find(path), document.node_at(path[:-1])
    start = (place.key or place.node).start
    if isinstance(parent, Sequence) and not parent.flow and isinstance(path[-1], int):
        start = dash(document.text, parent, path[-1])
    return {*range(document.position(start)[0] - 1, document.position(place.node.end)[0])}


def is_beside_a_dash(document: Document, number: int) -> bool:
    return lines(document.text)[number].lstrip().startswith("- ")


def with_comments(document: Document, path: Path) -> set[int]:
    """The lines of a value, comments directly above them and deeper ones below."""
    own, text = own_lines(document, path), lines(document.text)
    above, below = min(own) - 1, max(own) + 1
    while above >= 0 and text[above].lstrip().startswith("#"):
        own.add(above)
        above -= 1
    while below < len(text) and re.match(r"\s+#", text[below]):
        own.add(below)
        below += 1
    return own


def check(before: Document, after: str, wanted: Any, free: set[int]) -> None:
    """The data is as wanted, and only lines that are free to change did."""
    document = parse(after, "c")
    assert not document.faults
    assert repr(document.data) == repr(wanted)
    stays = [line for number, line in enumerate(lines(before.text)) if number not in free]
    found = iter(lines(after))
    ends = "\r\n"  # the last line may lose its end, or get one
    missing = [
        line for line in stays if not any(line.strip(ends) == one.strip(ends) for one in found)
    ]
    assert missing == []


def test_there_are_many_and_each_is_another() -> None:
    assert len(FEATURES) >= 69
    assert len(set(FEATURES.values())) == len(FEATURES)


@every_feature
def test_it_is_read_and_an_edit_that_changes_nothing_gives_it_back(name: str) -> None:
    document = parse(FEATURES[name], "c")
    assert document.faults == ()
    for path in paths(document.data):
        if path not in REFUSED.get(name, ()):
            value = document.node_at(typed(path)).data
            assert set_value(document, typed(path), value) == document.text


@every_feature
def test_a_new_key_comes_and_goes(name: str) -> None:
    document = parse(FEATURES[name], "c")
    root = set(range(len(lines(document.text)))) if document.root.flow else set()
    after = set_value(document, ("new",), "yes")
    check(document, after, {**document.data, "new": "yes"}, root)
    gone = delete(parse(after, "c"), ("new",))
    check(document, gone, document.data, root)


@every_feature
def test_a_value_is_set_and_nothing_else_changes(name: str) -> None:
    document = parse(FEATURES[name], "c")
    for path in set(paths(document.data)) - REFUSED.get(name, set()):
        wanted = copy.deepcopy(document.data)
        at(wanted, path[:-1])[path[-1]] = "set"
        after = set_value(document, typed(path), "set")
        check(document, after, wanted, own_lines(document, typed(path)))


@every_feature
def test_a_value_is_deleted_and_nothing_else_changes(name: str) -> None:
    document = parse(FEATURES[name], "c")
    for path in set(paths(document.data)) - NOT_DELETED.get(name, set()):
        wanted = copy.deepcopy(document.data)
        del at(wanted, path[:-1])[path[-1]]
        after = delete(document, typed(path))
        check(document, after, wanted, lines_that_may_go(document, path, wanted))


def lines_that_may_go(document: Document, path: Path, wanted: Any) -> set[int]:
    own, free = own_lines(document, typed(path)), with_comments(document, typed(path))
    if is_beside_a_dash(document, min(own)):
        free.add(max(own) + 1)  # what comes next moves up to the dash
    if path[1:] and not at(wanted, path[:-1]):
        free.add(min(own_lines(document, typed(path[:-1]))))
    return free


@pytest.mark.parametrize("name", NOT_DELETED)
def test_what_is_refused_says_why(name: str) -> None:
    document = parse(FEATURES[name], "c")
    for path in REFUSED.get(name, ()):
        with pytest.raises(EditRefusedError, match=rf"^c:\d+:\d+: {path[0]}.*: "):
            set_value(document, typed(path), "set")
    for path in NOT_DELETED[name]:
        with pytest.raises(EditRefusedError, match=rf"^c:\d+:\d+: {path[0]}.*: "):
            delete(document, typed(path))
