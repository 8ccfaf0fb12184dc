"""Whether an edited text means exactly what was intended, and nothing else.

Parsing is what an edit costs (a millisecond for ten lines, measured), so as few lines as can prove
it are parsed: the children of one section or list that the edit touches, which are a YAML text of
their own, up to the next line with content. Where they are not, the whole text is parsed.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from agentbox_cli.config.document import parse
from agentbox_cli.config.editing.lines import (
    column,
)
from agentbox_cli.config.editing.plain_edits import at
from agentbox_cli.config.editing.route import Route
from agentbox_cli.config.editing.runs import Run, is_behind, is_closed, run_of, spine, stands_alone
from agentbox_cli.config.editing.spans import (
    child_start,
    children,
)
from agentbox_cli.config.editing.splices import Edit, spliced
from agentbox_cli.config.grow import grow
from agentbox_cli.config.tree import Mapping, Sequence


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


def _runs(route: Route, edit: Edit) -> Iterator[tuple[Run, tuple[Hashable, ...]]]:
    """The runs that contain the edit, the smallest first, with the names that lead to them."""
    low, high = min(one.start for one in edit), max(one.end for one in edit)
    for depth in range(len(route.steps), -1, -1):
        container = route.containers[depth]
        if isinstance(container, Mapping | Sequence) and not container.flow:
            run = run_of(route.text, container, low, high)
            if run is not None:
                yield run, route.names[:depth]


def _proven(text: str, run: Run, edit: Edit, wanted: Any) -> bool | None:
    """Whether the lines of the run mean what they should; None if they alone cannot tell."""
    count = len(children(run.parent))
    intended = _part(wanted, run.first, len(wanted) - (count - run.last))
    if not intended or not stands_alone(text, run):
        return None
    present = _part(run.parent.data, run.first, run.last)
    head, start = "", run.start
    if len(wanted) > count and is_behind(text, run, min(one.start for one in edit)):
        head, start, last = spine(text, run)
        present, intended = _with_first(present, last), _with_first(intended, last)
    lines, margin = text[start : run.end], column(text, child_start(text, run.parent, run.first))
    after = spliced(lines, edit, offset=start)
    if not _means(head + lines, present, margin) or not is_closed(text, run, after):
        return None
    return _means(head + after, intended, margin)


def _with_first(data: Any, value: Any) -> Any:
    if isinstance(data, list):
        return [value, *data[1:]]
    return {name: value if place == 0 else old for place, (name, old) in enumerate(data.items())}


def _part(data: Any, first: int, last: int) -> Any:
    return dict([*data.items()][first:last]) if isinstance(data, dict) else data[first:last]


def _means(lines: str, intended: Any, margin: int) -> bool:
    """Whether lines are the intended data, in the column that their siblings elsewhere have."""
    root, faults = grow(lines)
    if root is None or faults or column(lines, root.start) != margin:
        return False
    return _same(root.data, intended)
