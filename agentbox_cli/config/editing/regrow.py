"""The tree of an edited text, made of the tree before the edit and of the lines that changed.

Reading a text is what a command on a long config waits for. As with the proof of an edit, as few
lines as can tell are read: the children of one section or list, twice. As they were, which must
give the very nodes that the whole text gave; and as they are. What stands elsewhere is moved.
"""

import re
from collections.abc import Sequence as Items
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TypeVar

from agentbox_cli.config.editing.lines import column, line_start, next_line
from agentbox_cli.config.editing.route import below
from agentbox_cli.config.editing.runs import (
    Run,
    is_behind,
    is_closed,
    is_idle,
    run_of,
    spine,
    stands_alone,
)
from agentbox_cli.config.editing.spans import (
    Collection,
    child_start,
    children,
    has_properties,
    is_in_lines,
    value_stop,
)
from agentbox_cli.config.grow import MAX_DEPTH, grow
from agentbox_cli.config.tree import Alias, Entry, Mapping, Node, Scalar, Sequence, is_merge

_Some = TypeVar("_Some", bound=Node)
_Part = Entry | Node
_Parts = tuple[_Part, ...]

_BOM = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# What ends a document or says something of the whole of it.
_OF_DOCUMENT = re.compile(r"---|\.\.\.|%")
# A part of the text that is read twice must be less than this part of it to be worth it.
_WORTH = 3


def regrown(root: Mapping, before: str, after: str) -> Mapping | None:
    """The tree that reading `after` would give, place by place; None if only that can tell.

    Args:
        root: what reading `before` gave, without a fault.
        before: the text before an edit.
        after: the text after it.
    """
    if not _is_simple(root, before) or _BOM in after[1:]:
        return None
    low, high = _changed(before, after)
    for nest in _nests(root, before, low, high):
        run = run_of(before, nest.parent, low, high)
        if run is None:
            return None
        change = _Change(run=run, before=before, after=after, low=low, high=high)
        fresh = change.children()
        if fresh is not None and len(nest.above) + fresh.height < MAX_DEPTH:
            return _grafted(nest, run, fresh, change.by)
    return None


def _is_simple(root: Mapping, text: str) -> bool:
    """Whether nothing but comments stands around the root, and no node stands for another."""
    if root.flow or not root.entries:
        return False
    first, last = line_start(text, root.start), next_line(text, value_stop(text, root))
    alone = is_idle(text, line_start(text, 0), first) and is_idle(text, last, len(text))
    return alone and not any(isinstance(node, Alias) for node in below(root))


def _changed(before: str, after: str) -> tuple[int, int]:
    """Where in the text before the lines begin and end that are others now."""
    old, new = _LINE.findall(before), _LINE.findall(after)
    head = _shared(old, new)
    most = min(len(old), len(new)) - head
    tail = min(most, _shared(old[::-1], new[::-1]))
    low = sum(map(len, old[:head]))
    return low, len(before) - sum(map(len, old[len(old) - tail :]))


def _shared(first: Items[str], second: Items[str]) -> int:
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nest:
    """A section or list, and the ways to it: what is above it, with the child that is entered."""

    parent: Collection
    above: tuple[tuple[Collection, int], ...] = ()


