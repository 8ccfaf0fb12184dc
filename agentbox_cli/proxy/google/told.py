"""JSON as Google reads it: each name in camel case or with underscores, and little is required."""

import re
from functools import cache
from typing import Any

_CAPITAL = re.compile(r"(?<!^)([A-Z])")

Told = dict[str, Any]


@cache
def _underscored(name: str) -> str:
    return _CAPITAL.sub(r"_\1", name).lower()


def value(told: Told, name: str) -> Any:
    """A value by its name in camel case, however the client writes that; None if there is none."""
    found = told.get(name)
    return told.get(_underscored(name)) if found is None else found


def object_in(told: Told, name: str) -> Told:
    """The object of that name; an empty one if there is none."""
    found = value(told, name)
    return found if isinstance(found, dict) else {}


def objects(found: Any) -> list[Told]:
    """The objects of a list, or the one that stands where a list may."""
    if isinstance(found, dict):
        return [found]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def objects_in(told: Told, name: str) -> list[Told]:
    """The objects of the list of that name."""
    return objects(value(told, name))


def text_in(told: Told, name: str) -> str:
    """The text of that name; empty if there is none."""
    found = value(told, name)
    return found if isinstance(found, str) else ""
