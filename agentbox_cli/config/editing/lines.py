r"""Where lines begin and end in a text, and which comments stand where.

Indexes count characters; a line end is `\n`, `\r\n` or `\r`, and no part of its line.
"""

import re
from collections.abc import Iterator

_BOM = "\ufeff"
_ENDS = "\r\n"
_COMMENT_GAP = re.compile(r"[ \t]+(?=#)")
_MARGIN = re.compile(r"[ \t]*")


def line_start(text: str, index: int) -> int:
    """The index of the first character of the line, behind a byte order mark."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    return start + (start == 0 and text.startswith(_BOM))


def line_end(text: str, index: int) -> int:
    """The index of the line end, or of the end of the text."""
    ends = [found for mark in _ENDS if (found := text.find(mark, index)) >= 0]
    return min(ends, default=len(text))


def next_line(text: str, index: int) -> int:
    """The index behind the line end."""
    end = line_end(text, index)
    return end + (2 if text.startswith("\r\n", end) else 1) if end < len(text) else end


def previous_end(text: str, start: int) -> int:
    """The index of the line end before the line that starts here; the start of the first line."""
    if start == 0 or text[start - 1] not in _ENDS:
        return start
    return start - (2 if text.startswith("\r\n", start - 2) and start > 1 else 1)


def column(text: str, index: int) -> int:
    """How many characters of the line stand before the index."""
    return index - line_start(text, index)


def ending(text: str, index: int) -> str:
    r"""The line end of this line; where it has none, of the line above; else `\n`."""
    end = line_end(text, index)
    if end == len(text):
        start = line_start(text, index)
        return text[previous_end(text, start) : start] or "\n"
    return text[end : next_line(text, end)]


def is_first_on_line(text: str, index: int) -> bool:
    """Whether nothing but blanks stands before the index on its line."""
    return not text[line_start(text, index) : index].strip(" \t")


def is_same_line(text: str, first: int, second: int) -> bool:
    """Whether no line end stands between two indexes."""
    return line_end(text, first) >= second


def is_blank(text: str, index: int) -> bool:
    """Whether the line that starts here has nothing on it."""
    return not text[index : line_end(text, index)].strip(" \t")


def comment_column(text: str, start: int) -> int | None:
    """The column of the comment that the line consists of; None if it does not."""
    margin = _MARGIN.match(text, start)
    first = margin.end() if margin else start
    return first - start if text.startswith("#", first) else None


def lines_below(text: str, index: int) -> Iterator[int]:
    """The starts of the lines below the one at the index."""
    start = next_line(text, index)
    while start < len(text):
        yield start
        start = next_line(text, start)


def next_content(text: str, index: int) -> int:
    """The start of the first line below that is neither blank nor a comment, or the end."""
    for start in lines_below(text, index):
        if not is_blank(text, start) and comment_column(text, start) is None:
            return start
    return len(text)


def comment_gap(text: str, index: int) -> tuple[int, int] | None:
    """The blanks between the index and the comment that follows it on its line."""
    found = _COMMENT_GAP.match(text, index)
    return found.span() if found else None
