"""A JSON object with some of its top-level values changed and every other byte as it came.

Blanks, the order of keys, the way numbers and characters are written, a key that comes twice: a
provider gets them all as the client wrote them.
"""

import json
import re
from collections.abc import Mapping

import msgspec

# What stands before a member's value, after `{` or the value before it.
_KEY = re.compile(rb'[ \t\r\n]*[{,][ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*')
_MODEL_KEY = b'"model"'
_MODEL = re.compile(_MODEL_KEY + rb"[ \t\r\n]*:[ \t\r\n]*")
_END = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*")

MODEL = "model"
# To read a whole body takes longer than to step over its members from here on (measured).
LONGEST_READ = 2_048

_encode = msgspec.json.Encoder().encode
_text_of = msgspec.json.Decoder(str).decode
_value_at = json.JSONDecoder().raw_decode

# The name of a member, and where its value begins and ends.
_Member = tuple[str, int, int]


def spliced(
    body: bytes, fields: Mapping[str, msgspec.Raw], changed: Mapping[str, msgspec.Raw]
) -> bytes:
    """The object with other values for some names; names that it lacks are added at its end.

    Args:
        body: the object as it came, with one member at least.
        fields: its members, as msgspec reads them.
        changed: the new values.
    """
    short = len(body) <= LONGEST_READ
    if short and changed.keys() == {MODEL} and (place := _only_model(body, fields)):
        start, end = place
        return b"".join((body[:start], changed[MODEL], body[end:]))
    members = _members(body, fields)
    if members is None:
        return _encode({**fields, **changed})
    out: list[bytes | memoryview] = []
    done, whole = 0, memoryview(body)
    for name, start, end in members:
        if name in changed:
            out += (whole[done:start], memoryview(changed[name]))
            done = end
    end = members[-1][2]
    out.append(whole[done:end])
    for name in changed.keys() - fields.keys():
        out.append(b",%b:%b" % (_encode(name), bytes(changed[name])))
    out.append(whole[end:])
    return b"".join(out)


def _only_model(body: bytes, fields: Mapping[str, msgspec.Raw]) -> tuple[int, int] | None:
    """Where the model's name stands, if it is the only `"model"` and so must be the key."""
    # Inside a text its quotes are escaped; a key may be written in escapes, but for that one.
    if MODEL not in fields or body.count(_MODEL_KEY) != 1 or b"\\u" in body:
        return None
    found = _MODEL.search(body)
    if found is None or not body.startswith(fields[MODEL], found.end()):
        return None
    return found.end(), found.end() + memoryview(fields[MODEL]).nbytes


def _members(body: bytes, fields: Mapping[str, msgspec.Raw]) -> list[_Member] | None:
    """Every member in its place; None if that cannot be told."""
    try:
        found = _once_each(body, fields)
        if not _END.fullmatch(body, found[-1][2]):
            raise _Elsewhere  # noqa: TRY301 - one way to say that
    except (_Elsewhere, IndexError):
        return _searched(body)
    return found


class _Elsewhere(Exception):  # noqa: N818 - never seen outside
    """A member does not stand where it would if no key came twice."""


def _once_each(body: bytes, fields: Mapping[str, msgspec.Raw]) -> list[_Member]:
    """The members, measured by their values; raises _Elsewhere if some key comes twice.

    That a value ends where it seems to is told by the key after it, or by the object's end.
    """
    members: list[_Member] = []
    end = 0
    for name, value in fields.items():
        key = _KEY.match(body, end)
        # Nearly everybody writes a key as we would; that is seen without reading it.
        if key is None or not (key[1] == _encode(name) or _text_of(key[1]) == name):
            raise _Elsewhere
        start = key.end()
        end = start + memoryview(value).nbytes
        if not body.startswith(value, start):
            raise _Elsewhere
        members.append((name, start, end))
    return members


def _searched(body: bytes) -> list[_Member] | None:
    """The members, read one after the other by a slower reader that sees all of them."""
    text = body.decode("latin-1")  # one character for each byte
    members: list[_Member] = []
    end = 0
    try:
        while key := _KEY.match(body, end):
            end = _value_at(text, key.end())[1]
            members.append((_text_of(key[1]), key.end(), end))
    except (ValueError, RecursionError):
        return None
    return members if members and _END.fullmatch(body, end) else None
