"""Edits of config.yml as text: only the lines of the edited key change.

Every function takes a parsed text and returns the edited one. What it returns was parsed again and
means exactly what was asked for; otherwise the edit is refused and nothing is changed. The same
edit a second time changes nothing more.
"""

from collections.abc import Callable, Hashable, Iterable
from itertools import chain
from typing import Any

from agentbox_cli.config.document import Document, Path, foresee
from agentbox_cli.config.editing import brackets, insertion, plain_edits, removal, replacement
from agentbox_cli.config.editing.proof import first_proven
from agentbox_cli.config.editing.refusal import EditRefusedError, NoSuchItemError
from agentbox_cli.config.editing.regrow import regrown
from agentbox_cli.config.editing.route import (
    Route,
    bar_marked,
    bar_shared,
    below,
    plain,
    route_to,
)
from agentbox_cli.config.editing.scalar_text import flowed, pair
from agentbox_cli.config.editing.splices import Edit
from agentbox_cli.config.tree import Alias, Mapping, Node, Sequence

__all__ = [
    "EditRefusedError",
    "delete",
    "insert_item",
    "move_item",
    "rename_key",
    "set_value",
]


def set_value(document: Document, path: Path, value: Any) -> str:
    """Set what stands at a path; sections that are missing on the way are made.

    Args:
        document: the text.
        path: keys and indexes from the root; an index one behind the end of a list adds to it.
        value: plain data: text, a number, a truth value, None, a list or a dict.

    Raises:
        EditRefusedError: it cannot be done safely; the message says why.
        NoSuchItemError: an index is too far behind the end of its list.
    """
    route, value = route_to(document, path), plain(value)
    if route.rest:
        return _add(route, value)
    if repr(route.node.data) == repr(value):
        return route.text
    if not path:
        raise route.refusal("the file as a whole is not replaced; name a key")
    bar_marked(route)
    bar_shared(route, (*route.containers, *below(route.node)))
    return _replace(route, value)


def _replace(route: Route, value: Any) -> str:
    way = brackets if route.steps[-1].parent.flow else replacement
    return _prove(route, way.replaced(route, value), route.names, lambda _: value)


def _prove(
    route: Route,
    candidates: Iterable[Edit],
    names: plain_edits.Names,
    change: Callable[[Any], Any],
) -> str:
    wanted: dict[Hashable, Any] = plain_edits.changed(route.document.data, names, change)
    last_resort = brackets.rewritten(route, names, wanted)
    text = first_proven(route, chain(candidates, last_resort), wanted)
    foresee(text, lambda: regrown(route.document.root, route.text, text))
    return text


def _add(route: Route, value: Any) -> str:
    node, (part, *more) = route.node, route.rest
    for missing in reversed(more):
        if missing not in (0, str(missing)):
            raise route.refusal("there is no list yet; its first item has the index 0")
        value = [value] if missing == 0 else {missing: value}
    bar_shared(route, route.containers)
    if isinstance(node, Mapping) and isinstance(part, str):
        return _add_key(route, node, part, value)
    if isinstance(node, Sequence) and part == len(node.items):
        return _add_item(route, node, len(node.items), value)
    if node.data is None and part in (0, str(part)):
        bar_marked(route)
        return _replace(route, [value] if part == 0 else {part: value})
    if isinstance(node, Sequence) and isinstance(part, int):
        message = route.refusal(_why_not(node, part)).message
        raise NoSuchItemError(message, hint=f"the next item is [{len(node.items)}]")
    raise route.refusal(_why_not(node, part))


def _add_key(route: Route, section: Mapping, key: str, value: Any) -> str:
    candidates: Iterable[Edit]
    if section.entries and section.flow:
        new = pair(key, value, style=brackets.style_of(section))
        candidates = brackets.child_at(route, section, len(section.entries), new)
    elif section.entries:
        candidates = insertion.key_behind(route, section, key, value)
    elif route.steps:
        return _replace(route, {key: value})
    else:
        candidates = insertion.first_key(route, key, value)
    return _prove(
        route, candidates, route.names, lambda data: plain_edits.with_key(data, key, value)
    )


