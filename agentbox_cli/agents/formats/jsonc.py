"""Edits of JSON with comments: only the member that is meant changes."""

import json
import re
from typing import Any

from agentbox_cli.agents.formats.broken import broken_at
from agentbox_cli.agents.formats.jsonc_tree import Member, Value, parse

Path = tuple[str, ...]

_REST_OF_LINE = re.compile(r"[^\S\n]*(?:/\*[^\n]*?\*/[^\S\n]*)*(?://[^\n]*)?(?=\n)")
_FIRST_INDENT = re.compile(r"\n([^\S\n]+)\S")


def data(text: str) -> Any:
    """The text as plain data.

    Raises:
        BrokenTextError: it is no object in JSON.
    """
    return _root(text).data


def put(text: str, path: Path, value: Any) -> str:
    """Set the member at a path; objects that are missing on the way are made.

    Raises:
        BrokenTextError: the text is broken, or something else than an object is in the way.
    """
    if not text.strip("\ufeff \t\r\n"):
        text += "{}\n"
    place, rest = _root(text), list(path)
    while rest and (member := _member(place, rest[0])):
        place = member.value
        rest.pop(0)
    if not rest:
        return _spliced(text, place.start, place.end, _written(text, value, place.start))
    if not isinstance(place.data, dict):
        raise broken_at(text, place.start, f"an object must stand here, for {rest[0]!r}")
    for name in reversed(rest[1:]):
        value = {name: value}
    return _with_member(text, place, rest[0], value)


def drop(text: str, path: Path) -> str:
    """Remove the member at a path; what is not there is no error.

    Raises:
        BrokenTextError: the text is broken.
    """
    place = _root(text)
    for name in path[:-1]:
        member = _member(place, name)
        if member is None:
            return text
        place = member.value
    number = next((n for n, each in enumerate(place.members) if each.key == path[-1]), None)
    if number is None:
        return text
    return drop(_without(text, place, number), path)  # a key may stand there twice


def _root(text: str) -> Value:
    root = parse(text)
    if not isinstance(root.data, dict):
        raise broken_at(text, root.start, "the file must hold an object in braces")
    return root


def _member(place: Value, name: str) -> Member | None:
    # Of two members with one name, programs read the last.
    return next((each for each in reversed(place.members) if each.key == name), None)


def _spliced(text: str, start: int, end: int, new: str) -> str:
    return text[:start] + new + text[end:]


def _written(text: str, value: Any, index: int) -> str:
    """A value as text that begins at an index; its further lines stand below that line."""
    line = json.dumps(value, indent=_step(text), ensure_ascii=False)
    return line.replace("\n", _line_end(text) + _indent_at(text, index))


def _with_member(text: str, place: Value, name: str, value: Any) -> str:
    if not place.members:
        return _with_first(text, place, name, value)
    last = place.members[-1]
    indent = _own_indent(text, last.start)
    if indent is None:
        new = f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        at = last.value.end if last.comma is None else last.comma + 1
        return _spliced(text, at, at, f", {new}" if last.comma is None else f" {new},")
    new = f"{json.dumps(name)}: {_written(text, value, last.start)}"
    if last.comma is not None:
        at = _line_rest(text, last.comma + 1)
        return _spliced(text, at, at, f"{_line_end(text)}{indent}{new},")
    at = _line_rest(text, last.value.end)
    text = _spliced(text, at, at, f"{_line_end(text)}{indent}{new}")
    return _spliced(text, last.value.end, last.value.end, ",")


def _with_first(text: str, place: Value, name: str, value: Any) -> str:
    end, outer = _line_end(text), _indent_at(text, place.start)
    indent = outer + (_step(text) or "")
    shown = json.dumps(value, indent=_step(text), ensure_ascii=False)
    member = f"{json.dumps(name)}: " + shown.replace("\n", end + indent)
    close = place.end - 1
    kept = text[place.start + 1 : close].rstrip()  # a comment may stand there
    inside = f"{kept}{end}{indent}{member}{end}{outer}"
    return _spliced(text, place.start + 1, close, inside)


def _without(text: str, place: Value, number: int) -> str:
    member = place.members[number]
    start = member.start
    end = member.value.end if member.comma is None else member.comma + 1
    before = place.members[number - 1] if number else None
    alone = _own_indent(text, start) is not None
    if alone and text[end : _blank_rest(text, end)].strip() == "" and _ends_line(text, end):
        start, end = text.rfind("\n", 0, start), _blank_rest(text, end)
        start -= text[start - 1 : start] == "\r"
        end -= text[end - 1 : end] == "\r"
    elif before is not None and member.comma is None:
        start = before.value.end if before.comma is None else before.comma + 1
    else:
        end = _blank_rest(text, end)
    text = _spliced(text, start, end, "")
    if member.comma is None and before is not None and before.comma is not None:
        return _spliced(text, before.comma, before.comma + 1, "")
    return text


def _line_rest(text: str, index: int) -> int:
    """Behind the comment that may follow on the same line."""
    found = _REST_OF_LINE.match(text, index)
    end = found.end() if found else index
    return end - (text[end - 1 : end] == "\r")


def _blank_rest(text: str, index: int) -> int:
    while text[index : index + 1] in {" ", "\t", "\r"}:
        index += 1
    return index


def _ends_line(text: str, index: int) -> bool:
    return text[_blank_rest(text, index) : _blank_rest(text, index) + 1] == "\n"


def _own_indent(text: str, index: int) -> str | None:
    """The blanks before a member that begins its line; None if it does not."""
    blanks = text[text.rfind("\n", 0, index) + 1 : index]
    return None if blanks.strip() or "\n" not in text[:index] else blanks


def _indent_at(text: str, index: int) -> str:
    line = text[text.rfind("\n", 0, index) + 1 : index]
    return line[: len(line) - len(line.lstrip())]


def _step(text: str) -> str:
    found = _FIRST_INDENT.search(text)
    return found[1] if found else "  "


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
