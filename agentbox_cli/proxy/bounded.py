"""A provider's usage object, of a size that can be kept for a thousand requests."""

from itertools import islice
from typing import Any

# The longest that is known has some forty entries, in objects two deep.
ENTRIES = 100
INNER = 20
TEXT_LENGTH = 60


def bounded(usage: dict[str, Any]) -> dict[str, Any]:
    """The same object if it is as small as they are; else the numbers that stand first in it."""
    return usage if _room_after(usage, ENTRIES) >= 0 else _numbers(usage, ENTRIES) | _inner(usage)


def _room_after(value: Any, room: int) -> int:
    """How many more entries there may be after these; negative if there are too many."""
    if isinstance(value, str):
        return room if len(value) <= TEXT_LENGTH else -1
    if not isinstance(value, dict | list):
        return room
    for name in value:
        inner = value[name] if isinstance(value, dict) else name
        room = _room_after(inner, room - 1)
        if room < 0 or (isinstance(name, str) and len(name) > TEXT_LENGTH):
            return -1
    return room


def _inner(usage: dict[str, Any]) -> dict[str, Any]:
    found = (
        (name, value)
        for name, value in usage.items()
        if isinstance(value, dict) and len(name) <= TEXT_LENGTH
    )
    return {name: _numbers(value, INNER) for name, value in islice(found, INNER)}


def _numbers(told: dict[str, Any], most: int) -> dict[str, Any]:
    found = (
        (name, value)
        for name, value in told.items()
        if type(value) in {int, float} and len(name) <= TEXT_LENGTH
    )
    return dict(islice(found, most))
