"""Text for people and JSON for programs."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 80


def emit_json(name: str, document: dict[str, Any]) -> None:
    """Print a JSON document of the schema `agentbox.<name>/1`."""
    text = json.dumps({"schema": f"agentbox.{name}/1", **document}, indent=2, ensure_ascii=False)
    sys.stdout.write(text + "\n")


def say(text: str = "") -> None:
    """Print a line for people."""
    sys.stdout.write(text + "\n")


def notice(text: str) -> None:
    """Print a line that is not the answer, on stderr."""
    sys.stderr.write(text + "\n")


def console() -> "Console":
    """A console for stdout: colour on terminals only, 80 columns elsewhere."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, emoji=False, markup=False)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table without frames, so that columns can be cut out of it."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console().print(grid)


_STYLES = {
    "ok": "green",
    "set": "green",
    "running": "green",
    "loaded": "green",
    "missing": "yellow",
    "cooling": "yellow",
    "exhausted": "yellow",
    "key-missing": "yellow",
    "disabled": "yellow",
    "degraded": "yellow",
    "broken": "red",
    "failed": "red",
}
