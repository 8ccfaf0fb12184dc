"""config.yml as text, as a tree of exact places, and as plain data: three views of one thing."""

import re
from bisect import bisect_right
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from agentbox_cli.config.grow import grow
from agentbox_cli.config.syntax import Fault
from agentbox_cli.config.tree import Entry, Mapping, Node, child

Path = tuple[str | int, ...]

_BOM = "\ufeff"
LINE_BREAK = re.compile(r"\r\n|[\r\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a path leads.

    Args:
        node: the node at the path, or the nearest one above it that exists.
        key: the key that the node stands under; None for a list item and for the root.
        exists: whether the whole path exists.
    """

    node: Node
    key: Node | None
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed text.

    Args:
        name: what the text is called in messages, usually its file.
        text: the text as it was read, with its byte order mark and line ends.
        root: the top-level section; an empty one where the text is empty or broken.
        faults: what is wrong with it as YAML; the data is then not to be relied on.
        line_starts: the index of each line's first character.
    """

    name: str
    text: str = field(repr=False)
    root: Mapping
    faults: tuple[Fault, ...]
    line_starts: tuple[int, ...] = field(repr=False)

    @property
    def data(self) -> dict[Hashable, Any]:
        """The whole file as plain data."""
        data: dict[Hashable, Any] = self.root.data
        return data

    def find(self, path: Path) -> Place:
        """Go down a path as far as it exists."""
        place = Place(node=self.root, key=None, exists=True)
        for part in path:
            found = child(place.node, part)
            if found is None:
                return Place(node=place.node, key=place.key, exists=False)
            if isinstance(found, Entry):
                place = Place(node=found.value, key=found.key, exists=True)
            else:
                place = Place(node=found, key=None, exists=True)
        return place

    def node_at(self, path: Path) -> Node:
        """The node at a path, or the nearest one above it that exists."""
        return self.find(path).node

    def position(self, index: int) -> tuple[int, int]:
        """Line and column of an index, both counted from 1, columns in characters."""
        line = bisect_right(self.line_starts, index)
        return line, max(1, index - self.line_start(line) + 1)

    def line_start(self, number: int) -> int:
        """The index of a line's first character, counted from 1, behind a byte order mark."""
        has_mark = number == 1 and self.text.startswith(_BOM)
        return self.line_starts[number - 1] + has_mark

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its line end."""
        is_last = number == len(self.line_starts)
        end = len(self.text) if is_last else self.line_starts[number]
        return self.text[self.line_start(number) : end].rstrip("\r\n")


def parse(text: str, name: str) -> Document:
    """Parse a text as YAML 1.2; what is wrong with it stands in `faults`, nothing is raised.

    Duplicate keys and unknown tags are faults below `litellm` only: other sections belong to
    programs that may read them differently.
    """
    root, faults = _grown(text)
    start = int(text.startswith(_BOM))
    nothing = Mapping(start=start, end=start, data={})
    if root is None:
        mapping = nothing
    elif root.data is None and not faults:
        # `null` and `~` give way to a section, as `{}` does; where nothing stands, nothing does.
        is_written = root.start < root.end
        mapping = (
            Mapping(start=root.start, end=root.end, data={}, flow=True) if is_written else nothing
        )
    elif isinstance(root, Mapping):
        mapping = root
    else:
        mapping = nothing
        message = "the file must consist of sections such as `litellm:`"
        faults = (*faults, Fault(start=root.start, end=root.end, message=message))
    starts = (0, *(found.end() for found in LINE_BREAK.finditer(text)))
    return Document(name=name, text=text, root=mapping, faults=faults, line_starts=starts)


def foresee(text: str, root: Callable[[], Mapping | None]) -> None:
    """Say how the tree of a text without faults can be had faster than by reading it.

    Args:
        text: a text that will be parsed.
        root: gives exactly what reading it would give, or None.
    """
    _foreseen.clear()
    _foreseen[text] = root


_foreseen: dict[str, Callable[[], Mapping | None]] = {}


# A command parses the text before and the text after a change again and again: to edit, to prove,
# to check, to show and to list words. Trees are frozen, and nobody changes their data.
@lru_cache(maxsize=2)
def _grown(text: str) -> tuple[Node | None, tuple[Fault, ...]]:
    quick = _foreseen.pop(text, None)
    if quick and (known := quick()):
        return known, ()
    root, faults = grow(text)
    return root, tuple(faults)