def _nests(root: Mapping, text: str, low: int, high: int) -> list[_Nest]:
    """What contains the change, the innermost first."""
    nests: list[_Nest] = []
    parent: Node = root
    above: tuple[tuple[Collection, int], ...] = ()
    while isinstance(parent, Mapping | Sequence) and is_in_lines(parent) and _is_plain(parent):
        run = run_of(text, parent, low, high)
        if run is None:
            break
        nests.insert(0, _Nest(parent=parent, above=above))
        if run.last - run.first > 1:
            break
        above = (*above, (parent, run.first))
        parent = children(parent)[run.first]
    return nests


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh:
    """The children of a run as they are now, and where the section or list of them begins."""

    start: int
    parts: _Parts

    @property
    def height(self) -> int:
        return max(max(node.height for node in _nodes(part)) for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A run whose lines are others now: those of the text before from `low` to `high`."""

    run: Run
    before: str
    after: str
    low: int
    high: int

    @property
    def by(self) -> int:
        """How much longer the text is now."""
        return len(self.after) - len(self.before)

    def children(self) -> _Fresh | None:
        """The children that the lines of the run have now; None if the lines cannot tell."""
        run, end = self.run, self.run.end + self.by
        is_around = self.before[: run.start] == self.after[: run.start]
        if not is_around or self.before[run.end :] != self.after[end:]:
            return None
        now = self.after[run.start : end]
        if not stands_alone(self.before, run) or not is_closed(self.before, run, now):
            return None
        if self.low == self.high and is_behind(self.before, run, self.low):
            return self._with_those_behind(end)
        was = self._alone("", self.before[run.start : run.end], run.start)
        is_so = was is not None and was.parts == _parts(run.parent)[run.first : run.last]
        if was is None or not is_so or (run.first == 0 and was.start != run.parent.start):
            return None
        return self._alone("", now, run.start)

    def _with_those_behind(self, end: int) -> _Fresh | None:
        """The last child, of which only the last lines are read, and what follows it now."""
        head, start, _ = spine(self.before, self.run)
        was = self._alone(head, self.before[start : self.run.end], start)
        now = self._alone(head, self.after[start:end], start)
        if was is None or now is None or was.parts != now.parts[:1]:
            return None
        own = _parts(self.run.parent)[self.run.first]
        if _nodes(was.parts[0])[-1].end != _nodes(own)[-1].end:
            return None
        return _Fresh(start=self.run.parent.start, parts=(own, *now.parts[1:]))

    def _alone(self, head: str, lines: str, start: int) -> _Fresh | None:
        """The children that lines are when they are read alone.

        Args:
            head: other lines that lead to them.
            lines: what is read.
            start: where they stand in the text.
        """
        if len(lines) * _WORTH > len(self.after):
            return None
        if any(map(_OF_DOCUMENT.match, _LINE.findall(lines))):
            return None
        parent, text = self.run.parent, head + lines
        found, faults = grow(text)
        if faults or not isinstance(found, Mapping | Sequence) or not is_in_lines(found):
            return None
        margin = column(self.before, child_start(self.before, parent, self.run.first))
        if type(found) is not type(parent) or column(text, found.start) != margin:
            return None
        if not all(_is_certain(text, node) for node in below(found)):
            return None
        by = start - len(head)
        parts = tuple(_shifted(part, by) for part in _parts(found))
        return _Fresh(start=found.start + by, parts=parts)


def _is_certain(text: str, node: Node) -> bool:
    """Whether a node means the same wherever it stands."""
    if isinstance(node, Alias) or has_properties(text, node):
        return False
    # The end of a text in lines depends on what follows.
    return _is_plain(node) and not (isinstance(node, Scalar) and node.style in ("|", ">"))


def _is_plain(node: Node) -> bool:
    """Whether no key stands twice or comes from a merge."""
    if not isinstance(node, Mapping):
        return True
    return len(node.data) == len(node.entries) and not any(map(is_merge, node.entries))


def _parts(collection: Collection) -> _Parts:
    return collection.entries if isinstance(collection, Mapping) else collection.items


def _nodes(part: _Part) -> tuple[Node, ...]:
    return (part.key, part.value) if isinstance(part, Entry) else (part,)


def _grafted(nest: _Nest, run: Run, fresh: _Fresh, by: int) -> Mapping | None:
    """The whole tree with the fresh children in the place of those of the run."""
    kept = _parts(run.parent)
    behind = [_shifted(part, by) for part in kept[run.last :]]
    start = run.parent.start if run.first else fresh.start
    grown = _built(run.parent, start, (*kept[: run.first], *fresh.parts, *behind))
    if not _is_plain(grown):
        return None
    for parent, index in reversed(nest.above):
        grown = _built(parent, parent.start, _with_child(parent, index, grown, by))
    return grown if isinstance(grown, Mapping) else None


def _with_child(parent: Collection, index: int, child: Node, by: int) -> _Parts:
    kept = _parts(parent)
    old = kept[index]
    new = replace(old, value=child) if isinstance(old, Entry) else child
    return (*kept[:index], new, *(_shifted(part, by) for part in kept[index + 1 :]))


def _built(like: Collection, start: int, parts: _Parts) -> Collection:
    """A section or list of the same kind with other children."""
    nodes = [node for part in parts for node in _nodes(part)]
    end, size = nodes[-1].end, 1 + sum(node.size for node in nodes)
    height = 1 + max(node.height for node in nodes)
    if isinstance(like, Sequence):
        items = [node.data for node in nodes]
        return Sequence(
            start=start, end=end, data=items, size=size, height=height, items=tuple(nodes)
        )
    entries = tuple(part for part in parts if isinstance(part, Entry))
    data = {entry.name: entry.value.data for entry in entries}
    return Mapping(start=start, end=end, data=data, size=size, height=height, entries=entries)


def _shifted(part: _Part, by: int) -> _Part:
    return _entry(part, by) if isinstance(part, Entry) else _moved(part, by)


def _entry(entry: Entry, by: int) -> Entry:
    return Entry(name=entry.name, key=_moved(entry.key, by), value=_moved(entry.value, by))


def _moved(node: _Some, by: int) -> _Some:
    """A node and all in it, so many characters further on."""
    if by == 0:
        return node
    start, end = node.start + by, node.end + by
    if isinstance(node, Mapping):
        entries = tuple(_entry(entry, by) for entry in node.entries)
        return replace(node, start=start, end=end, entries=entries)
    if isinstance(node, Sequence):
        items = tuple(_moved(item, by) for item in node.items)
        return replace(node, start=start, end=end, items=items)
    return replace(node, start=start, end=end)
