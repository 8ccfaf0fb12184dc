"""Values as lines of YAML, in the indentation of the text that they go to."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agentbox_cli.config.editing.lines import column
from agentbox_cli.config.editing.scalar_text import flowed, scalar
from agentbox_cli.config.editing.spans import dash
from agentbox_cli.config.tree import Mapping, Node
from agentbox_cli.config.tree import Sequence as SequenceNode

DEFAULT_STEP = 2
_LITERAL = re.compile(r"(?=\S)(?:[^\n]*\S\n|\n)*[^\n]*\S\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a text is indented.

    Args:
        step: by how much the keys of a section stand to the right of its own.
        offset: the same for the dashes of a list.
    """

    step: int = DEFAULT_STEP
    offset: int = DEFAULT_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A value as text: what stands on the line of its key or dash, and the lines below it."""

    head: str = ""
    tail: tuple[str, ...] = ()


def layout_near(text: str, containers: Sequence[Node]) -> Layout:
    """The layout of the nearest text that shows one.

    Args:
        text: the whole text.
        containers: the sections and lists around the place, the innermost last.
    """
    steps = _measured(text, containers, Mapping)
    step = next((found for found in steps if found > 0), DEFAULT_STEP)
    offsets = (found for found in _measured(text, containers, SequenceNode) if found >= 0)
    return Layout(step=step, offset=next(offsets, step))


def _measured(
    text: str, containers: Sequence[Node], kind: type[Mapping | SequenceNode]
) -> Iterator[int]:
    for container in reversed(containers):
        for key, value in _pairs(container):
            if isinstance(value, kind) and not value.flow:
                first = value.entries[0].key.start if isinstance(value, Mapping) else None
                start = dash(text, value, 0) if isinstance(value, SequenceNode) else first
                yield column(text, start or 0) - column(text, key.start)


def _pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    if isinstance(node, Mapping) and not node.flow:
        for entry in node.entries:
            yield entry.key, entry.value
        for entry in node.entries:
            yield from _pairs(entry.value)
    elif isinstance(node, SequenceNode) and not node.flow:
        for item in node.items:
            yield from _pairs(item)


def below_key(
    value: Any, key_column: int, layout: Layout, *, inner: int | None = None
) -> Iterator[Rendered]:
    """The ways to write a value behind `key:`, the best first.

    Args:
        value: the value.
        key_column: the column of the key.
        layout: the indentation around it.
        inner: the column of what stands below the key, where that is known.
    """
    if isinstance(value, (dict, list)) and value:
        by = layout.step if isinstance(value, dict) else layout.offset
        start = key_column + by if inner is None else inner
        yield Rendered(tail=tuple(_lines(value, start, layout)))
    yield from _on_line(value, key_column + layout.step)


def behind_dash(value: Any, inner: int, layout: Layout) -> Iterator[Rendered]:
    """The ways to write a value behind a dash, which itself starts at the column `inner`."""
    if isinstance(value, (dict, list)) and value:
        first, *tail = _lines(value, inner, layout)
        yield Rendered(head=first[inner:], tail=tuple(tail))
    yield from _on_line(value, inner)


def _on_line(value: Any, inner: int) -> Iterator[Rendered]:
    if isinstance(value, (dict, list)):
        yield Rendered(head=flowed(value))
        return
    if isinstance(value, str) and "\n" in value and _is_literal(value):
        chomp = "" if value.endswith("\n") else "-"
        tail = (" " * inner + line if line else "" for line in value.rstrip("\n").split("\n"))
        yield Rendered(head="|" + chomp, tail=tuple(tail))
    yield Rendered(head=scalar(value))


def _is_literal(value: str) -> bool:
    printable = value.replace("\n", "").isprintable()
    return printable and _LITERAL.fullmatch(value) is not None


def _lines(value: Any, start: int, layout: Layout) -> Iterator[str]:
    margin = " " * start
    if isinstance(value, dict):
        for key, below in value.items():
            one = next(below_key(below, start, layout))
            yield f"{margin}{scalar(key)}: {one.head}".rstrip(" ")
            yield from one.tail
    else:
        for item in value:
            one = next(behind_dash(item, start + 2, layout))
            yield f"{margin}- {one.head}"
            yield from one.tail
