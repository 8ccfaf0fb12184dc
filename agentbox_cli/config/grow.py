"""Reads YAML text into a tree.

Built from ruamel's parse events: its composed nodes carry the anchor's place where an alias
stands, and its plain data carries no places at all (measured).
"""

import re
from collections.abc import Hashable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from agentbox_cli.config.names import shortened
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.stand_ins import reverse, stand_ins
from agentbox_cli.config.syntax import Fault, control_character, explain
from agentbox_cli.config.tree import (
    OUR_SECTION,
    Alias,
    Entry,
    Mapping,
    Node,
    Scalar,
    Sequence,
    followed,
    is_merge,
    merged,
)

MAX_DEPTH = 100
# Nodes that aliases may stand for in all: enough for any real file, far too few for a bomb.
MAX_BORROWED = 20_000
# More would help nobody, and each one costs a walk through the text.
MAX_FAULTS = 100
# Of a place in the depths of a broken text, this many steps are named.
MAX_PATH = 10

_YAML_ORG = "tag:yaml.org,2002:"
_CORE_SCALARS = frozenset({"null", "bool", "int", "float"})
_CORE_TAGS = frozenset(
    {"!", *(_YAML_ORG + name for name in (*_CORE_SCALARS, "str", "map", "seq"))}
)
_UP_TO_COLON = re.compile(r"(?:\s|#[^\r\n]*)*:")


def grow(text: str) -> tuple[Node | None, list[Fault]]:
    """Read a text.

    Returns:
        Its root node, None where there is none or the text is broken, and what is wrong with it.
        Nothing is raised, whatever the text.
    """
    grower = _Grower(text)
    try:
        grower.read()
    except _BrokenError as broken:
        return None, [*grower.faults, broken.fault]
    except ReaderError as error:
        return None, [control_character(error)]
    except MarkedYAMLError as error:
        fault = explain(error, text)
        return None, [
            *grower.faults,
            grower.fault(fault.start, fault.end, fault.message, fault.hint),
        ]
    except Exception:  # noqa: BLE001 - ruamel asserts on odd directives such as %YAML 1.3
        return None, [*grower.faults, grower.fault(grower.reached, grower.reached, "not YAML")]
    return grower.root, grower.faults


class _BrokenError(Exception):
    """The text cannot be read on from here."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection whose end was not reached yet."""

    event: CollectionStartEvent
    children: list[Node] = field(default_factory=list)


