"""Edits of sections in braces and lists in brackets.

Each function yields edits, the best-looking first; which of them is right is for `proof` to say.
"""

import re
from collections.abc import Iterator
from typing import Any

from agentbox_cli.config.editing.lines import (
    ending,
    is_first_on_line,
    is_same_line,
    line_end,
    line_start,
    next_line,
)
from agentbox_cli.config.editing.plain_edits import Names, at
from agentbox_cli.config.editing.route import Route, below
from agentbox_cli.config.editing.scalar_text import flowed
from agentbox_cli.config.editing.spans import (
    Collection,
    behind_properties,
    child_start,
    children,
    owned_start,
)
from agentbox_cli.config.editing.splices import Edit, Splice, on_line
from agentbox_cli.config.tree import Mapping, Node, Scalar, Sequence

_COMMA = re.compile(r"(?:\s|#[^\r\n]*+)*+,")
_REST_OF_LINE = re.compile(r"[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?")
_CLOSERS = re.compile(r"(?:[ \t]*[,\]}])*")
_GAP = re.compile(r"[ \t]*")


def replaced(route: Route, value: Any) -> Iterator[Edit]:
    """Replace the value at the end of a route."""
    text, old = route.text, route.node
    own = old.style if isinstance(old, Scalar) and isinstance(value, str) else ""
    new = flowed(value, style=own or style_of(route.steps[-1].parent))
    leads = (" ", ": ") if old.start == old.end else ("",)
    for lead in leads:
        splice = Splice(old.start, old.end, lead + new)
        yield tuple(on_line(text, splice, last=last_on_line(route, old.end)))


def style_of(collection: Collection) -> str:
    """The double quote, where all keys and text in it have one, as in JSON; else none."""
    words = (one for one in below(collection) if isinstance(one, Scalar))
    styles = {one.style for one in words if isinstance(one.data, str)}
    return '"' if styles == {'"'} else ""


def last_on_line(route: Route, index: int) -> int:
    """The end of the last value or bracket on the line, of those around the end of the route."""
    end = line_end(route.text, index)
    outer = next(
        one for one in route.containers if isinstance(one, Mapping | Sequence) and one.flow
    )
    if outer.end <= end:
        return outer.end
    last = max((one.end for one in below(outer) if one.end <= end), default=index)
    closers = _CLOSERS.match(route.text, max(last, index))
    return closers.end() if closers else last


def child_at(route: Route, parent: Collection, index: int, new: str) -> Iterator[Edit]:
    """Insert a child, as text, before the one at the index, or behind the last one."""
    text = route.text
    if index == len(children(parent)):
        yield from _behind_last(text, parent, new)
        return
    start = child_start(text, parent, index)
    if is_first_on_line(text, start):
        first, end = owned_start(text, parent, index), ending(text, start)
        margin = text[line_start(text, start) : start]
        yield (Splice(first, first, f"{margin}{new},{end}"),)
    yield (Splice(start, start, f"{new}, "),)


def _behind_last(text: str, parent: Collection, new: str) -> Iterator[Edit]:
    start, stop = child_start(text, parent, len(children(parent)) - 1), children(parent)[-1].end
    if isinstance(parent, Mapping):
        stop = max(stop, parent.entries[-1].key.end)
    rest = _REST_OF_LINE.match(text, stop)
    if rest and is_first_on_line(text, start) and rest.end() == line_end(text, rest.end()):
        margin = ending(text, start) + text[line_start(text, start) : start]
        comma = () if rest[1] else (Splice(stop, stop, ","),)
        yield (*comma, Splice(rest.end(), rest.end(), f"{margin}{new}{rest[1]}"))
    yield (Splice(stop, stop, f", {new}"),)


def without_child(route: Route) -> Iterator[Edit]:
    """Remove a child and one comma."""
    text, step = route.text, route.steps[-1]
    parent, index = step.parent, step.index
    if len(children(parent)) == 1:
        empty = "{}" if isinstance(parent, Mapping) else "[]"
        splice = Splice(behind_properties(text, parent), parent.end, empty)
        yield tuple(on_line(text, splice, last=last_on_line(route, parent.end)))
        return
    start, stop = child_start(text, parent, index), step.node.end
    if isinstance(parent, Mapping):
        stop = max(stop, parent.entries[index].key.end)
    yield from _cuts(route, start, stop)


def _cuts(route: Route, start: int, stop: int) -> Iterator[Edit]:
    text, step = route.text, route.steps[-1]
    rest = _REST_OF_LINE.match(text, stop)
    if rest and is_first_on_line(text, start) and rest.end() == line_end(text, rest.end()):
        first = owned_start(text, step.parent, step.index)
        yield (Splice(first, next_line(text, stop), ""),)
    comma = _COMMA.match(text, stop)
    if comma:
        gap = _GAP.match(text, comma.end())
        end = gap.end() if gap else comma.end()
        yield _cut(route, start, end)
    if step.index:
        before = children(step.parent)[step.index - 1].end
        yield _cut(route, before, stop)
    yield _cut(route, start, stop)


def _cut(route: Route, start: int, end: int) -> Edit:
    if not is_same_line(route.text, start, end):
        return (Splice(start, end, ""),)
    splice = Splice(start, end, "")
    return tuple(on_line(route.text, splice, last=max(end, last_on_line(route, end))))


def moved_item(route: Route, items: Sequence, old: int, new: int) -> Iterator[Edit]:
    """Put an item at another index."""
    text = route.text
    chunks = [text[item.start : item.end] for item in items.items]
    chunks.insert(new, chunks.pop(old))
    yield tuple(
        Splice(item.start, item.end, chunk)
        for item, chunk in zip(items.items, chunks, strict=True)
    )


def rewritten(route: Route, names: Names, wanted: Any) -> Iterator[Edit]:
    """Write brackets anew that contain what changed, if they stand on one line."""
    text = route.text
    for depth in range(len(names), -1, -1):
        node = route.containers[depth]
        start = behind_properties(text, node)
        if _is_bracketed(text, node, start):
            new = flowed(at(wanted, names[:depth]))
            last = last_on_line(route, node.end)
            yield tuple(on_line(text, Splice(start, node.end, new), last=last))


def _is_bracketed(text: str, node: Node, start: int) -> bool:
    words = text[start : node.end]
    is_line = is_same_line(text, start, node.end) and "#" not in words
    return is_line and isinstance(node, Mapping | Sequence) and words[:1] in ("[", "{")
