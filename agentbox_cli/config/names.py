"""Paths as people write them, and the names they may have meant."""

import difflib
import re
from collections.abc import Iterable

LONGEST = 60

_BARE = re.compile(r"[A-Za-z0-9_@+:*-]+")


def dotted(path: Iterable[str | int]) -> str:
    """A path as text: `litellm.models.default[1].model`; odd keys are quoted."""
    return "".join(map(_step, path)).removeprefix(".")


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    part = shortened(part)
    quoted = part.replace("\\", "\\\\").replace('"', '\\"')
    return f".{part}" if _BARE.fullmatch(part) else f'."{quoted}"'


def shortened(name: str) -> str:
    """A name to show: where an open quote made a whole passage a name, its first word."""
    first = re.split(r":\s|[\r\n]", name, maxsplit=1)[0][:LONGEST]
    return name if first == name else f"{first}..."


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that somebody who wrote `name` most likely meant."""
    folded = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), folded, n=1)
    return folded[found[0]] if found else None
