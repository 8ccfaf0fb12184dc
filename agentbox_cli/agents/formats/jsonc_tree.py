"""JSON with comments and commas at the end, as a tree of exact places.

Agents write their files that way: comments of both kinds, and a comma behind the last member, may
stand in opencode.json and in the settings of Gemini and Qwen.
"""

import json
import re
from dataclasses import dataclass
from json.decoder import JSONDecodeError
from typing import Any

from agentbox_cli.agents.formats.broken import broken_at

_FILLER = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_DECODER = json.JSONDecoder()
# Nesting beyond this is no config that somebody wrote.
_DEPTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value and where it stands; members only where it is an object."""

    start: int
    end: int
    data: Any
    members: tuple["Member", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of an object; `comma` is the index of the comma behind it, if there is one."""

    key: str
    start: int
    value: Value
    comma: int | None


def parse(text: str) -> Value:
    """The tree of a text; an empty one is an empty object.

    Raises:
        BrokenTextError: it is no JSON, even with comments.
    """
    start = _skip(text, int(text.startswith("\ufeff")))
    if start == len(text):
        return Value(start=start, end=start, data={})
    value = _value(text, start, 0)
    rest = _skip(text, value.end)
    if rest != len(text):
        raise broken_at(text, rest, "nothing may stand behind the end")
    return value


def _skip(text: str, index: int) -> int:
    found = _FILLER.match(text, index)
    end = found.end() if found else index
    if text.startswith("/*", end):
        raise broken_at(text, end, "this comment does not end")
    return end


def _value(text: str, start: int, depth: int) -> Value:
    if depth > _DEPTH:
        raise broken_at(text, start, "this is nested too deeply")
    first = text[start : start + 1]
    if first == "{":
        return _object(text, start, depth)
    if first == "[":
        return _array(text, start, depth)
    if first == '"':
        string, end = _string(text, start)
        return Value(start=start, end=end, data=string)
    if found := _PLAIN.match(text, start):
        return Value(start=start, end=found.end(), data=json.loads(found[0]))
    raise broken_at(text, start, "a value is missing here" if first else "the text ends too early")


def _string(text: str, start: int) -> tuple[str, int]:
    if not text.startswith('"', start):
        raise broken_at(text, start, "a key in double quotes must stand here")
    try:
        found, end = _DECODER.raw_decode(text, start)
    except JSONDecodeError as error:
        raise broken_at(text, start, f"this text in quotes is wrong: {error.msg}") from error
    return str(found), end


def _object(text: str, start: int, depth: int) -> Value:
    members: list[Member] = []
    index = _skip(text, start + 1)
    while not text.startswith("}", index):
        members.append(_member(text, index, depth))
        comma = members[-1].comma
        index = _skip(text, members[-1].value.end if comma is None else comma + 1)
    data = {member.key: member.value.data for member in members}
    return Value(start=start, end=index + 1, data=data, members=tuple(members))


def _member(text: str, index: int, depth: int) -> Member:
    key, behind = _string(text, index)
    colon = _skip(text, behind)
    if not text.startswith(":", colon):
        raise broken_at(text, colon, "a ':' is missing here")
    value = _value(text, _skip(text, colon + 1), depth + 1)
    return Member(key=key, start=index, value=value, comma=_comma(text, value.end, "}"))


def _array(text: str, start: int, depth: int) -> Value:
    items: list[Any] = []
    index = _skip(text, start + 1)
    while not text.startswith("]", index):
        item = _value(text, index, depth + 1)
        items.append(item.data)
        comma = _comma(text, item.end, "]")
        index = _skip(text, item.end if comma is None else comma + 1)
    return Value(start=start, end=index + 1, data=items)


def _comma(text: str, end: int, close: str) -> int | None:
    index = _skip(text, end)
    if text.startswith(",", index):
        return index
    if text.startswith(close, index):
        return None
    raise broken_at(text, index, f"a ',' or '{close}' is missing here")
