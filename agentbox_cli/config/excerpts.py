"""Lines of config.yml to show beside a message: keys masked, marks aligned."""

import re
import unicodedata
from collections.abc import Iterator

from agentbox_cli.config.document import Document, Path
from agentbox_cli.config.redaction import mask_tokens, redact
from agentbox_cli.config.references import is_clear
from agentbox_cli.config.tree import OUR_SECTION, Alias, Mapping, Node, Scalar, Sequence

TAB_WIDTH = 4
MAX_WIDTH = 100

_MASK = "*"
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SECRET_KEY = re.compile(
    r"(?i)(key|token|secret|password|passwd|credential|authorization|cookie)s?$"
)
# Settings of a provider that hold no key; whatever else stands there may be one.
_HARMLESS = frozenset({"api_base", "protocol"})
# In a broken text there is no tree: what stands behind a name like `api_key:` on this line, and
# every long word with letters and digits, which is what keys look like.
_AFTER_SECRET_KEY = re.compile(
    r"(?i)(?:key|token|secret|password|passwd|credential|authorization|cookie)s?[\"']?\s*:\s*(.+)"
)
_NAMES_SECRET = re.compile(r"(?i)(?:key|token|secret|password|authorization)s?[\"']?\s*:")
_ANY_VALUE = re.compile(r"^(?:[^:]*:)?\s*(.*)")
_HARMLESS_LINE = re.compile(r"\s*(?:#|api_base\s*:|protocol\s*:)")
_PURE_REFERENCE = re.compile(r"""["']?\$\{[A-Za-z0-9_]+\}["']?\s*(?:[,}\]#].*)?""")
_KEY_LIKE = re.compile(r"(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{20,}")
_KEY_PARTS = frozenset({"providers", "headers", "env", "api_key"})


Spans = tuple[tuple[int, int], ...]


def secret_spans(document: Document) -> Spans:
    """The spans of the text, as indexes, that hold a key in the clear."""
    return tuple((node.start, node.end) for node in _secret_nodes(document.root, ()))


def excerpt_line(document: Document, number: int, path: Path, secrets: Spans) -> str:
    """A line of the text in which every character of a key is a `*`, so that columns stay.

    Args:
        document: the text.
        number: the line, counted from 1.
        path: where the problem is; it tells what a line of a broken text may hold.
        secrets: the spans that hold keys.
    """
    line = document.line(number)
    begin = document.line_start(number)
    for start, end in secrets:
        first, last = max(0, start - begin), min(end - begin, len(line))
        if first < last:
            line = line[:first] + _MASK * (last - first) + line[last:]
    if document.faults:
        line = _mask_blindly(line, path, _line_before(document, number))
    return printable(_same_length(line))


def printable(text: str) -> str:
    """The text without characters that move the cursor or reorder what is shown."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character == "\t" or unicodedata.category(character) not in _UNSHOWN:
        return character
    return "\N{REPLACEMENT CHARACTER}"


def underline(excerpt: str, column: int, end_column: int) -> tuple[str, str]:
    """The line as shown in a terminal, and the carets to stand below it."""
    before = _widened(excerpt[: column - 1])
    marked = _widened(excerpt[column - 1 : end_column - 1])
    shown = before + marked + _widened(excerpt[end_column - 1 :])
    margin, carets = _cells(before), max(1, _cells(marked))
    if _cells(shown) <= MAX_WIDTH:
        return shown.rstrip(), " " * margin + "^" * carets
    return _cut(before, marked, shown)


def _cut(before: str, marked: str, shown: str) -> tuple[str, str]:
    """A window of a long line around the mark."""
    first = max(0, len(before) - MAX_WIDTH // 2)
    lead = "..." if first else ""
    window = shown[first : first + MAX_WIDTH]
    margin = len(lead) + _cells(before[first:])
    carets = _cells(marked[: max(0, MAX_WIDTH - len(before[first:]))])
    tail = "..." if first + MAX_WIDTH < len(shown) else ""
    return f"{lead}{window}{tail}", " " * margin + "^" * max(1, carets)


def _widened(text: str) -> str:
    return text.replace("\t", " " * TAB_WIDTH)


def _cells(text: str) -> int:
    return sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _secret_nodes(node: Node, path: Path) -> Iterator[Node]:
    if path and path[-1] == "api_key" and isinstance(node, Mapping | Sequence):
        yield node
    elif isinstance(node, Mapping):
        for entry in node.entries:
            yield from _secrets_of_key(entry.key, path)
            yield from _secret_nodes(entry.value, (*path, str(entry.name)))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _secret_nodes(item, (*path, index))
    elif isinstance(node, Alias):
        yield from _secret_nodes(node.target, path)
    elif _may_be_secret(node, path):
        yield node


def _secrets_of_key(key: Node, path: Path) -> Iterator[Node]:
    if not isinstance(key, Scalar):
        yield from _secret_nodes(key, path)
    elif _AFTER_SECRET_KEY.search(str(key.data)):
        yield key  # a quote in the wrong place made a setting part of a name


def _may_be_secret(node: Node, path: Path) -> bool:
    if not isinstance(node, Scalar) or isinstance(node.data, bool) or node.data is None:
        return False
    named = [part for part in path if isinstance(part, str)]
    if not any(map(_SECRET_KEY.search, named)) and not _in_provider(path):
        return False
    return is_clear(str(node.data)) or node.style in ("|", ">")


def _in_provider(path: Path) -> bool:
    if path[:2] == (OUR_SECTION, "mcp_servers"):
        return path[3:4] in (("env",), ("headers",))
    return path[:2] == (OUR_SECTION, "providers") and path[-1] not in _HARMLESS


def _line_before(document: Document, number: int) -> str:
    above = (document.line(line) for line in range(number - 1, 0, -1))
    return next((line for line in above if line.strip()), "")


def _mask_blindly(line: str, path: Path, before: str) -> str:
    # A line without a colon may go on with the value of the line before.
    goes_on = ":" not in line and bool(_NAMES_SECRET.search(before))
    is_below_key = goes_on or bool(_KEY_PARTS.intersection(path))
    may_hold_key = is_below_key and not _HARMLESS_LINE.match(line)
    pattern = _ANY_VALUE if may_hold_key else _AFTER_SECRET_KEY
    found = pattern.search(line)
    if found and found[1] and not _PURE_REFERENCE.fullmatch(found[1]):
        line = line[: found.start(1)] + _MASK * len(found[1])
    return _KEY_LIKE.sub(lambda word: _MASK * len(word[0]), line)


def _stars(secret: str) -> str:
    return _MASK * len(secret)


def _same_length(line: str) -> str:
    return mask_tokens(redact(line, (), mask=_stars), mask=_stars)
