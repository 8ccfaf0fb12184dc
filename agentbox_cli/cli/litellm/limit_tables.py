"""Quota windows as bars, cooldowns as rows."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from agentbox_cli.cli.output import table

BAR_WIDTH = 20
DAY = 86_400

_WINDOW_COLUMNS = ("QUOTA OF", "WINDOW", "USED", "", "LEFT", "STARTS ANEW")


def windows_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print windows, each with a bar of what is used."""
    if sys.stdout.isatty():
        _print_bars(rows)
    else:
        table(_WINDOW_COLUMNS, map(_plain, rows))


def cooling_table(rows: Iterable[dict[str, Any]]) -> None:
    """Print what is left alone, and why."""
    table(
        ("LEFT ALONE", "AFTER", "SINCE", "UNTIL", "FOR", "WHAT WAS SAID"),
        (
            [
                row["name"],
                row["kind"],
                moment(row["since"]),
                moment(row["until"]),
                lasting(row["remaining_s"]),
                row["message"],
            ]
            for row in rows
        ),
    )


def moment(seconds: float) -> str:
    """A local time of day; with its date if it is not near."""
    near = abs(seconds - time.time()) < DAY
    return time.strftime("%H:%M:%S" if near else "%Y-%m-%d %H:%M", time.localtime(seconds))


def lasting(seconds: float) -> str:
    """A span in its two largest units."""
    if seconds < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004 - hours in a day
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def _words(row: dict[str, Any]) -> list[str]:
    limit = row["limit"]
    return [
        row["name"],
        row["window"],
        "" if limit is None else f"{row['used']}/{limit}",
        str(row["remaining"]),
        f"in {lasting(row['resets_in_s'])}, {moment(row['resets_at'])}",
    ]


def _plain(row: dict[str, Any]) -> list[str]:
    name, window, *rest = _words(row)
    bar = ""
    if row["limit"]:
        filled = round(BAR_WIDTH * min(row["used"] / row["limit"], 1.0))
        bar = f"{'#' * filled:-<{BAR_WIDTH}}"
    return [name, window, bar, *rest]


def _print_bars(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in _WINDOW_COLUMNS:
        grid.add_column(column, overflow="fold")
    for row in rows:
        name, window, *rest = (Text(word) for word in _words(row))
        style = "red" if row["remaining"] == 0 else "green"
        bar = ProgressBar(
            total=row["limit"] or 1,
            completed=row["used"] or 0,
            width=BAR_WIDTH,
            complete_style=style,
            finished_style=style,
        )
        grid.add_row(name, window, bar if row["limit"] else Text(""), *rest)
    Console(file=sys.stdout, highlight=False, emoji=False, markup=False).print(grid)