class _Grower:
    """Builds the tree from events, bottom up, without recursion."""

    def __init__(self, text: str) -> None:
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self.reached = 0
        self._text = text
        self._stand_ins = stand_ins(text)
        self._originals = reverse(self._stand_ins)
        self._yaml = YAML(typ="safe", pure=True)
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._borrowed = 0
        self._documents = 0

    def read(self) -> None:
        with closing(self._yaml.parse(self._text.translate(self._stand_ins))) as events:
            for event in events:
                self.reached = event.start_mark.index
                self._take(event)

    def fault(self, start: int, end: int, message: str, hint: str | None = None) -> Fault:
        path = tuple(islice(self._path(), MAX_PATH))
        return Fault(start=start, end=end, message=message, hint=hint, path=path)

    def _take(self, event: Event) -> None:
        if isinstance(event, CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, CollectionEndEvent):
            self._finish(event)
        elif isinstance(event, ScalarEvent):
            self._place(self._scalar(event), event.anchor)
        elif isinstance(event, AliasEvent):
            self._place(self._alias(event), None)
        elif isinstance(event, DocumentStartEvent):
            self._next_document(event)

    def _begin(self, event: CollectionStartEvent) -> None:
        self._check_tag(event, "map" if isinstance(event, MappingStartEvent) else "seq")
        self._open.append(_Open(event=event))
        if len(self._open) > MAX_DEPTH:
            raise self._broken(event, f"this is nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None

    def _finish(self, event: CollectionEndEvent) -> None:
        begun = self._open[-1]
        node = self._collection(begun, event)
        self._open.pop()
        self._place(node, begun.event.anchor)

    def _collection(self, begun: _Open, event: CollectionEndEvent) -> Node:
        start, flow = begun.event.start_mark.index, bool(begun.event.flow_style)
        children = begun.children
        # A block ends for ruamel where the next thing starts, behind blank lines and comments,
        # and so does the mapping without braces in `[a: b]`.
        bracketed = event.end_mark.index > event.start_mark.index
        end = event.end_mark.index if bracketed else children[-1].end
        size = 1 + sum(node.size for node in children)
        height = 1 + max((node.height for node in children), default=0)
        if not isinstance(begun.event, MappingStartEvent):
            data = [node.data for node in children]
            items = tuple(children)
            return Sequence(
                start=start, end=end, data=data, size=size, height=height, items=items, flow=flow
            )
        entries = tuple(self._entries(children))
        return Mapping(
            start=start,
            end=end,
            data=_mapping_data(entries),
            size=size,
            height=height,
            entries=entries,
            flow=flow,
        )

    def _entries(self, children: list[Node]) -> Iterator[Entry]:
        first: dict[tuple[type, Hashable], Node] = {}
        for key, value in zip(children[::2], children[1::2], strict=True):
            entry = Entry(name=self._name(key), key=key, value=value)
            earlier = first.setdefault((type(entry.name), entry.name), key)
            if earlier is not key and not is_merge(entry):
                self._duplicate(entry, earlier)
            yield entry

    def _name(self, key: Node) -> Hashable:
        # A section's text would be unique, but may be long and hold anything.
        name: Hashable = key.data
        if isinstance(name, (dict, list)):
            name = f"{self._text[key.start]}...{self._text[key.end - 1]}"
        return name

    def _duplicate(self, entry: Entry, earlier: Node) -> None:
        path = (*self._path(), str(entry.name))
        if path[0] != OUR_SECTION or len(self.faults) >= MAX_FAULTS:
            return  # other sections belong to others, who may read the last of two
        line = 1 + len(re.findall(r"\r\n|[\r\n]", self._text[: earlier.start]))
        self.faults.append(
            Fault(
                start=entry.key.start,
                end=entry.key.end,
                message=f"the key {shortened(str(entry.name))!r} stands here twice",
                hint=f"keep one of them; the first is in line {line}",
                path=path,
                rule=Rule.DUPLICATE_KEY,
            )
        )

    def _scalar(self, event: ScalarEvent) -> Scalar:
        tag = self._check_tag(event, "str")
        start, end = event.start_mark.index, event.end_mark.index
        if start == end:
            start = end = self._empty_place(end)
        data = self._meaning(event, tag)
        return Scalar(start=start, end=end, data=data, style=event.style or "")

    def _empty_place(self, mark: int) -> int:
        # `key:` without a value is marked where the next thing starts, lines below.
        if not self._is_value():
            return mark
        colon = _UP_TO_COLON.match(self._text, self._open[-1].children[-1].end)
        return min(mark, colon.end()) if colon else mark

    def _is_value(self) -> bool:
        if not self._open or not isinstance(self._open[-1].event, MappingStartEvent):
            return False
        return len(self._open[-1].children) % 2 == 1

    def _meaning(self, event: ScalarEvent, tag: str | None) -> Any:
        """What a scalar means; text where it looks like a number that Python cannot hold."""
        words = event.value.translate(self._originals)
        resolved = tag or str(self._yaml.resolver.resolve(ScalarNode, words, event.implicit))
        if resolved.removeprefix(_YAML_ORG) not in _CORE_SCALARS:
            return words
        try:
            node = ScalarNode(resolved, words)
            return self._yaml.constructor.construct_object(node, deep=True)
        except (ValueError, KeyError, IndexError, TypeError):
            return words

    def _check_tag(self, event: ScalarEvent | CollectionStartEvent, kind: str) -> str | None:
        tag = None if event.tag is None else str(event.tag)
        if tag is None or tag == "!":
            return None if tag is None else _YAML_ORG + kind
        if tag not in _CORE_TAGS and tuple(self._path())[:1] == (OUR_SECTION,):
            start = event.start_mark.index
            width = len(tag if self._text.startswith(tag, start) else tag.removeprefix(_YAML_ORG))
            fault = self.fault(start, start + width, "this tag is not known", "remove it")
            self.faults.append(replace(fault, rule=Rule.UNKNOWN_TAG))
        return tag

    def _alias(self, event: AliasEvent) -> Alias:
        if event.anchor not in self._anchors:
            raise self._broken(event, "no '&' anchor of this name stands above")
        target = self._anchors[event.anchor]
        if target is None:
            raise self._broken(event, "this alias refers to what it is part of")
        self._borrowed += target.size
        if self._borrowed > MAX_BORROWED or len(self._open) + target.height > MAX_DEPTH:
            raise self._broken(event, "aliases make this file too large to read")
        start, end = event.start_mark.index, event.end_mark.index
        return Alias(
            start=start,
            end=end,
            data=target.data,
            size=target.size,
            height=target.height,
            target=followed(target),
        )

    def _next_document(self, event: DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "remove the '---' or '...' line"
            raise self._broken(event, "only one document can stand in this file", hint)

    def _broken(self, event: Event, message: str, hint: str | None = None) -> _BrokenError:
        start, end = event.start_mark.index, event.end_mark.index
        return _BrokenError(self.fault(start, end, message, hint))

    def _place(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node

    def _path(self) -> Iterator[str | int]:
        for level in self._open:
            if not isinstance(level.event, MappingStartEvent):
                yield len(level.children)
            elif len(level.children) % 2:
                yield str(self._name(level.children[-1]))


def _mapping_data(entries: tuple[Entry, ...]) -> dict[Hashable, Any]:
    taken: dict[Hashable, Any] = {}
    for entry in filter(is_merge, entries):
        for source in merged(entry):
            taken = {**source.data, **taken}
    own = {entry.name: entry.value.data for entry in entries if not is_merge(entry)}
    return {**taken, **own}
