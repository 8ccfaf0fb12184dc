"""What is wrong with a text as YAML, in people's words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from agentbox_cli.config.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A place where the text is no YAML that can be read here.

    Args:
        start, end: indexes into the text.
        path: where in the data, as far as it was understood.
    """

    start: int
    end: int
    message: str
    hint: str | None = None
    path: tuple[str | int, ...] = ()
    rule: Rule = Rule.YAML_SYNTAX


_QUOTE_HINT = "put text that contains it in quotes"
_MISFIT = "this does not fit the lines above it"
_MISFIT_HINT = "indent the keys of one section alike"
_COLON = "mapping values are not allowed"
_ONLY_A_KEY = re.compile(r"[^\S\r\n]*(?P<key>[\w.-]+)")
_LINE = re.compile(r"(?P<indent>[^\S\r\n]*(?:-[^\S\r\n]+)*)(?P<content>[^\s#][^\r\n]*)")
_NAMES_A_KEY = re.compile(r":(?=\s|\Z)")
_HAS_A_VALUE = re.compile(r":\s+[^\s#]")

# ruamel's problem or context (searched), our message, our hint. The first match counts.
_WORDS: tuple[tuple[str, str, str | None], ...] = (
    (
        r"found character '\\t'",
        "a tab cannot stand here",
        "use blanks instead of tabs, before a comment too: YAML allows one there, the reader not",
    ),
    (
        r"while scanning a quoted scalar",
        "the text in quotes does not end properly",
        "close it with the same quote; in double quotes, write a backslash twice",
    ),
    (_COLON, "a ':' cannot stand here", _QUOTE_HINT),
    (
        r"expected escape sequence",
        "this escape is not complete",
        "in double quotes, write a backslash twice",
    ),
    (r"could not find expected ':'", "this line has no ':'", "write `key: value`"),
    (
        r"expected <block end>",
        _MISFIT,
        _MISFIT_HINT,
    ),
    (r"expected ',' or ']'", "this list in brackets is not closed", "end it with ']'"),
    (
        r"expected ',' or '}",
        "this section in braces is not closed",
        "end it with '}'; in braces, '${NAME}' needs quotes",
    ),
    (r"cannot start any token", "text cannot start with this character", _QUOTE_HINT),
    (r"undefined tag handle", "this tag is not known", "remove it"),
    (r"incompatible YAML document", "only YAML 1.1 and 1.2 can be read", None),
    (r"expected the node content", "a value is missing before this", None),
    (
        r"non-comment content after document end|expected <document start>|document separator",
        "only one document can stand in this file",
        "remove the '---' or '...' line",
    ),
)


def explain(error: MarkedYAMLError, text: str) -> Fault:
    """Turn ruamel's error about a text into a located sentence."""
    problem, context = str(error.problem or ""), str(error.context or "")
    # An open quote is noticed at the end of the file, a missing colon in the next line.
    is_late = "unexpected end of stream" in problem or "could not find expected" in problem
    mark = error.context_mark if is_late and error.context_mark else error.problem_mark
    start = mark.index if mark is not None else 0
    if _COLON in problem and (earlier := _line_above_at_fault(text, start)):
        return earlier
    for pattern, message, hint in _WORDS:
        if re.search(pattern, f"{problem}\n{context}"):
            return Fault(start=start, end=start + 1, message=message, hint=hint)
    return Fault(start=start, end=start + 1, message=f"this is not YAML: {problem}")


def _line_above_at_fault(text: str, colon: int) -> Fault | None:
    """What made a line of its own go on with the text above it, so that its ':' seems too much."""
    begin = 1 + max(text.rfind("\n", 0, colon), text.rfind("\r", 0, colon))
    key = _ONLY_A_KEY.fullmatch(text, begin, colon)
    above = next(_lines_above(text, begin), None)
    if key is None or above is None:
        return None
    if not _NAMES_A_KEY.search(above["content"]):
        message = "this line has no ':' with a blank behind it"
        return Fault(
            start=above.start("content"),
            end=above.end("content"),
            message=message,
            hint="write `key: value`",
        )
    if _HAS_A_VALUE.search(above["content"]) and key.start("key") - begin > len(above["indent"]):
        start, end = key.span("key")
        return Fault(start=start, end=end, message=_MISFIT, hint=_MISFIT_HINT)
    return None


def _lines_above(text: str, begin: int) -> Iterator[re.Match[str]]:
    """The lines above an index that hold more than a comment, the nearest first."""
    end = begin
    while end > 0:
        begin = 1 + max(text.rfind("\n", 0, end - 1), text.rfind("\r", 0, end - 1))
        if line := _LINE.match(text, begin, end):
            yield line
        end = begin


def control_character(error: ReaderError) -> Fault:
    """A character that YAML forbids even in quotes."""
    code = error.character if isinstance(error.character, int) else ord(error.character)
    return Fault(
        start=error.position,
        end=error.position + 1,
        message=f"the character U+{code:04X} cannot stand in YAML",
        hint=r'write it as an escape in double quotes, such as "\x07"',
    )
