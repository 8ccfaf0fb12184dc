"""Which part of the text belongs to a child of a section or list, with its comments.

A child owns the comments directly above it in its own column, its lines, and the comments below
them that stand deeper than it does.
"""

import re

from agentbox_cli.config.editing.lines import (
    column,
    comment_column,
    is_blank,
    line_end,
    line_start,
    lines_below,
    previous_end,
)
from agentbox_cli.config.tree import Mapping, Node, Scalar, Sequence

Collection = Mapping | Sequence

_COLON = re.compile(r"(?:\s|#[^\r\n]*+)*+:")
_DASH = re.compile(r"(?:\s|#[^\r\n]*+)*+-")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*+(?:\s|#[^\r\n]*+)*+)++")
_PROPERTY_WORDS = re.compile(r"[&!][^\s,\[\]{}]*+(?:\s++[&!][^\s,\[\]{}]*+)*+")
_EXPLICIT_KEY = re.compile(r"\?[ \t]+$")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")


def children(collection: Collection) -> tuple[Node, ...]:
    """The values of a section, or the items of a list."""
    if isinstance(collection, Mapping):
        return tuple(entry.value for entry in collection.entries)
    return collection.items


def has_properties(text: str, node: Node) -> bool:
    """Whether an anchor or a tag stands before the value itself."""
    if node.start == node.end or text[node.start] not in "&!":
        return False
    # An anchor of the first key stands where its section begins.
    if not isinstance(node, Mapping) or node.flow or not node.entries:
        return True
    return node.entries[0].key.start > node.start


def behind_properties(text: str, node: Node) -> int:
    """Where the value itself begins."""
    found = _PROPERTIES.match(text, node.start) if has_properties(text, node) else None
    return min(node.end, found.end()) if found else node.start


def properties_end(text: str, node: Node) -> int:
    """The end of the anchor or tag before a value; the start of the value if there is none."""
    words = _PROPERTY_WORDS.match(text, node.start) if has_properties(text, node) else None
    return min(node.end, words.end()) if words else node.start


def colon_end(text: str, key: Node) -> int | None:
    """Where the colon behind a key ends; None if there is none."""
    found = _COLON.match(text, key.end)
    return found.end() if found else None


def dash(text: str, sequence: Sequence, index: int) -> int:
    """The index of the dash of an item of a list without brackets."""
    before = sequence.items[index - 1].end if index else behind_properties(text, sequence)
    found = _DASH.match(text, before)
    return found.end() - 1 if found else before


def child_start(text: str, collection: Collection, index: int) -> int:
    """Where a child begins: at its key, its dash, or in brackets at itself."""
    if isinstance(collection, Sequence):
        is_flow = collection.flow
        return collection.items[index].start if is_flow else dash(text, collection, index)
    start = collection.entries[index].key.start
    first = line_start(text, start)
    explicit = _EXPLICIT_KEY.search(text, first, start)
    return explicit.start() if explicit else start


def marker_end(text: str, parent: Collection, index: int) -> int | None:
    """The end of the colon or dash before a child, and of an anchor or tag behind that.

    None for a key without a colon, and in brackets.
    """
    if isinstance(parent, Sequence):
        at = None if parent.flow else dash(text, parent, index) + 1
    else:
        at = colon_end(text, parent.entries[index].key)
    child = children(parent)[index]
    return properties_end(text, child) if at and has_properties(text, child) else at


def is_in_lines(node: Node) -> bool:
    """Whether a value is a section or list that is written in lines."""
    return isinstance(node, Mapping | Sequence) and not node.flow and bool(children(node))


def value_stop(text: str, node: Node) -> int:
    """The end of what a value consists of, on its last line."""
    if isinstance(node, Mapping | Sequence) and is_in_lines(node):
        return value_stop(text, children(node)[-1])
    if isinstance(node, Scalar) and node.style in ("|", ">"):
        return _block_scalar_stop(text, node)
    return node.end


def _block_scalar_stop(text: str, node: Scalar) -> int:
    if "+" not in block_header(text, node):
        return node.start + len(text[node.start : node.end].rstrip("\r\n"))
    return previous_end(text, node.end)


def block_header(text: str, node: Scalar) -> str:
    """The `|` or `>` of a text in lines, with its indicators."""
    found = _BLOCK_HEADER.match(text, behind_properties(text, node))
    return found[0] if found else ""


def owned_start(text: str, collection: Collection, index: int) -> int:
    """Where the comments above a child begin, or its line; the child where it shares a line."""
    start = child_start(text, collection, index)
    first = line_start(text, start)
    if text[first:start].strip(" \t"):
        return start
    floor = value_stop(text, children(collection)[index - 1]) if index else -1
    while (above := _line_above(text, first)) is not None and above > floor:
        if comment_column(text, above) != start - line_start(text, start):
            break
        first = above
    return first


def _line_above(text: str, start: int) -> int | None:
    end = previous_end(text, start)
    return line_start(text, end) if end < start else None


def owned_end(text: str, collection: Collection, index: int) -> int:
    """The end of the last line of a child, or of the deeper comments below it."""
    own = column(text, child_start(text, collection, index))
    last = line_end(text, value_stop(text, children(collection)[index]))
    for start in lines_below(text, last):
        at = comment_column(text, start)
        if at is None and is_blank(text, start):
            continue
        if at is None or at <= own:
            break
        last = line_end(text, start)
    return last
