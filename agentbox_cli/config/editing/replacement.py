"""Another value for a key or an item in lines.

Each function yields edits, the best-looking first; which of them is right is for `proof` to say.
"""

from collections.abc import Iterator
from typing import Any

from agentbox_cli.config.editing.block_text import Rendered, behind_dash, below_key
from agentbox_cli.config.editing.insertion import inner_column, layout_of
from agentbox_cli.config.editing.lines import (
    column,
    ending,
    is_same_line,
    line_end,
    line_start,
)
from agentbox_cli.config.editing.route import Route, Step
from agentbox_cli.config.editing.scalar_text import flowed, scalar
from agentbox_cli.config.editing.spans import (
    block_header,
    child_start,
    children,
    is_in_lines,
    marker_end,
    owned_start,
    value_stop,
)
from agentbox_cli.config.editing.splices import Edit, Splice, on_line, without_lines
from agentbox_cli.config.tree import Mapping, Node, Scalar, Sequence

_QUOTES = ('"', "'")
_BLOCK_SCALARS = ("|", ">")


def replaced(route: Route, value: Any) -> Iterator[Edit]:
    """Replace the value at the end of a route."""
    text, step = route.text, route.steps[-1]
    marker = marker_end(text, step.parent, step.index)
    if marker is None:
        return
    for one in (*_in_style(step.node, value), *_renderings(route, step, value)):
        yield from _placed(text, marker, step.node, one)


def _in_style(old: Node, value: Any) -> Iterator[Rendered]:
    """The value in the quotes, braces or brackets of the old one."""
    if isinstance(old, Scalar) and old.style in _QUOTES and isinstance(value, str):
        yield Rendered(head=scalar(value, style=old.style))
    is_bracketed = isinstance(old, Mapping | Sequence) and old.flow and children(old)
    if is_bracketed and value and isinstance(value, (dict, list)):
        yield Rendered(head=flowed(value))


def _renderings(route: Route, step: Step, value: Any) -> Iterator[Rendered]:
    text, old, layout = route.text, step.node, layout_of(route, value)
    own = column(text, old.start)
    is_lower = is_in_lines(old) and not _is_beside(text, step)
    if isinstance(step.parent, Sequence) and not is_lower:
        yield from behind_dash(value, inner_column(text, step.parent, step.index)[1], layout)
        return
    kind = dict if isinstance(old, Mapping) else list
    inner = own if is_lower and isinstance(value, kind) else None
    key = column(text, child_start(text, step.parent, step.index))
    yield from below_key(value, key, layout, inner=inner)


def _is_beside(text: str, step: Step) -> bool:
    marker = marker_end(text, step.parent, step.index)
    return marker is not None and is_same_line(text, marker, step.node.start)


def _placed(text: str, marker: int, old: Node, new: Rendered) -> Iterator[Edit]:
    is_beside = is_same_line(text, marker, old.start)
    if isinstance(old, Mapping | Sequence) and is_in_lines(old):
        if is_beside:
            stop = line_end(text, value_stop(text, old))
            yield (Splice(old.start, stop, ending(text, old.start).join((new.head, *new.tail))),)
        else:
            yield from _instead_of_lines(text, marker, owned_start(text, old, 0), old, new)
    elif not new.head and not is_beside:
        yield _lines_instead(text, old, new)
    else:
        yield _in_place(text, old.start if new.head else marker, old, new)


def _instead_of_lines(
    text: str, marker: int, first: int, old: Node, new: Rendered
) -> Iterator[Edit]:
    last = line_end(text, value_stop(text, old))
    end = ending(text, marker)
    if not new.head:
        yield (Splice(first, last, end.join(new.tail)),)
        return
    head = on_line(text, Splice(marker, marker, f" {new.head}"))
    tail = _below(text, marker, new.tail)
    for removed in without_lines(text, first, last):
        yield (*head, *tail, *removed)


def _below(text: str, index: int, lines: tuple[str, ...]) -> Edit:
    at, end = line_end(text, index), ending(text, index)
    return (Splice(at, at, end + end.join(lines)),) if lines else ()


def _lines_instead(text: str, old: Node, new: Rendered) -> Edit:
    """Lines in place of a value that stands below its key; a comment beside it stays above."""
    start, stop = line_start(text, old.start), line_end(text, value_stop(text, old))
    end = ending(text, old.start)
    beside = text[old.end : stop].strip()
    margin = text[start : old.start]
    comment = f"{margin}{beside}{end}" if beside.startswith("#") else ""
    return (Splice(start, stop, comment + end.join(new.tail)),)


def _in_place(text: str, start: int, old: Node, new: Rendered) -> Edit:
    head = f" {new.head}" if new.head and old.start == old.end else new.head
    if isinstance(old, Scalar) and old.style in _BLOCK_SCALARS:
        header = old.start + len(block_header(text, old))
        body = (line_end(text, header), line_end(text, value_stop(text, old)))
        end = ending(text, header)
        tail = "".join(end + line for line in new.tail)
        return (*on_line(text, Splice(start, header, head)), Splice(*body, tail))
    return (*on_line(text, Splice(start, old.end, head)), *_below(text, old.end, new.tail))
