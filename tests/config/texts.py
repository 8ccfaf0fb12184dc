"""YAML texts together with what they mean, in many layouts."""

from typing import Any

from hypothesis import strategies as st

Sample = tuple[str, Any]

KEYS = ("a", "b c", "no", "on", "größe", "😀", "x-y", "k1", "long_key_name")
SCALARS: tuple[tuple[str, Any], ...] = (
    ("1", 1),
    ("-0.5", -0.5),
    ("true", True),
    ("null", None),
    ("plain words", "plain words"),
    ("yes", "yes"),
    ("${NAME:-x}", "${NAME:-x}"),
    ("'it''s # not'", "it's # not"),
    ('"tab\\t\\u00e9 😀"', "tab\té 😀"),
    ('"a: b"', "a: b"),
    ("漢字", "漢字"),
    ("''", ""),
)
BLOCK_END = "two: # no comment"
BLOCK = f"one\n{BLOCK_END}\n"
LAST_COMMENTS = ("", " # note", "   # 漢字: x")
BETWEEN = ((), ("",), ("# heading",), ("", "  # odd: place", ""))


@st.composite
def yaml_texts(draw: st.DrawFn) -> Sample:
    """A block mapping with everything in it, and its data."""
    lines, data = draw(mappings(depth=3))
    line_end = draw(st.sampled_from(["\n", "\r\n"]))
    ends = [line_end] if lines[-1].endswith(BLOCK_END) else ["", line_end]
    text = line_end.join(lines) + draw(st.sampled_from(ends))
    start = draw(st.sampled_from(["", "\ufeff", "---" + line_end, "# first" + line_end]))
    return start + text, data


@st.composite
def mappings(draw: st.DrawFn, depth: int) -> tuple[list[str], dict[str, Any]]:
    step = draw(st.sampled_from([2, 4]))
    lines: list[str] = []
    data = {}
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True)):
        lines += draw(st.sampled_from(BETWEEN))
        quoted = draw(st.sampled_from([key, f'"{key}"', f"'{key}'"]))
        below, data[key] = draw(values(depth=depth - 1, step=step))
        lines += [f"{quoted}:{below[0]}", *below[1:]]
    return lines, data


@st.composite
def values(draw: st.DrawFn, depth: int, step: int) -> tuple[list[str], Any]:
    """What stands behind `key:`; the first line goes on the key's own."""
    kind = draw(st.sampled_from(["scalar", "flow", "empty", "block", "mapping", "sequence"]))
    note = draw(st.sampled_from(LAST_COMMENTS))
    if kind == "empty":
        return [note], None
    if kind == "block":
        return [f" |{note}", f"{' ' * step}one", f"{' ' * step}{BLOCK_END}", "# end"], BLOCK
    if kind == "mapping" and depth:
        lines, data = draw(mappings(depth=depth))
        return [note, *(" " * step + line for line in lines)], data
    if kind == "sequence" and depth:
        return draw(sequences(depth=depth, step=step))
    if kind == "flow":
        (one, first), (two, second) = draw(st.tuples(*[st.sampled_from(SCALARS[:4])] * 2))
        return [f" [{one},  {{k: {two}}} ]{note}"], [first, {"k": second}]
    text, data = draw(st.sampled_from(SCALARS))
    return [f" {text}{note}"], data


@st.composite
def sequences(draw: st.DrawFn, depth: int, step: int) -> tuple[list[str], list[Any]]:
    offset = draw(st.sampled_from([0, step]))
    lines, data = [""], []
    for _ in range(draw(st.integers(1, 3))):
        below, item = draw(mappings(depth=depth))
        below = [line for line in below if line.strip() and not line.lstrip().startswith("#")]
        lines += [
            f"{' ' * offset}- {below[0]}",
            *(" " * (offset + 2) + each for each in below[1:]),
        ]
        data.append(item)
    return lines, data
