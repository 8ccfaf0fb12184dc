"""`${NAME}` references: the way a config names a key without holding it."""

import re
from dataclasses import dataclass

# What people write for servers that want a key but check none.
PLACEHOLDERS = frozenset(
    {"not-needed", "not-required", "no-key", "none", "null", "dummy", "empty", "ollama", "unused"}
)

_TOKEN = re.compile(
    r"""
      (?P<literal>\$\$\{)
    | \$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}
    | (?P<open>\$\{)
    """,
    re.VERBOSE,
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`${name}`, or `${name:-default}`."""

    name: str
    default: str | None = None


class ReferenceSyntaxError(ValueError):
    """A `${` that is no reference; the message holds nothing of the text."""


def split(template: str) -> tuple[str | Reference, ...]:
    """Split a template into literal text and references; `$${` is a literal `${`.

    Raises:
        ReferenceSyntaxError: a `${` without an end, or with something other than a name in it.
    """
    parts: list[str | Reference] = []
    done = 0
    for token in _TOKEN.finditer(template):
        parts.append(template[done : token.start()])
        done = token.end()
        if token["literal"]:
            parts.append("${")
        elif token["name"]:
            parts.append(Reference(name=token["name"], default=token["default"]))
        else:
            raise ReferenceSyntaxError(_why_not("}" in template[done:]))
    parts.append(template[done:])
    return tuple(part for part in parts if part != "")


def _why_not(closed: object) -> str:
    if closed:
        return "a name between '${' and '}' has letters, digits and _ only"
    return "'${' has no closing '}'"


def names(template: str) -> tuple[str, ...]:
    """The variables that a template refers to; none where it is malformed."""
    try:
        parts = split(template)
    except ReferenceSyntaxError:
        return ()
    return tuple(part.name for part in parts if isinstance(part, Reference))


def literal_text(template: str) -> str:
    """What a template holds besides references: defaults count, a malformed one counts whole."""
    try:
        parts = split(template)
    except ReferenceSyntaxError:
        return template
    return "".join(part if isinstance(part, str) else part.default or "" for part in parts)


def is_clear(template: str) -> bool:
    """Whether something that may be a key stands in the text itself."""
    literal = literal_text(template).strip()
    return bool(literal) and literal.lower() not in PLACEHOLDERS


def why_not_sendable(value: str) -> str | None:
    """Why a value cannot stand in an HTTP header; None if it can. It says nothing of the value."""
    if "\n" in value or "\r" in value:
        return "has a line break"
    if _UNPRINTABLE.search(value):
        return "has a control character"
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return "has a character that HTTP headers cannot carry"
    return None
