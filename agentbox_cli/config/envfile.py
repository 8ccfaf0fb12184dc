"""A `.env` file as text: one variable set or removed, every other line kept byte for byte.

What a line means is python-dotenv's to say, without interpolation; every edit is read back.
"""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agentbox_cli.errors import ConfigError

_BOM = "\ufeff"
_BARE = re.compile(r"[A-Za-z0-9_./+=:@%,~^-]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLANK_LINES = re.compile(r"(?:[^\S\r\n]*(?:\r\n|\n|\r))*")
# Everything before a value: blank lines, indentation, `export`, the name, `=`.
_HEAD = re.compile(
    r"(?P<lead>\s*(?:export[^\S\r\n]+)?)(?:'[^']+'|[^=#\s]+)[^\S\r\n]*(?P<equals>=[^\S\r\n]*)?"
)
# A value in quotes may go over several lines; a bare one ends where a comment begins.
_VALUE = re.compile(
    r"""
      '(?:\\.|[^'\\])*'
    | "(?:\\.|[^"\\])*"
    | (?!["'])[^\r\n]*?(?=[^\S\r\n]*(?:[^\S\r\n]\#|\r|\n|\Z))
    """,
    re.DOTALL | re.VERBOSE,
)


def with_variable(text: str, name: str, value: str) -> str:
    """Set a variable: in its line if it has one, else in a new last line.

    Where the variable stands several times, the last line is kept: that is the one that counts.

    Raises:
        ConfigError: the value cannot be written so that it reads back, or the text above it is
            broken, such as by an open quote.
    """
    _refuse_odd(name)
    wanted = {**values_of(text), name: value}
    for written in _spellings(value):
        changed = _with_line(text, name, written)
        if values_of(changed) == wanted:
            return changed
    raise ConfigError(
        f"{name} cannot be set in this file without changing what other lines mean",
        hint="it may have a quote that is never closed; mend it, or set the variable by hand",
    )


def without_variable(text: str, name: str) -> str:
    """Remove every line that sets a variable.

    Raises:
        ConfigError: the other lines would not mean the same without it.
    """
    wanted = {other: value for other, value in values_of(text).items() if other != name}
    kept = [_blank_lines(p.text) if p.name == name else p.text for p in _pieces(text)]
    changed = _mark(text) + "".join(kept)
    if values_of(changed) != wanted:
        raise ConfigError(f"{name} cannot be removed safely; remove it by hand")
    return changed


def values_of(text: str) -> Mapping[str, str | None]:
    """What a text sets, as python-dotenv reads it; None for a name without `=`."""
    # Interpolation would silently drop `${X}` from a key (measured).
    return {piece.name: piece.value for piece in _pieces(text) if piece.name is not None}


def odd_lines(text: str) -> list[int]:
    """The lines, counted from 1, that cannot be understood and are passed over."""
    return [piece.line for piece in _pieces(text) if piece.is_odd]


def masked(text: str, changed: str | None = None, mask: str = "********") -> str:
    """The text to show, every value replaced by a mask; `changed` has one of its own."""
    shown = [
        _spelled(piece.text, f"{mask} (new)" if piece.name == changed else mask)
        if piece.name
        else _comment(piece.text)
        for piece in _pieces(text)
    ]
    return _mark(text) + "".join(shown)


def _refuse_odd(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is not the name of a variable")


def _spellings(value: str) -> Iterator[str]:
    """Ways to write a value, the plainest that any reader of such files understands first."""
    if _BARE.fullmatch(value):
        yield value
    escaped = value.replace("\\", "\\\\")
    yield "'" + escaped.replace("'", "\\'") + "'"
    yield '"' + escaped.replace('"', '\\"') + '"'
    yield value


def _with_line(text: str, name: str, written: str) -> str:
    pieces = list(_pieces(text))
    places = [index for index, piece in enumerate(pieces) if piece.name == name]
    if not places:
        return _appended(text, f"{name}={written}")
    shown = []
    for index, piece in enumerate(pieces):
        if index == places[-1]:
            shown.append(_spelled(piece.text, written))
        else:
            shown.append(_blank_lines(piece.text) if index in places else piece.text)
    return _mark(text) + "".join(shown)


def _appended(text: str, line: str) -> str:
    line_end = "\r\n" if "\r\n" in text else "\n"
    is_open = text.removeprefix(_BOM) != "" and not text.endswith(("\n", "\r"))
    return f"{text}{line_end if is_open else ''}{line}{line_end}"


def _blank_lines(piece: str) -> str:
    """The blank lines above a variable: they belong to the layout of the file."""
    found = _BLANK_LINES.match(piece)
    return found[0] if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A part of the text: a variable, or what is between two of them.

    Args:
        name: the variable that is set here; None for comments and odd lines.
        value: None without `=`.
        text: the piece as it stands, line end and blank lines above it included.
        line: where it begins.
        is_odd: whether it cannot be understood.
    """

    name: str | None
    value: str | None = field(repr=False)
    text: str = field(repr=False)
    line: int
    is_odd: bool


def _pieces(text: str) -> Iterator[_Piece]:
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most setups have no .env file

    for binding in parse_stream(io.StringIO(text.removeprefix(_BOM))):
        found = binding.original
        yield _Piece(
            name=binding.key,
            value=binding.value,
            text=found.string,
            line=found.line,
            is_odd=binding.error,
        )


def _mark(text: str) -> str:
    return _BOM if text.startswith(_BOM) else ""


def _spelled(line: str, written: str) -> str:
    """A line with another value; its comment and its end stay."""
    head = _HEAD.match(line)
    if head is None:
        return line
    rest = line[head.end() :]
    if head["equals"] is None:
        return f"{line[: head.end()].rstrip()}={written}{rest}"
    # `NAME= # comment` has no value (python-dotenv 1.2).
    is_empty = rest.startswith("#") and len(head["equals"]) > 1
    value = None if is_empty else _VALUE.match(rest)
    before = line[: head.start("equals")].rstrip() + "="
    if is_empty:
        return f"{before}{written} {rest}"
    return f"{before}{written}{rest[value.end() :] if value else ''}"


def _comment(line: str) -> str:
    """A line that sets nothing, to show: a comment may hold an old key, and odd lines anything."""
    is_note = line.lstrip().startswith("#") and "=" not in line
    return line if is_note or not line.strip() else "# ...\n"
