import copy
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agentbox_cli.config import document, edit
from agentbox_cli.config.document import Document, parse
from agentbox_cli.config.edit import (
    EditRefusedError,
    delete,
    insert_item,
    move_item,
    rename_key,
    set_value,
)
from agentbox_cli.config.editing import regrow
from agentbox_cli.config.grow import grow
from agentbox_cli.config.tree import Mapping
from tests.config.sheets import KEYS, Path, Sheet, at, new_values, paths, sheets

# Of each property. A long run by hand: AGENTBOX_EDIT_EXAMPLES=3400 (20 400 edits), --timeout 0.
EXAMPLES = int(os.environ.get("AGENTBOX_EDIT_EXAMPLES", "50"))
SHOW = bool(os.environ.get("AGENTBOX_EDIT_SHOW"))
EDITS: dict[str, Callable[..., str]] = {
    one.__name__: one for one in (set_value, delete, insert_item, move_item, rename_key)
}
tally: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _trees_are_made_anew_from_few_lines_in_short_texts_too() -> Iterator[None]:
    def counted(*arguments: Any) -> Any:
        found = regrow.regrown(*arguments)
        tally["read whole" if found is None else "read in part"] += 1
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regrow, "_WORTH", 0)
        patch.setattr(edit, "regrown", counted)
        yield


def many(function: Any) -> Any:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=quiet,
    )(function)


def edited(operation: str, sheet: Sheet, *arguments: Any) -> str | None:
    """The edited text; None if it was refused, in which case nothing was done."""
    document._grown.cache_clear()  # a text that was parsed before would hide how it is read now
    tally[operation] += 1
    before = parse(sheet.text, "config.yml")
    assert not before.faults, before.faults
    assert repr(before.data) == repr(sheet.data)
    try:
        return str(EDITS[operation](before, *arguments))
    except EditRefusedError as refusal:
        tally["refused " + operation] += 1
        if SHOW:
            sys.stderr.write(f"REFUSED {operation} {arguments} {sheet.text!r} {refusal}\n")
        return None


def check(
    sheet: Sheet,
    after: str,
    wanted: Any,
    free: set[int],
    *,
    exactly: bool = False,
    form: Callable[[str], str] = str,
) -> None:
    """The data is as wanted, and every line is as it was but those that are free to change.

    Args:
        sheet: the text before.
        after: the text afterwards.
        wanted: the data.
        free: the numbers of the lines that may change.
        exactly: whether nothing may be there but the lines that stay.
        form: what of a line is compared.
    """
    document = parse(after, "config.yml")
    root, faults = grow(after)
    assert not faults, (faults, sheet.text, after)
    assert root is None or document.root == root, (sheet.text, after)
    assert repr(document.data) == repr(wanted), (sheet.text, after)
    stays = [line for number, line in enumerate(split(sheet.text)) if number not in free]
    found = split(after)
    if exactly:
        is_open = bool(stays) and not sheet.text.endswith("\n") and not stays[-1].strip()
        assert len(found) == len(stays) - is_open, (sheet.text, after)
    rest = iter(found)
    if not sheet.text.endswith("\n"):
        while stays and not stays[-1].strip():
            stays.pop()  # a blank line without an end is none
    missing = [line for line in stays if not any(same(form(line), form(one)) for one in rest)]
    assert not missing, (missing, sheet.text, after)
    assert after.startswith("\ufeff") == sheet.text.startswith("\ufeff")


def own_paths(sheet: Sheet) -> list[Path]:
    """The paths of what is written for the edits; what stands elsewhere has anchors."""
    return [path for path in paths(sheet.data) if path[0] not in ("other", "copy", "merged")]


def split(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text.removeprefix("\ufeff"))


def same(first: str, second: str) -> bool:
    """Whether two lines are equal; a line without an end is the last one of its text."""
    if first.endswith("\n") and second.endswith("\n"):
        return first == second
    return first.rstrip("\r\n") == second.rstrip("\r\n")


def lines_of(sheet: Sheet, path: Path) -> set[int]:
    """The lines of a value; those of what contains it, where it has none of its own."""
    owners = [line.owner for line in sheet.lines]
    while True:
        found = {
            number
            for number, owner in enumerate(owners)
            if owner is not None and owner[: len(path)] == path
        }
        if any(is_content(sheet, number) for number in found):
            return set(range(min(found), max(found) + 1))
        path = path[:-1]


def is_content(sheet: Sheet, number: int) -> bool:
    words = sheet.lines[number].words.strip()
    return bool(words) and not words.startswith("#")


