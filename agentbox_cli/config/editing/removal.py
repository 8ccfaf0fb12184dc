"""Children of sections and lists that are written in lines: removed, moved, renamed.

Each function yields edits, the best-looking first; which of them is right is for `proof` to say.
"""

import re
from collections.abc import Iterator

from agentbox_cli.config.editing.brackets import last_on_line
from agentbox_cli.config.editing.lines import (
    column,
    is_blank,
    is_same_line,
    next_line,
)
from agentbox_cli.config.editing.route import Route
from agentbox_cli.config.editing.scalar_text import scalar
from agentbox_cli.config.editing.spans import (
    behind_properties,
    block_header,
    child_start,
    children,
    colon_end,
    dash,
    has_properties,
    is_in_lines,
    marker_end,
    owned_end,
    owned_start,
    properties_end,
    value_stop,
)
from agentbox_cli.config.editing.splices import Edit, Splice, on_line, without_lines
from agentbox_cli.config.tree import Entry, Mapping, Scalar, Sequence

_BLANKS = re.compile(r"\s*")


def without_child(route: Route) -> Iterator[Edit]:
    """Remove a child with the comments that it owns."""
    text, step = route.text, route.steps[-1]
    if len(children(step.parent)) == 1:
        yield from _emptied(route)
        return
    start = owned_start(text, step.parent, step.index)
    end = owned_end(text, step.parent, step.index)
    if column(text, start):  # the first child of an item: what comes next moves up to the dash
        behind = _BLANKS.match(text, end)
        yield (Splice(start, behind.end() if behind else end, ""),)
        return
    yield from without_lines(text, start, end)
    # Blank lines below would become part of a text above that keeps them (`|+`).
    rest = next_line(text, end)
    while rest < len(text) and is_blank(text, rest):
        rest = next_line(text, rest)
    yield (Splice(start, rest, ""),)


def _emptied(route: Route) -> Iterator[Edit]:
    text, parent = route.text, route.steps[-1].parent
    empty = "{}" if isinstance(parent, Mapping) else "[]"
    start, end = owned_start(text, parent, 0), owned_end(text, parent, 0)
    if len(route.steps) == 1:
        yield (Splice(start, end, empty),)
        return
    above = route.steps[-2]
    at, first = marker_end(text, above.parent, above.index), child_start(text, parent, 0)
    if at is None:
        return
    if is_same_line(text, at, first):
        yield (Splice(first, end, empty),)
        return
    head = tuple(on_line(text, Splice(at, at, f" {empty}")))
    for removed in without_lines(text, start, end):
        yield (*head, *removed)


def moved_item(route: Route, items: Sequence, old: int, new: int) -> Iterator[Edit]:
    """Put an item at another index: with its comments, or else without them."""
    text = route.text
    first, last = min(old, new), max(old, new)
    indexes = range(first, last + 1)
    whole = [(owned_start(text, items, one), owned_end(text, items, one)) for one in indexes]
    values = [(items.items[one].start, value_stop(text, items.items[one])) for one in indexes]
    chunks = [text[start:end] for start, end in whole]
    is_beside = column(text, whole[0][0]) > 0  # the list starts on a line that it shares
    margin = " " * column(text, dash(text, items, 0)) if is_beside else ""
    chunks[0] = margin + chunks[0]
    rotated = _rotated(chunks, old - first, new - first)
    yield _filled(whole, [rotated[0].removeprefix(margin), *rotated[1:]])
    chunks = [text[start:end] for start, end in values]
    yield _filled(values, _rotated(chunks, old - first, new - first))


def _rotated(chunks: list[str], old: int, new: int) -> list[str]:
    rest = [*chunks[:old], *chunks[old + 1 :]]
    return [*rest[:new], chunks[old], *rest[new:]]


def _filled(spans: list[tuple[int, int]], chunks: list[str]) -> Edit:
    return tuple(Splice(*span, chunk) for span, chunk in zip(spans, chunks, strict=True))


def renamed_key(route: Route, section: Mapping, name: str) -> Iterator[Edit]:
    """Write another key in the quotes of the old one."""
    text, entry = route.text, section.entries[route.steps[-1].index]
    style = entry.key.style if isinstance(entry.key, Scalar) else ""
    start = behind_properties(text, entry.key)
    for quote in (style, '"'):
        new = scalar(name, flow=section.flow, style=quote)
        last = _last_on_line(route, entry)
        yield tuple(on_line(text, Splice(start, entry.key.end, new), last=last))


def _last_on_line(route: Route, entry: Entry) -> int:
    text, value = route.text, entry.value
    marker = colon_end(text, entry.key) or entry.key.end
    if route.steps[-1].parent.flow:
        return last_on_line(route, entry.key.end)
    if not is_in_lines(value) and is_same_line(text, marker, value.end):
        return value.end
    header = block_header(text, value) if isinstance(value, Scalar) else ""
    if header:
        return behind_properties(text, value) + len(header)
    return properties_end(text, value) if has_properties(text, value) else marker
