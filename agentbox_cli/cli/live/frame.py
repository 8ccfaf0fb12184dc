"""One picture of what goes on, as lines that fit the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from agentbox_cli.cli.live import words
from agentbox_cli.cli.live.view import View
from agentbox_cli.cli.output import STYLES, clean

Row = dict[str, Any]

KEYS = "j/k select  p pause  c clear cooldown  s sort  q quit"
# What a picture has besides links, failovers, budgets and warnings.
_FIXED_LINES = 9
_FEWEST_FAILOVERS = 3
_MOST_REMARKS = 3
# The narrowest that the names of links are cut to.
_NARROWEST_NAME = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much room there is; None for as much as it takes."""

    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    from_width: int = 0  # of the terminal


_COLUMNS = (
    _Column("STATE", 15),
    _Column("QUOTA", 11),
    _Column("CALL/S", 6),
    _Column("TOK/S", 6),
    _Column("P50", 6),
    _Column("P95", 6, 88),
    _Column("FIRST", 6, 96),
    _Column("FAILED", 6),
    _Column("ALIASES", 24, 130),
)
_TO_THE_LEFT = frozenset({"STATE", "QUOTA", "ALIASES"})


def frame(document: Row, view: View, size: Size, *, url: str, clock: str) -> list[Text]:
    """The lines of a picture.

    Args:
        document: what the proxy tells.
        view: what is selected, and the order.
        size: of the terminal.
        url: where the proxy listens.
        clock: the time of day.
    """
    links = view.ordered(document["links"])
    remarks = list(_remarks(document))[:_MOST_REMARKS]
    room = _room(size, len(links), len(remarks))
    lines = [
        _head(document, url, clock),
        Text(words.today(document)),
        *remarks,
        Text(),
        *_table(_around(links, view.selected, room.links), view, size.width, of=len(links)),
        Text(),
        *_selected(links, view, size),
        Text("LAST FAILOVERS", style="bold"),
        *(Text(words.failover(row)) for row in document["failovers"][: room.failovers]),
    ]
    if not document["failovers"]:
        lines.append(Text("none since the proxy was started", style="dim"))
    return _fitted(lines, view, size)


def gone(state: str, view: View, size: Size, *, clock: str) -> list[Text]:
    """The lines of a picture while no proxy tells anything."""
    lines = [
        Text.assemble(("agentbox", "bold"), f"  the proxy is {state}  {clock}"),
        Text(),
        Text("It went away; this looks for it again. To start it: agentbox litellm start"),
    ]
    return _fitted(lines, view, size)


@dataclass(frozen=True, slots=True)
class _Room:
    links: int
    failovers: int


def _room(size: Size, links: int, remarks: int) -> _Room:
    """How many links and failovers there is room for."""
    if size.height is None:
        return _Room(links, 20)
    left = max(size.height - _FIXED_LINES - remarks, 2)
    shown = min(links, max(left - _FEWEST_FAILOVERS, 1))
    return _Room(shown, max(left - shown, 1))


def _around(links: Sequence[Row], selected: str, count: int) -> Sequence[Row]:
    """As many links as there is room for, the selected one among them."""
    names = [row["link"] for row in links]
    place = names.index(selected) if selected in names else 0
    begin = max(0, min(place - count // 2, len(links) - count))
    return links[begin : begin + count]


def _head(document: Row, url: str, clock: str) -> Text:
    state = document["state"]
    return Text.assemble(
        ("agentbox", "bold"),
        "  ",
        (state, STYLES.get(state, "")),
        f" on {url}, engine {document['engine']['state']}, "
        f"{document['in_flight']} in flight  {clock}",
    )


def _remarks(document: Row) -> Iterator[Text]:
    for row in document["budgets"]:
        yield Text(words.budget(row))
    for warning in document["warnings"]:
        yield Text(f"warning: {clean(warning)}", style="yellow")


def _table(links: Sequence[Row], view: View, width: int | None, *, of: int) -> Iterator[Text]:
    columns = [each for each in _COLUMNS if width is None or width >= each.from_width]
    taken = sum(each.width + 1 for each in columns) + 2
    longest = max((cell_len(clean(row["link"])) for row in links), default=0)
    title = "LINK" if of == len(links) else f"LINK, {len(links)} of {of}"
    name = max(longest, len(title))
    if width is not None:
        name = min(name, max(width - taken, _NARROWEST_NAME))
    titles = {each.title: each.title for each in columns}
    title = title if len(title) <= name else "LINK"
    yield Text(f"  {title:<{name}}{_cells(columns, titles)}", style="bold")
    for row in links:
        yield _line(row, columns, name, chosen=row["link"] == view.selected)


def _line(row: Row, columns: Sequence[_Column], name: int, *, chosen: bool) -> Text:
    cells = {
        "STATE": words.shown_state(row),
        "QUOTA": words.quota(row),
        "CALL/S": words.pace(row["rates"]["10s"]["calls_per_s"]),
        "TOK/S": words.pace(row["rates"]["10s"]["tokens_per_s"]),
        "P50": words.took(row["latency_ms"]["p50"]),
        "P95": words.took(row["latency_ms"]["p95"]),
        "FIRST": words.took(row["first_content_ms"]["p50"]),
        "FAILED": str(row["failed"] or "-"),
        "ALIASES": clean(", ".join(row["aliases"])),
    }
    link = _middle_cut(clean(row["link"]), name)
    line = Text(f"{'> ' if chosen else '  '}{link}", style="reverse" if chosen else "")
    state, *others = columns
    line.append(_cells([state], cells), style=STYLES.get(row["state"], ""))
    return line.append(_cells(others, cells))


def _cells(columns: Sequence[_Column], cells: dict[str, str]) -> str:
    return "".join(f" {_aligned(cells[each.title], each)}" for each in columns)


def _aligned(cell: str, column: _Column) -> str:
    if column.title in _TO_THE_LEFT:
        return set_cell_size(cell, column.width)
    return f"{cell:>{column.width}}"


def _middle_cut(name: str, width: int) -> str:
    """A name in so many cells; the end of a model's name says as much as its beginning."""
    if cell_len(name) <= width:
        return set_cell_size(name, width)
    half = (width - 1) // 2
    return set_cell_size(f"{name[: width - 1 - half]}…{name[-half:]}", width)


def _selected(links: Sequence[Row], view: View, size: Size) -> Iterator[Text]:
    chosen = next((row for row in links if row["link"] == view.selected), None)
    if size.height is None or chosen is None:
        return
    told = words.details(chosen)
    yield from (Text(line) for line in (*told, "")[:2])
    yield Text()


def _fitted(lines: list[Text], view: View, size: Size) -> list[Text]:
    """As many lines as fit, with the keys in the last one; none wider than the terminal."""
    if size.height is not None:
        lines = lines[: size.height - 1]
        lines += [Text()] * (size.height - 1 - len(lines))
        lines.append(Text(clean(view.message) or KEYS, style="" if view.message else "dim"))
    if size.width is not None:
        for line in lines:
            line.truncate(size.width, overflow="ellipsis")
    return lines
