"""Replacements of pieces of a text, and what they do to the comment at the end of a line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentbox_cli.config.editing.lines import column, comment_gap, next_line, previous_end


@dataclass(frozen=True, slots=True)
class Splice:
    """The new text of the characters from `start` to `end`."""

    start: int
    end: int
    new: str


Edit = tuple[Splice, ...]


def spliced(text: str, splices: Iterable[Splice], *, offset: int = 0) -> str:
    """A text with pieces replaced; their indexes count from `offset`."""
    parts, reached = [], 0
    for splice in sorted(splices, key=lambda one: (one.start, one.end)):
        parts += [text[reached : splice.start - offset], splice.new]
        reached = splice.end - offset
    return "".join([*parts, text[reached:]])


def on_line(text: str, splice: Splice, *, last: int | None = None) -> Iterator[Splice]:
    """The splice, and another that leaves the comment behind it in its column where it fits.

    Args:
        text: the text.
        splice: what is replaced.
        last: the end of the last value on the line, if that is not the end of the splice.
    """
    gap = comment_gap(text, splice.end if last is None else last)
    if gap is None:
        yield splice
        return
    old_width = column(text, gap[1])
    grown = _end_column(text, splice) - column(text, splice.end)
    width = max(1, old_width - (column(text, gap[0]) + grown))
    if gap[0] == splice.end:
        yield Splice(splice.start, gap[1], splice.new + " " * width)
    else:
        yield splice
        yield Splice(*gap, " " * width)


def _end_column(text: str, splice: Splice) -> int:
    head, mark, tail = splice.new.rpartition("\n")
    return len(tail) if head or mark else column(text, splice.start) + len(splice.new)


def without_lines(text: str, start: int, end: int) -> Iterator[Edit]:
    """The ways to remove whole lines, the best first.

    A text whose last line has no line end is left that way.

    Args:
        text: the text.
        start: the start of the first line.
        end: the end of the last one.
    """
    if end == len(text):
        yield (Splice(previous_end(text, start), end, ""),)
    yield (Splice(start, next_line(text, end), ""),)
