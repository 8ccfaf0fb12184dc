"""Values as YAML text on one line, such that YAML 1.1 and YAML 1.2 read the same."""

import math
import re
from typing import Any

# What either version reads as something else than text; a little wider than both together.
_NOT_TEXT = re.compile(
    r"""(?ix)
      (?: ~ | null | y | yes | n | no | on | off | true | false | = | <<
      | [-+]?\.(?:inf|nan)
      | [-+]?0[xob][0-9a-f_]*
      | [-+]?(?=[._:]*[0-9])[0-9._:]+(?:e[-+]?[0-9_]*)?
      | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t\s].*)?
      )?"""
)
_INDICATORS = tuple("-?:,[]{}#&*!|>'\"%@`")
_PLAIN_IN_FLOW = re.compile(r"(?=\w)\D[\w./@+-]*(?: +[\w./@+-]+)*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
_BYTE, _BASIC_PLANE = 0x100, 0x10000


def scalar(value: Any, *, flow: bool = False, style: str = "") -> str:
    """One value as text.

    Args:
        value: text, a number, a truth value or None.
        flow: whether it will stand in brackets or braces.
        style: the quote to use if the value is text and allows it.
    """
    if isinstance(value, str):
        return _text(value, flow=flow, style=style)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


def flowed(value: Any, *, style: str = "") -> str:
    """A value on one line, sections in braces and lists in brackets.

    Args:
        value: plain data.
        style: the quote to use for every key and text that allows it.
    """
    if isinstance(value, dict):
        return "{" + ", ".join(pair(*entry, style=style) for entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flowed(item, style=style) for item in value) + "]"
    return scalar(value, flow=True, style=style)


def pair(key: Any, value: Any, *, style: str = "") -> str:
    """A key and its value as they stand in braces."""
    return f"{scalar(key, flow=True, style=style)}: {flowed(value, style=style)}"


def _text(value: str, *, flow: bool, style: str) -> str:
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _is_plain(value, flow=flow):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _is_plain(value: str, *, flow: bool) -> bool:
    if _NOT_TEXT.fullmatch(value) or not value.isprintable() or value != value.strip():
        return False
    if flow:
        return _PLAIN_IN_FLOW.fullmatch(value) is not None
    is_marker = value.startswith((*_INDICATORS, "..."))
    return not is_marker and not value.endswith(":") and ": " not in value and " #" not in value


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if character.isprintable():
        return character
    if code < _BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < _BASIC_PLANE else f"\\U{code:08x}"


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits, mark, exponent = repr(value).partition("e")
    # YAML 1.1 reads 1e-06 as text: it wants a point, and a sign in the exponent.
    return f"{digits}.0{mark}{exponent}" if mark and "." not in digits else repr(value)
