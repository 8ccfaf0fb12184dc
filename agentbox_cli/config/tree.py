"""The tree of a YAML text: nodes with exact places, and what they mean."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

OUR_SECTION = "litellm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A piece of the text.

    Args:
        start, end: indexes into the text; a leading anchor or tag is part of the node, a comment
            behind it is not.
        data: what it means, as plain Python data. Not in the repr: it may be a key.
        size: how many nodes it stands for, with aliases followed.
        height: how many levels it has below it, with aliases followed.
    """

    start: int
    end: int
    data: Any = field(repr=False)
    size: int = 1
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Node):
    """One value; `style` is its quote or block indicator, empty for a plain one."""

    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key and its value; `name` is the key as it stands in the data."""

    name: Hashable
    key: Node
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping(Node):
    """Keys and values; `flow` when written in braces."""

    entries: tuple[Entry, ...] = ()
    flow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence(Node):
    """Items; `flow` when written in brackets."""

    items: tuple[Node, ...] = ()
    flow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias(Node):
    """`*name`, which stands for the node that `&name` marks."""

    target: Node


def child(node: Node, part: str | int) -> Entry | Node | None:
    """What stands under a key or at an index; aliases and merges (`<<`) are followed."""
    if isinstance(node, Alias):
        return child(node.target, part)
    if isinstance(node, Sequence):
        return node.items[part] if isinstance(part, int) and 0 <= part < len(node.items) else None
    if isinstance(node, Mapping):
        return _entry(node, part)
    return None


def _entry(mapping: Mapping, part: str | int) -> Entry | Node | None:
    own = [entry for entry in mapping.entries if not is_merge(entry)]
    # The last of two equal keys is the one in the data. A key that is no text is asked for by
    # its text, because that is how validation names it.
    for matches in (_same, _alike):
        for entry in reversed(own):
            if matches(entry.name, part):
                return entry
    sources = (source for entry in mapping.entries if is_merge(entry) for source in merged(entry))
    return next((found for source in sources if (found := child(source, part))), None)


def _same(name: Hashable, part: str | int) -> bool:
    return type(name) is type(part) and name == part


def _alike(name: Hashable, part: str | int) -> bool:
    return str(name) == str(part)


def is_merge(entry: Entry) -> bool:
    """Whether this is `<<: *section`, which takes over the keys of another section."""
    plain = isinstance(entry.key, Scalar) and not entry.key.style and entry.name == "<<"
    return plain and all(isinstance(source.data, dict) for source in merged(entry))


def merged(entry: Entry) -> tuple[Node, ...]:
    """The sections that a merge takes over, the strongest first."""
    value = followed(entry.value)
    return value.items if isinstance(value, Sequence) else (value,)


def followed(node: Node) -> Node:
    """The node itself, or what an alias stands for."""
    return node.target if isinstance(node, Alias) else node
