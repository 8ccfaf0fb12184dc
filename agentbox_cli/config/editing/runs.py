"""Lines that can be read alone: consecutive children of a section or list."""

from dataclasses import dataclass
from typing import Any, TypeGuard

from agentbox_cli.config.editing.lines import (
    comment_column,
    is_blank,
    is_first_on_line,
    line_end,
    line_start,
    next_content,
    next_line,
)
from agentbox_cli.config.editing.route import below
from agentbox_cli.config.editing.spans import (
    Collection,
    child_start,
    children,
    has_properties,
    is_in_lines,
    value_stop,
)
from agentbox_cli.config.tree import Alias, Mapping, Node, Sequence, is_merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive children and the whole lines they stand on.

    Args:
        parent: the section or list.
        first, last: the children from `first` to before `last`.
        start, end: their lines, with comments and blank lines up to the next content.
    """

    parent: Collection
    first: int
    last: int
    start: int
    end: int


def run_of(text: str, parent: Collection, low: int, high: int) -> Run | None:
    """The fewest children of a section or list whose lines contain a part of the text."""
    starts = [child_start(text, parent, index) for index in range(len(children(parent)))]
    if not starts:
        return None
    lines = [line_start(text, start) for start in starts]
    first = max((index for index, line in enumerate(lines) if line < low), default=0)
    last = next((index for index, line in enumerate(lines) if line >= high), len(lines))
    last = max(last, first + 1)
    start = min(lines[first], line_start(text, low))
    end = _end_of(text, parent, lines, last)
    if high > end or not is_first_on_line(text, starts[first]):
        return None
    if not is_idle(text, start, lines[first]):
        return None
    return Run(parent=parent, first=first, last=last, start=start, end=end)


def _end_of(text: str, parent: Collection, lines: list[int], last: int) -> int:
    if last < len(lines):
        return lines[last]
    return next_content(text, value_stop(text, children(parent)[-1]))


def is_idle(text: str, start: int, end: int) -> bool:
    """Whether only comments and blank lines stand between two line starts."""
    while start < end:
        if not is_blank(text, start) and comment_column(text, start) is None:
            return False
        start = next_line(text, start)
    return True


def is_closed(text: str, run: Run, after: str) -> bool:
    """Whether the line below the run still starts a line."""
    return run.end == len(text) or after.endswith(("\n", "\r")) or not after


def stands_alone(text: str, run: Run) -> bool:
    """Whether nothing in the run refers to, or is referred to from, elsewhere."""
    parent = run.parent
    if isinstance(parent, Mapping):
        if len(parent.data) != len(parent.entries) or any(map(is_merge, parent.entries)):
            return False
        keys = [entry.key for entry in parent.entries[run.first : run.last]]
    else:
        keys = []
    for child in (*keys, *children(parent)[run.first : run.last]):
        for node in below(child):
            if isinstance(node, Alias) or has_properties(text, node):
                return False
    return True


def is_behind(text: str, run: Run, low: int) -> bool:
    """Whether the run is just the last child, and an index stands behind it."""
    count = len(children(run.parent))
    stop = line_end(text, value_stop(text, children(run.parent)[-1]))
    return run.first == count - 1 and low >= stop


def spine(text: str, run: Run) -> tuple[str, int, Any]:
    """The last child of a run, and of what it contains only the last children, down to one.

    What comes behind a child is read as what it is whatever stood before that child's last line.

    Returns:
        The lines that lead to the innermost last child, where it starts, and the data of both.
    """
    node = children(run.parent)[-1]
    head, start, names = "", run.start, []
    while _opens(node, text):
        names.append([*node.data][-1] if isinstance(node, Mapping) else None)
        head += text[start : line_start(text, child_start(text, node, 0))]
        last = len(children(node)) - 1
        start = line_start(text, child_start(text, node, last))
        node = children(node)[-1]
    data = node.data
    for name in reversed(names):
        data = [data] if name is None else {name: data}
    return head, start, data


def _opens(node: Node, text: str) -> TypeGuard[Collection]:
    """Whether a value stands in lines of its own, one child after the other."""
    if not isinstance(node, Mapping | Sequence) or not is_in_lines(node):
        return False
    is_plain = len(node.data) == len(children(node))
    return is_plain and is_first_on_line(text, child_start(text, node, 0))
