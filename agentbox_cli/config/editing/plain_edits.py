"""The same edits on plain data: what a text must mean after it was edited.

Only what stands on the way is copied, so that a value which another place shares by an alias
keeps its meaning there.
"""

from collections.abc import Callable, Hashable
from typing import Any

Names = tuple[Hashable, ...]


def changed(data: Any, names: Names, change: Callable[[Any], Any]) -> Any:
    """Replace what stands at the end of a path of names by what `change` makes of it."""
    if not names:
        return change(data)
    name, *rest = names
    fresh = data.copy()
    fresh[name] = changed(fresh[name], tuple(rest), change)
    return fresh


def at(data: Any, names: Names) -> Any:
    """What stands at the end of a path of names."""
    for name in names:
        data = data[name]
    return data


def with_key(section: dict[Hashable, Any], name: Hashable, value: Any) -> dict[Hashable, Any]:
    """A section with a key set; a new one comes last."""
    return {**section, name: value}


def without(collection: Any, name: Any) -> Any:
    """A section or list without one child."""
    fresh = collection.copy()
    del fresh[name]
    return fresh


def with_item(items: list[Any], index: int, value: Any) -> list[Any]:
    """A list with one more item."""
    return [*items[:index], value, *items[index:]]


def moved(items: list[Any], old: int, new: int) -> list[Any]:
    """A list with an item at another index."""
    rest = [*items[:old], *items[old + 1 :]]
    return with_item(rest, new, items[old])


def renamed(section: dict[Hashable, Any], old: Hashable, new: str) -> dict[Hashable, Any]:
    """A section with a key of another name in the same place."""
    return {new if name == old else name: value for name, value in section.items()}
