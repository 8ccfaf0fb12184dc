"""Whether an edited text means exactly what was intended, and nothing else.

Parsing is what an edit costs (a millisecond for ten lines, measured), so as few lines as can prove
it are parsed: the children of one section or list that the edit touches, which are a YAML text of
their own, up to the next line with content. Where they are not, the whole text is parsed.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from agentbox_cli.config.document import parse
from agentbox_cli.config.editing.lines import (
    column,
    comment_column,
    is_blank,
    is_first_on_line,
    line_end,
    line_start,
    next_content,
    next_line,
)
from agentbox_cli.config.editing.plain_edits import at
from agentbox_cli.config.editing.route import Route, below
from agentbox_cli.config.editing.spans import (
    Collection,
    child_start,
    children,
    has_properties,
    is_in_lines,
    value_stop,
)
from agentbox_cli.config.editing.splices import Edit, spliced
from agentbox_cli.config.grow import grow
from agentbox_cli.config.tree import Alias, Mapping, Node, Sequence, is_merge


def first_proven(route: Route, candidates: Iterable[Edit], wanted: dict[Hashable, Any]) -> str:
    """The text of the first edit that gives exactly the wanted data.

    Raises:
        EditRefusedError: none does.
    """
    for edit in candidates:
        if _gives(route, edit, wanted):
            return spliced(route.text, edit)
    raise route.refusal("this cannot be edited without touching something else")


def _gives(route: Route, edit: Edit, wanted: dict[Hashable, Any]) -> bool:
    for run, names in _runs(route, edit):
        verdict = _proven(route.text, run, edit, at(wanted, names))
        if verdict is not None:
            return verdict
    after = parse(spliced(route.text, edit), route.document.name)
    return not after.faults and _same(after.data, wanted)


def _same(first: Any, second: Any) -> bool:
    # repr is strict about types and order, and finds .nan equal to itself.
    return repr(first) == repr(second)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
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


def _runs(route: Route, edit: Edit) -> Iterator[tuple[_Run, tuple[Hashable, ...]]]:
    """The runs that contain the edit, the smallest first, with the names that lead to them."""
    for depth in range(len(route.steps), -1, -1):
        container = route.containers[depth]
        if isinstance(container, Mapping | Sequence) and not container.flow:
            run = _run(route.text, container, edit)
            if run is not None:
                yield run, route.names[:depth]


def _run(text: str, parent: Collection, edit: Edit) -> _Run | None:
    low, high = min(one.start for one in edit), max(one.end for one in edit)
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
    if not _is_idle(text, start, lines[first]):
        return None
    return _Run(parent=parent, first=first, last=last, start=start, end=end)


def _end_of(text: str, parent: Collection, lines: list[int], last: int) -> int:
    if last < len(lines):
        return lines[last]
    return next_content(text, value_stop(text, children(parent)[-1]))


def _is_idle(text: str, start: int, end: int) -> bool:
    """Whether only comments and blank lines stand between two line starts."""
    while start < end:
        if not is_blank(text, start) and comment_column(text, start) is None:
            return False
        start = next_line(text, start)
    return True


def _proven(text: str, run: _Run, edit: Edit, wanted: Any) -> bool | None:
    """Whether the lines of the run mean what they should; None if they alone cannot tell."""
    count = len(children(run.parent))
    intended = _part(wanted, run.first, len(wanted) - (count - run.last))
    if not intended or not _stands_alone(text, run):
        return None
    present = _part(run.parent.data, run.first, run.last)
    head, start = "", run.start
    if len(wanted) > count and _is_behind(text, run, edit):
        head, start, last = _spine(text, run)
        present, intended = _with_first(present, last), _with_first(intended, last)
    lines, margin = text[start : run.end], column(text, child_start(text, run.parent, run.first))
    after = spliced(lines, edit, offset=start)
    if not _means(head + lines, present, margin) or not _is_closed(text, run, after):
        return None
    return _means(head + after, intended, margin)


def _is_closed(text: str, run: _Run, after: str) -> bool:
    """Whether the line below the run still starts a line."""
    return run.end == len(text) or after.endswith(("\n", "\r")) or not after


def _is_behind(text: str, run: _Run, edit: Edit) -> bool:
    """Whether the edit adds something behind the last child, and the run is just that child."""
    count = len(children(run.parent))
    stop = line_end(text, value_stop(text, children(run.parent)[-1]))
    is_last = run.first == count - 1
    return is_last and all(one.start >= stop for one in edit)


def _spine(text: str, run: _Run) -> tuple[str, int, Any]:
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


def _with_first(data: Any, value: Any) -> Any:
    if isinstance(data, list):
        return [value, *data[1:]]
    return {name: value if place == 0 else old for place, (name, old) in enumerate(data.items())}


def _part(data: Any, first: int, last: int) -> Any:
    return dict([*data.items()][first:last]) if isinstance(data, dict) else data[first:last]


def _stands_alone(text: str, run: _Run) -> bool:
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


def _means(lines: str, intended: Any, margin: int) -> bool:
    """Whether lines are the intended data, in the column that their siblings elsewhere have."""
    root, faults = grow(lines)
    if root is None or faults or column(lines, root.start) != margin:
        return False
    return _same(root.data, intended)
