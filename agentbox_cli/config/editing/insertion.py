"""New children for sections and lists that are written in lines.

Each function yields edits, the best-looking first; which of them is right is for `proof` to say.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from agentbox_cli.config.editing.block_text import (
    Layout,
    Rendered,
    behind_dash,
    below_key,
    layout_near,
)
from agentbox_cli.config.editing.lines import (
    column,
    comment_column,
    ending,
    is_blank,
    is_same_line,
    line_start,
    lines_below,
    previous_end,
)
from agentbox_cli.config.editing.route import Route
from agentbox_cli.config.editing.scalar_text import flowed, scalar
from agentbox_cli.config.editing.spans import (
    Collection,
    child_start,
    children,
    dash,
    owned_end,
    owned_start,
)
from agentbox_cli.config.editing.splices import Edit, Splice
from agentbox_cli.config.tree import Mapping, Sequence

_END_MARKER = re.compile(r"^\.\.\.", re.MULTILINE)
# So many of the last children tell whether blank lines stand between them.
_LOOKED_AT = 4


def key_behind(route: Route, section: Mapping, key: str, value: Any) -> Iterator[Edit]:
    """Add a key behind the last one."""
    text, last = route.text, len(section.entries) - 1
    start, at = column(text, child_start(text, section, last)), owned_end(text, section, last)
    end = ending(text, at)
    for one in _as_siblings(section, value, below_key(value, start, layout_of(route, value))):
        line = f"{' ' * start}{scalar(key)}: {one.head}".rstrip(" ")
        for gap in _gaps(text, section, end):
            yield (Splice(at, at, end + gap + end.join((line, *one.tail))),)


def _gaps(text: str, siblings: Collection, end: str) -> tuple[str, ...]:
    """What stands between a new child and its sibling, the best first: a blank line or nothing."""
    # Below a text that keeps its blank lines (`|+`), one more would become part of it.
    return (end, "") if _is_airy(text, siblings) else ("",)


def _is_airy(text: str, siblings: Collection) -> bool:
    """Whether blank lines stand between all of the last children."""
    count = len(children(siblings))
    last = range(max(0, count - _LOOKED_AT), count)
    return len(last) > 1 and all(_is_gap(text, siblings, *two) for two in pairwise(last))


def _is_gap(text: str, siblings: Collection, first: int, second: int) -> bool:
    until = child_start(text, siblings, second)
    below = lines_below(text, owned_end(text, siblings, first))
    return any(start < until and is_blank(text, start) for start in below)


def layout_of(route: Route, value: Any) -> Layout:
    """The indentation around the end of a route, measured only if the value needs it."""
    needs = isinstance(value, (dict, list)) or (isinstance(value, str) and "\n" in value)
    return layout_near(route.text, route.containers) if needs else Layout()


def _as_siblings(
    siblings: Collection, value: Any, usual: Iterator[Rendered]
) -> Iterator[Rendered]:
    """Braces or brackets first, where all siblings of this kind are written in them."""
    kind = Mapping if isinstance(value, dict) else Sequence
    alike = [one for one in children(siblings) if isinstance(one, kind) and children(one)]
    if value and isinstance(value, (dict, list)) and alike and all(one.flow for one in alike):
        yield Rendered(head=flowed(value))
    yield from usual


def item_at(route: Route, items: Sequence, index: int, value: Any) -> Iterator[Edit]:
    """Insert an item before the one at the index, or behind the last one."""
    text = route.text
    start, inner = inner_column(text, items, min(index, len(items.items) - 1))
    for one in _as_siblings(items, value, behind_dash(value, inner, layout_of(route, value))):
        first = "-" + " " * (inner - start - 1) + one.head
        for gap in _gaps(text, items, ending(text, dash(text, items, 0))):
            yield (_new_item(text, items, index, (first, *one.tail), gap),)


def inner_column(text: str, items: Sequence, index: int) -> tuple[int, int]:
    """The columns of an item's dash, and of what stands behind it."""
    at, item = dash(text, items, index), items.items[index]
    is_beside = item.start != item.end and is_same_line(text, at, item.start)
    start = column(text, at)
    return start, column(text, item.start) if is_beside else start + 2


def _new_item(text: str, items: Sequence, index: int, lines: tuple[str, ...], gap: str) -> Splice:
    margin = " " * column(text, dash(text, items, 0))
    if index == len(items.items):
        at = owned_end(text, items, index - 1)
        end = ending(text, at)
        return Splice(at, at, end + gap + margin + end.join(lines))
    at, end = owned_start(text, items, index), ending(text, dash(text, items, index))
    if column(text, at):  # the first item shares its line with what the list stands in
        return Splice(at, at, end.join(lines) + end + gap + margin)
    return Splice(at, at, margin + end.join(lines) + end + gap)


def first_key(route: Route, key: str, value: Any) -> Iterator[Edit]:
    """Add a key to a text without any."""
    text, root = route.text, route.document.root
    end = ending(text, len(text))
    for one in below_key(value, 0, Layout()):
        lines = end.join((f"{scalar(key)}: {one.head}".rstrip(" "), *one.tail))
        if root.flow:
            yield (Splice(root.start, root.end, lines),)
        else:
            yield (Splice(len(text), len(text), _behind(text, lines, end)),)
            for marker in _END_MARKER.finditer(text):
                yield (Splice(marker.start(), marker.start(), lines + end),)


def _behind(text: str, lines: str, end: str) -> str:
    words = text.removeprefix("\ufeff")
    if not words:
        return lines + end
    # Directly below a comment, the key would own it.
    is_ended = words.endswith(("\n", "\r"))
    last = previous_end(text, len(text)) if is_ended else len(text)
    gap = end if comment_column(text, line_start(text, last)) is not None else ""
    return gap + lines + end if is_ended else end + gap + lines