def marker(sheet: Sheet, path: Path) -> set[int]:
    """The line of the key or dash of a value."""
    lines = [number for number in lines_of(sheet, path) if is_content(sheet, number)]
    return {min(lines)} if path else set()


def in_flow(sheet: Sheet, path: Path) -> bool:
    """Whether something stands in brackets."""
    node = parse(sheet.text, "config.yml").root
    return any(
        getattr(parse(sheet.text, "x").find(path[:depth]).node, "flow", False)
        for depth in range(len(path))
    ) or bool(node.flow)


@many
@given(sheets(), st.data())
def test_setting_a_value_changes_its_lines_only(sheet: Sheet, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([*own_paths(sheet)]))
    value = data.draw(new_values)
    after = edited("set_value", sheet, path, value)
    if after is None:
        return
    wanted = copy.deepcopy(sheet.data)
    at(wanted, path[:-1])[path[-1]] = value
    free = lines_of(sheet, path)
    check(sheet, after, wanted, free)
    headings = [n for n in free if n < min(marker(sheet, path)) and not in_flow(sheet, path)]
    check(sheet, after, wanted, free.difference(headings))
    assert set_value(parse(after, "config.yml"), path, value) == after


@many
@given(sheets(), st.data())
def test_a_new_key_or_item_changes_no_line_of_another(sheet: Sheet, data: st.DataObject) -> None:
    above = data.draw(st.sampled_from([(), *own_paths(sheet)]))
    inside = at(sheet.data, above)
    kinds = (dict, list, type(None))
    above = above if isinstance(inside, kinds) else ()
    inside = at(sheet.data, above)
    part: str | int = data.draw(
        st.sampled_from([one for one in KEYS if one not in (inside or ())])
    )
    if isinstance(inside, list):
        part = len(inside)
    value = data.draw(new_values)
    after = edited("set_value", sheet, (*above, part), value)
    if after is None:
        return
    wanted = copy.deepcopy(sheet.data)
    if inside is None:
        at(wanted, above[:-1])[above[-1]] = {part: value}
    elif isinstance(inside, list):
        at(wanted, above).append(value)
    else:
        at(wanted, above)[part] = value
    check(sheet, after, wanted, free_below(sheet, above))
    assert set_value(parse(after, "config.yml"), (*above, part), value) == after


def free_below(sheet: Sheet, above: Path) -> set[int]:
    """The lines that may change when something is put into a section or list."""
    inside = at(sheet.data, above)
    if not inside:
        return marker(sheet, above)
    last: str | int = [*inside][-1] if isinstance(inside, dict) else len(inside) - 1
    return lines_of(sheet, above) if in_flow(sheet, (*above, last)) else set()


@many
@given(sheets(), st.data())
def test_deleting_takes_the_lines_of_the_key_and_no_others(
    sheet: Sheet, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([*own_paths(sheet)]))
    after = edited("delete", sheet, path)
    if after is None:
        return
    wanted = copy.deepcopy(sheet.data)
    del at(wanted, path[:-1])[path[-1]]
    free, flow = lines_of(sheet, path), in_flow(sheet, path)
    is_only = not at(wanted, path[:-1])
    if is_only:
        free |= lines_of(sheet, path[:-1]) if flow else marker(sheet, path[:-1])
    if is_beside_a_dash(sheet, path) and not flow:
        # What comes next moves up to the dash, so margins and dashes do not count.
        check(sheet, after, wanted, free | blank_lines(sheet), form=bare)
    elif "|+" in sheet.text:
        check(sheet, after, wanted, free | blank_lines(sheet))
    else:
        check(sheet, after, wanted, free, exactly=not flow and not is_only)
    if isinstance(path[-1], str):
        assert delete(parse(after, "config.yml"), path) == after


def is_beside_a_dash(sheet: Sheet, path: Path) -> bool:
    first = sheet.lines[min(marker(sheet, path))].words.lstrip()
    return first.startswith("-") and (isinstance(path[-1], str) or first.startswith("- "))


def blank_lines(sheet: Sheet) -> set[int]:
    return {number for number, line in enumerate(sheet.lines) if not line.words}


def bare(line: str) -> str:
    return line.strip(" -\r\n")


@many
@given(sheets(), st.data())
def test_inserting_an_item_changes_no_line_of_another(sheet: Sheet, data: st.DataObject) -> None:
    lists = [one for one in own_paths(sheet) if isinstance(at(sheet.data, one), list)]
    assume(lists)
    path = data.draw(st.sampled_from(lists))
    items = at(sheet.data, path)
    index = data.draw(st.integers(0, len(items)))
    value = data.draw(new_values)
    after = edited("insert_item", sheet, path, index, value)
    if after is None:
        return
    wanted = copy.deepcopy(sheet.data)
    at(wanted, path).insert(index, value)
    if index == 0 and items and is_beside_a_dash(sheet, (*path, 0)):
        check(sheet, after, wanted, free_below(sheet, path) | blank_lines(sheet), form=bare)
    else:
        check(sheet, after, wanted, free_below(sheet, path))