def _why_not(node: Node, part: str | int) -> str:
    if isinstance(node, Alias):
        return "it is an alias of another value"
    if isinstance(node, Mapping):
        return f"there is no item [{part}], because this is a section with keys"
    if isinstance(node, Sequence) and isinstance(part, int):
        return f"there is no item [{part}]; the list has {len(node.items)}"
    if isinstance(node, Sequence):
        return "this is a list; name an item of it by its index, such as [0]"
    return "this is a single value, so nothing can stand below it"


def insert_item(document: Document, list_path: Path, index: int, value: Any) -> str:
    """Insert an item before the one at the index; a list that is missing is made.

    Args:
        document: the text.
        list_path: the path of the list.
        index: from 0 to the length of the list, which adds behind the last item.
        value: plain data.

    Raises:
        EditRefusedError: it cannot be done safely; the message says why.
    """
    route = route_to(document, list_path)
    node = route.node
    if route.rest or node.data is None:
        return set_value(document, (*list_path, index), value)
    bar_shared(route, route.containers)
    if not isinstance(node, Sequence) or not 0 <= index <= len(node.items):
        raise route.refusal(_why_not(node, index))
    return _add_item(route, node, index, plain(value))


def _add_item(route: Route, items: Sequence, index: int, value: Any) -> str:
    if not items.items:
        return _replace(route, [value])
    if items.flow:
        new = flowed(value, style=brackets.style_of(items))
        candidates = brackets.child_at(route, items, index, new)
    else:
        candidates = insertion.item_at(route, items, index, value)
    return _prove(
        route, candidates, route.names, lambda data: plain_edits.with_item(data, index, value)
    )


def delete(document: Document, path: Path) -> str:
    """Remove a key or an item, with its own comments; the last one leaves `{}` or `[]`.

    What is not there is not removed, and that is no error.

    Raises:
        EditRefusedError: it cannot be done safely; the message says why.
    """
    route = route_to(document, path)
    if route.rest:
        return route.text
    if not path:
        raise route.refusal("the file as a whole is not removed; name a key")
    bar_shared(route, (*route.containers[:-1], *below(route.node)))
    way = brackets if route.steps[-1].parent.flow else removal
    name = route.names[-1]
    return _prove(
        route,
        way.without_child(route),
        route.names[:-1],
        lambda data: plain_edits.without(data, name),
    )


def move_item(document: Document, list_path: Path, old: int, new: int) -> str:
    """Put an item of a list, with its own comments, at another index.

    Raises:
        EditRefusedError: there is no such item, or it cannot be done safely.
    """
    route = route_to(document, list_path)
    items = route.node
    if route.rest or not isinstance(items, Sequence):
        raise route.refusal("there is no list here")
    for index in (old, new):
        if not 0 <= index < len(items.items):
            raise route.refusal(_why_not(items, index))
    if old == new:
        return route.text
    bar_shared(route, (*route.containers, *below(items)))
    way = brackets if items.flow else removal
    return _prove(
        route,
        way.moved_item(route, items, old, new),
        route.names,
        lambda data: plain_edits.moved(data, old, new),
    )


def rename_key(document: Document, path: Path, new_name: str) -> str:
    """Give a key another name, in its place and with its comments.

    Raises:
        EditRefusedError: there is no such key, the name is taken, or it cannot be done safely.
    """
    renamed_path = (*path[:-1], new_name)
    route = route_to(document, path)
    if route.rest:
        if path and not route_to(document, renamed_path).rest:
            return route.text  # it was renamed before
        raise route.refusal("there is no such key")
    if path == renamed_path:
        return route.text
    parent = route.steps[-1].parent if route.steps else None
    if not isinstance(parent, Mapping):
        raise route.refusal("only a key has a name")
    if not route_to(document, renamed_path).rest:
        raise route.refusal(f"a key {new_name!r} stands beside it already")
    bar_shared(route, (*route.containers[:-1], parent.entries[route.steps[-1].index].key))
    name = route.names[-1]
    return _prove(
        route,
        removal.renamed_key(route, parent, plain(new_name)),
        route.names[:-1],
        lambda data: plain_edits.renamed(data, name, new_name),
    )
