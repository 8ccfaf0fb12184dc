"""Plain data as YAML text with comments, read alike by readers of YAML 1.1 and 1.2."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

# Words that YAML 1.1 takes for something else than text (yaml.org/type/bool.html, null.html).
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def yaml_text(data: Mapping[str, Any]) -> str:
    """The mapping as YAML in block style: texts quoted, order kept."""
    return "".join(f"{line}\n" for line in _mapping(data))


def comment(text: str = "") -> str:
    """The text as comment lines."""
    return "".join(f"# {line}".rstrip() + "\n" for line in text.split("\n"))


def _mapping(data: Mapping[str, Any]) -> Iterator[str]:
    for name, value in data.items():
        key = name if _is_plain(name) else _quoted(name)
        lines = list(_block(value))
        if lines:
            yield f"{key}:"
            yield from (f"  {line}" for line in lines)
        else:
            yield f"{key}: {_scalar(value)}"


def _sequence(items: Sequence[Any]) -> Iterator[str]:
    for item in items:
        first, *rest = list(_block(item)) or [_scalar(item)]
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)


def _block(value: Any) -> Iterator[str]:
    """The lines of a section or list; none for what fits behind its key."""
    if isinstance(value, Mapping):
        yield from _mapping(value)
    elif isinstance(value, list | tuple) and not all(isinstance(each, str) for each in value):
        yield from _sequence(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, int):
        return str(value)
    # Never with an exponent: YAML 1.1 reads `1e-05` as text.
    return format(Decimal(repr(value)).normalize(), "f")


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isidentifier() and name.lower() not in _RESERVED


def _quoted(text: str) -> str:
    return '"' + "".join(map(_sign, text)) + '"'


def _sign(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if sign.isascii() and sign.isprintable() else f"\\U{ord(sign):08x}"