@many
@given(sheets(), st.data())
def test_moving_an_item_keeps_every_line(sheet: Sheet, data: st.DataObject) -> None:
    lists = [one for one in own_paths(sheet) if isinstance(at(sheet.data, one), list)]
    lists = [one for one in lists if at(sheet.data, one)]
    assume(lists)
    path = data.draw(st.sampled_from(lists))
    count = len(at(sheet.data, path))
    old, new = data.draw(st.tuples(*[st.integers(0, count - 1)] * 2))
    after = edited("move_item", sheet, path, old, new)
    if after is None:
        return
    wanted = copy.deepcopy(sheet.data)
    at(wanted, path).insert(new, at(wanted, path).pop(old))
    check(sheet, after, wanted, lines_of(sheet, path))
    if not in_flow(sheet, (*path, 0)):
        assert sorted(map(bare, split(sheet.text))) == sorted(map(bare, split(after)))


@many
@given(sheets(), st.data())
def test_renaming_a_key_changes_its_line_only(sheet: Sheet, data: st.DataObject) -> None:
    keys = [one for one in own_paths(sheet) if isinstance(one[-1], str)]
    path = data.draw(st.sampled_from(keys))
    beside = at(sheet.data, path[:-1])
    name = data.draw(st.sampled_from([one for one in (*KEYS, "- x", "y") if one not in beside]))
    after = edited("rename_key", sheet, path, name)
    if after is None:
        return
    wanted = copy.deepcopy(sheet.data)
    section = at(wanted, path[:-1])
    pairs = [(name if key == path[-1] else key, value) for key, value in section.items()]
    section.clear()
    section.update(pairs)
    free = lines_of(sheet, path) if in_flow(sheet, path) else marker(sheet, path)
    check(sheet, after, wanted, free)
    assert rename_key(parse(after, "config.yml"), path, name) == after


def test_hardly_any_edit_was_refused() -> None:
    done = sum(tally[what] for what in EDITS)
    refused = sum(count for what, count in tally.items() if what.startswith("refused"))
    assert refused <= 0.03 * done, tally


def test_many_edited_texts_were_read_in_part() -> None:
    # The others have aliases, texts in lines, or a value in brackets.
    assert tally["read in part"] > 0.2 * tally["read whole"], tally


PIECES = [
    *(
        "a",
        "b",
        "no",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "  ",
        "    ",
        " ",
        "? ",
    ),
    *("[", "]", "{", "}", ", ", "# c", "'", '"', "|", "|+\n", ">-", "&x ", "*x", "<<: *x", "!t "),
    *(
        "!!str ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "\t",
        "1",
        "null",
        "~",
        "é",
        "😀",
        "\u2028",
        "\ufeff",
    ),
    *("a: 1\n", "b:\n", "  c: 2\n", "- d\n", "  - e: 1\n    f: 2\n", "  # deep\n", "litellm:\n"),
]
odd_texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def as_typed(path: tuple[object, ...]) -> Path:
    """A path as people type it: a key that is no text is asked for by its text."""
    return tuple(part if type(part) is int else str(part) for part in path)


@many
@given(odd_texts, st.data())
def test_any_text_is_edited_as_asked_or_not_at_all(text: str, data: st.DataObject) -> None:
    document = parse(text, "config.yml")
    known = [*map(as_typed, paths(document.data)), ("a",), ("litellm", "port"), ("a", 0), ()]
    path = data.draw(st.sampled_from(known))
    edit: Callable[[Document], str] = data.draw(
        st.sampled_from(
            [
                lambda one: set_value(one, path, "yes"),
                lambda one: set_value(one, path, [{"k": "two\nlines\n"}]),
                lambda one: set_value(one, (*path, "new"), 1),
                lambda one: insert_item(one, path, 0, "x"),
                lambda one: delete(one, path),
                lambda one: move_item(one, path, 0, 1),
                lambda one: rename_key(one, path, "long name"),
            ]
        )
    )
    try:
        after = parse(edit(document), "config.yml")
    except EditRefusedError:
        return
    root, faults = grow(after.text)
    assert not faults
    assert not isinstance(root, Mapping) or after.root == root
    rest = [key for key in document.data if not path or str(key) != str(path[0])]
    assert [document.data[key] for key in rest] == [after.data[key] for key in rest]
