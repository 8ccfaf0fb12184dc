"""YAML texts whose every line says which value it belongs to, and edits of them.

The layout is drawn first and the text follows from it, so nothing here depends on the editor.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

KEYS = ("a", "b c", "no", "on", "größe", "😀", "x-y", "1x", "a: b", "long_key", "k1", "k2")
SCALARS: tuple[tuple[str, Any], ...] = (
    ("1", 1),
    ("-0.5", -0.5),
    ("1.50e+3", 1500.0),
    ("true", True),
    ("null", None),
    ("~", None),
    ("plain words", "plain words"),
    ("yes", "yes"),
    ("12:30", "12:30"),
    ("${NAME:-x}", "${NAME:-x}"),
    ("'it''s # not'", "it's # not"),
    ('"tab\\t\\u00e9 😀"', "tab\té 😀"),
    ('"a: b"', "a: b"),
    ("漢字", "漢字"),
    ("''", ""),
)
# Anchors that nothing above them is concerned with.
ELSEWHERE = "other: &x {k: 1}\ncopy: *x\nmerged:\n  <<: *x\n  own: 2\n"
FLOW_SCALARS = tuple(one for one in SCALARS if "$" not in one[0] and ":" not in one[0])
NOTES = ("", "", "", " # note", "    # 漢字: x", '  # it\'s "odd": [', " # a\u2028b: c")
COMMENTS = ("# heading", "# x: 1", "#", "# - item", "#: ]", "# \x85x: 1")
NEW_SCALARS = (
    *(7, -1.5, 1e-06, 1e16, float("inf"), True, False, None, 0o777),
    *("plain", "yes", "No", "12:30", "0777", "1e-6", "null", "~", "=", "<<", "2024-01-01"),
    *("", " lead", "trail ", "a: b", "a #b", "- x", "@at", "`tick", "%d", "&a", "*a", "!t"),
    *(
        "${KEY}",
        "it's",
        'say "x"',
        "back\\slash",
        "tab\t",
        "nel\x85",
        "ls\u2028",
        "😀",
        "[x",
        "{y",
    ),
    *(
        "two\nlines",
        "two\nlines\n",
        "gap\n\nend\n\n",
        " odd\nfirst",
        "...",
        "---",
        "? x",
        "a:",
        ",",
    ),
)


@dataclass(slots=True)
class Line:
    """A line without its end, and the path of what it belongs to; None if to nothing."""

    words: str
    owner: Path | None


@dataclass(slots=True)
class Part:
    """A value in lines.

    Args:
        first: what stands on the line of its key or dash.
        below: the lines below that.
        data: what it means.
        chain: the columns and paths of the last things in it, the outermost first.
        swallows: whether comments and blank lines below would become part of it.
        owner: what the first line belongs to, if that is something further inside.
    """

    first: str
    below: list[Line]
    data: Any
    chain: list[tuple[int, Path]] = field(default_factory=list)
    swallows: bool = False
    owner: Path | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A text, its data, and the owner of each of its lines."""

    text: str
    data: dict[str, Any]
    lines: tuple[Line, ...]


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """A text with any of the layouts that people use."""
    part = draw(_mappings(depth=3, column=0, path=()))
    lines = part.below
    if draw(st.booleans()):
        lines = [Line("# first", None), Line("", None), *lines]
    if draw(st.integers(0, 4)) == 0:
        lines = [Line(draw(st.sampled_from(["---", "--- # start"])), None), *lines]
    data = part.data
    if draw(st.integers(0, 3)) == 0:
        lines = [*lines, *(Line(words, None) for words in ELSEWHERE.splitlines())]
        data = {**data, "other": {"k": 1}, "copy": {"k": 1}, "merged": {"k": 1, "own": 2}}
        part.swallows = False
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "mixed"]))
    ends = [draw(st.sampled_from(["\n", "\r\n"])) if end == "mixed" else end for _ in lines]
    if not part.swallows and draw(st.integers(0, 3)) == 0:
        ends[-1] = ""
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    text = mark + "".join(line.words + end for line, end in zip(lines, ends, strict=True))
    return Sheet(text=text, data=data, lines=tuple(lines))


