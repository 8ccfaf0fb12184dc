"""The way down a path to what will be edited, and the ways that are barred."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agentbox_cli.config.document import Document, Path
from agentbox_cli.config.editing.refusal import EditRefusedError, bar_broken, refused
from agentbox_cli.config.editing.spans import Collection, children, has_properties
from agentbox_cli.config.tree import Alias, Entry, Mapping, Node, Sequence, child


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step down.

    Args:
        parent: the section or list that is left.
        index: the position in it of what is entered.
        name: the key as it stands in the data, or the index.
    """

    parent: Collection
    index: int
    name: Hashable

    @property
    def node(self) -> Node:
        """What is entered."""
        return children(self.parent)[self.index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path as far as it exists, and the rest of it."""

    document: Document
    path: Path
    steps: tuple[Step, ...]
    rest: Path

    @property
    def text(self) -> str:
        """The text that is edited."""
        return self.document.text

    @property
    def node(self) -> Node:
        """The node where the steps end."""
        return self.steps[-1].node if self.steps else self.document.root

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The keys and indexes of the data on the way."""
        return tuple(step.name for step in self.steps)

    @property
    def containers(self) -> tuple[Node, ...]:
        """Every node on the way, from the root to the node itself."""
        return (self.document.root, *(step.node for step in self.steps))

    def refusal(self, reason: str) -> EditRefusedError:
        """The error that says why nothing is edited here."""
        return refused(self.document, self.path, reason)


def route_to(document: Document, path: Path) -> Route:
    """Find the way down a path.

    Raises:
        EditRefusedError: the text is broken, or the way leads through an alias or a merge.
    """
    bar_broken(document)
    steps: list[Step] = []
    node: Node = document.root
    for depth, part in enumerate(path):
        found = child(node, part)
        if found is None and not isinstance(node, Alias):
            return Route(document=document, path=path, steps=tuple(steps), rest=path[depth:])
        steps.append(_step(document, path[: depth + 1], node, found))
        node = steps[-1].node
    return Route(document=document, path=path, steps=tuple(steps), rest=())


def _step(document: Document, path: Path, node: Node, found: Entry | Node | None) -> Step:
    if isinstance(node, Alias):
        name = document.text[node.start + 1 : node.end]
        line = document.position(node.target.start)[0]
        reason = f"the section above it is an alias (*{name}) of what stands in line {line}"
        raise refused(document, path, reason, at=node)
    if isinstance(node, Mapping):
        for index, entry in enumerate(node.entries):
            if entry is found:
                return Step(parent=node, index=index, name=entry.name)
        raise refused(document, path, "it comes from another section, by a merge (<<)", at=node)
    if isinstance(node, Sequence) and isinstance(path[-1], int):
        return Step(parent=node, index=path[-1], name=path[-1])
    raise AssertionError(path)  # pragma: no cover - child() finds nothing in other nodes


def bar_shared(route: Route, nodes: Iterable[Node]) -> None:
    """Refuse what would change a second place too, because an alias refers to it.

    Args:
        route: the way to what is edited.
        nodes: everything that will mean something else afterwards.

    Raises:
        EditRefusedError: one of the nodes carries an anchor that is used.
    """
    if "*" not in route.text:
        return
    used = {id(node.target) for node in below(route.document.root) if isinstance(node, Alias)}
    for node in nodes:
        if id(node) in used:
            line = route.document.position(node.start)[0]
            raise route.refusal(f"other places share the anchored value (&) in line {line}")


def bar_marked(route: Route) -> None:
    """Refuse to replace a value that has an anchor or a tag, or is an alias itself.

    Raises:
        EditRefusedError: it is one of these.
    """
    node = route.node
    if isinstance(node, Alias):
        raise route.refusal(f"the value is an alias ({route.text[node.start : node.end]})")
    if has_properties(route.text, node):
        kind = "an anchor (&)" if route.text[node.start] == "&" else "a tag (!)"
        raise route.refusal(f"the value carries {kind}")


def below(node: Node) -> Iterator[Node]:
    """A node and everything in it, keys too; what aliases stand for is not entered."""
    pending = [node]
    while pending:
        one = pending.pop()
        yield one
        if isinstance(one, Mapping):
            pending += [part for entry in one.entries for part in (entry.key, entry.value)]
        elif isinstance(one, Sequence):
            pending += one.items


def plain(value: Any, depth: int = 0) -> Any:
    """A value as plain data that YAML can hold.

    Raises:
        EditRefusedError: it is something else, or too deep.
    """
    if depth > _DEEPEST:
        raise EditRefusedError(f"the value is nested deeper than {_DEEPEST} levels")
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise EditRefusedError("the value is not Unicode text")
        return str(value)
    if isinstance(value, dict):
        return {plain(key, depth + 1): plain(below, depth + 1) for key, below in value.items()}
    if isinstance(value, list):
        return [plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise EditRefusedError(f"a {type(value).__name__} cannot stand in YAML")


_DEEPEST = 100
