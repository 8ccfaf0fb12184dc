"""Addresses of values in config.yml, as people type them: `litellm.models.default[1].model`."""

import re
from collections.abc import Iterator

from agentbox_cli.config.document import Path
from agentbox_cli.errors import UsageError

_STEP = re.compile(
    r"""
      \[(?P<index>\d{1,9})\]
    | \[(?P<bracketed>"(?:[^"\\]|\\.)*")\]
    | \.?(?P<quoted>"(?:[^"\\]|\\.)*")
    | \.?(?P<bare>[^.\[\]"\s]+)
    """,
    re.VERBOSE,
)
# What stands without quotes when it is written; more is understood when it is read.
_BARE = re.compile(r"[A-Za-z0-9_@+:/*-]+")
_ESCAPED = re.compile(r"\\(.)")


def parse_address(text: str) -> Path:
    """Read an address: keys with dots between them, `[0]` for list items, odd keys in quotes.

    Raises:
        UsageError: it is none; the message marks the place.
    """
    return tuple(_steps(text))


def format_address(path: Path) -> str:
    """An address that `parse_address` reads back to the same path."""
    return "".join(map(_written, path)).removeprefix(".")


def _written(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if _BARE.fullmatch(part):
        return f".{part}"
    quoted = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'."{quoted}"'


def _steps(text: str) -> Iterator[str | int]:
    place = 0
    while place < len(text) or not text:
        step = _STEP.match(text, place)
        is_first = place == 0
        if step is None or (is_first and text.startswith(".")) or not _separated(step, place):
            raise _not_an_address(text, place)
        yield _part(step)
        place = step.end()


def _separated(step: re.Match[str], place: int) -> bool:
    # Two keys in a row need a dot between them; brackets bring their own.
    return place == 0 or step[0].startswith((".", "["))


def _part(step: re.Match[str]) -> str | int:
    if step["index"] is not None:
        return int(step["index"])
    quoted = step["bracketed"] or step["quoted"]
    if quoted is not None:
        return _ESCAPED.sub(r"\1", quoted[1:-1])
    return step["bare"]


def _not_an_address(text: str, place: int) -> UsageError:
    mark = f"  {text}\n  {' ' * place}^"
    return UsageError(
        f"this is no address of a value, from column {place + 1} on:\n{mark}",
        hint='such as litellm.models.default[1].model, or litellm.model_patterns."claude-*"',
    )