@st.composite
def _mappings(draw: st.DrawFn, depth: int, column: int, path: Path) -> Part:
    part = Part(first="", below=[], data={})
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True))
    for number, key in enumerate(keys):
        own = (*path, key)
        _gap(draw, part, column, own if number or column == 0 else None, number > 0)
        below = draw(_values(depth=depth - 1, column=column, path=own))
        name = draw(st.sampled_from([_bare(key), f'"{key}"', f"'{key}'"]))
        line = Line(f"{' ' * column}{name}:{below.first}", own)
        _take(part, line, below, (column, own))
        part.data[key] = below.data
    return part


def _bare(key: str) -> str:
    return f'"{key}"' if ": " in key else key


def _take(part: Part, line: Line, below: Part, link: tuple[int, Path]) -> None:
    part.below += [line, *below.below]
    part.chain = [link, *below.chain]
    part.swallows = below.swallows


def _gap(draw: st.DrawFn, part: Part, column: int, owner: Path | None, is_between: bool) -> None:
    """What stands above a child: comments of the one before, blank lines, its own heading."""
    if part.swallows and is_between:
        if draw(st.booleans()):
            part.below.append(Line(" " * column + "# close", owner))
        return
    kind = draw(st.sampled_from(["", "", "", "blank", "deeper", "free", "heading", "both"]))
    if kind == "deeper" and is_between:
        at = column + draw(st.integers(1, 6))
        owners = [path for start, path in part.chain if start < at]
        part.below.append(Line(" " * at + draw(st.sampled_from(COMMENTS)), owners[-1]))
    if kind in ("free", "blank", "both"):
        part.below.append(Line("", None))
    if kind == "free":
        part.below.append(Line(" " * column + "# free", None))
        part.below.append(Line("", None))
    if kind in ("heading", "both") and owner is not None:
        for _ in range(draw(st.integers(1, 2))):
            part.below.append(Line(" " * column + draw(st.sampled_from(COMMENTS)), owner))


@st.composite
def _values(draw: st.DrawFn, depth: int, column: int, path: Path) -> Part:
    kinds = ["scalar"] * 3 + ["flow", "empty", "literal", "folded", "lines", "lower", "braces"]
    kind = draw(st.sampled_from([*kinds, *["mapping", "sequence"] * 3 * (depth > 0)]))
    note = draw(st.sampled_from(NOTES))
    step = draw(st.sampled_from([2, 4]))
    margin = " " * (column + step)
    if kind == "empty":
        return Part(note, [], None)
    if kind in ("mapping", "sequence"):
        make = _mappings if kind == "mapping" else _sequences
        at = column + (step if kind == "mapping" else draw(st.sampled_from([0, 2, step])))
        part = draw(make(depth=depth, column=at, path=path))
        part.first = note
        return part
    if kind in ("literal", "folded"):
        return draw(_literals(margin=margin, path=path, note=note, is_folded=kind == "folded"))
    if kind in ("lines", "lower"):
        return draw(_texts(margin=margin, path=path, note=note, is_lower=kind == "lower"))
    if kind == "braces":
        return draw(_braces(margin=margin, path=path, note=note))
    words, data = draw(_flows() if kind == "flow" else st.sampled_from(SCALARS))
    return Part(f" {words}{note}", [], data)


@st.composite
def _texts(draw: st.DrawFn, margin: str, path: Path, note: str, is_lower: bool) -> Part:
    """A text that ends, or stands, below its key."""
    if is_lower:
        return Part(note, [Line(margin + "value" + draw(st.sampled_from(NOTES)), path)], "value")
    quote = draw(st.sampled_from(["", '"']))
    return Part(f" {quote}first", [Line(margin + "second" + quote, path)], "first second")


@st.composite
def _literals(draw: st.DrawFn, margin: str, path: Path, note: str, is_folded: bool) -> Part:
    if is_folded:
        below = [Line(margin + "folded", path), Line(margin + "text # in", path)]
        return Part(f" >-{note}", below, "folded text # in", swallows=True)
    head, tail = draw(st.sampled_from([("|", "\n"), ("|-", ""), ("|+", "\n\n")]))
    below = [Line(margin + "one", path), Line(margin + "  # two: x", path)]
    if head == "|+":
        below.append(Line("", path))
    return Part(f" {head}{note}", below, "one\n  # two: x" + tail, swallows=True)


@st.composite
def _flows(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any]:
    kind = draw(
        st.sampled_from(["list", "section", "scalar"] if depth < 2 else ["list", "section"])
    )
    if kind == "scalar" or depth == 0:
        scalar: tuple[str, Any] = draw(st.sampled_from(FLOW_SCALARS))
        return scalar
    pad, comma = draw(st.sampled_from(["", " "])), draw(st.sampled_from([", ", ",", " ,  "]))
    parts = draw(st.lists(_flows(depth=depth - 1), max_size=3))
    if kind == "list":
        return f"[{pad}{comma.join(words for words, _ in parts)}{pad}]", [one for _, one in parts]
    names = ("k", "no", "long")[: len(parts)]
    words = comma.join(f"{name}: {one[0]}" for name, one in zip(names, parts, strict=True))
    return f"{{{pad}{words}{pad}}}", dict(zip(names, (one for _, one in parts), strict=True))


@st.composite
def _braces(draw: st.DrawFn, margin: str, path: Path, note: str) -> Part:
    """A list in brackets over several lines."""
    items = draw(st.lists(_flows(depth=1), min_size=1, max_size=3))
    comma = draw(st.sampled_from(["", ","]))
    below = []
    for number, (words, _) in enumerate(items):
        if draw(st.integers(0, 3)) == 0:
            below.append(Line(f"{margin}# about {number}", (*path, number)))
        mark = "," if number < len(items) - 1 else comma
        note_here = draw(st.sampled_from(NOTES))
        below.append(Line(f"{margin}{words}{mark}{note_here}", (*path, number)))
    below.append(Line(margin + "]" + note, path))
    return Part(" [", below, [one for _, one in items])


@st.composite
def _sequences(draw: st.DrawFn, depth: int, column: int, path: Path) -> Part:
    part = Part(first="", below=[], data=[])
    for number in range(draw(st.integers(1, 3))):
        own = (*path, number)
        _gap(draw, part, column, own, number > 0)
        below = draw(_items(depth=depth, column=column, path=own))
        line = Line(" " * column + "-" + below.first, below.owner or own)
        _take(part, line, below, (column, own))
        part.data.append(below.data)
    return part


@st.composite
def _items(draw: st.DrawFn, depth: int, column: int, path: Path) -> Part:
    kind = draw(st.sampled_from(["scalar", "flow", "mapping", "mapping", "sequence", "empty"]))
    note = draw(st.sampled_from(NOTES))
    if kind == "empty":
        return Part(note, [], None)
    if kind in ("scalar", "flow") or depth < 2:
        words, data = draw(_flows() if kind == "flow" else st.sampled_from(SCALARS))
        return Part(f" {words}{note}", [], data)
    pad = draw(st.sampled_from([1, 1, 3]))
    make = _mappings if kind == "mapping" else _sequences
    part = draw(make(depth=depth - 1, column=column + 1 + pad, path=path))
    while part.below[0].words.strip() == "" or part.below[0].words.lstrip().startswith("#"):
        part.below.pop(0)  # the first key stands beside the dash
    # The line of the dash belongs to what is innermost on it.
    beside = part.below.pop(0)
    part.first, part.owner = beside.words[column + 1 :], beside.owner
    return part


def paths(data: Any, path: Path = ()) -> Iterator[Path]:
    """Every path of the data."""
    if path:
        yield path
    if isinstance(data, dict):
        pairs = [*data.items()]
    else:
        pairs = [*enumerate(data)] if isinstance(data, list) else []
    for name, below in pairs:
        yield from paths(below, (*path, name))


def at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


new_values = st.recursive(
    st.sampled_from(NEW_SCALARS),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(KEYS), below, max_size=3)
    ),
    max_leaves=4,
)
