"""Text for people and JSON for programs."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from agentbox_cli.config.problems import Problem


_BETWEEN = re.compile(r"[^\n\t]+")


def emit_json(name: str, document: dict[str, Any]) -> None:
    """Print a JSON document of the schema `agentbox.<name>/1`, in ASCII for every locale."""
    say(json.dumps({"schema": f"agentbox.{name}/1", **document}, indent=2))


def emit_json_line(name: str, document: dict[str, Any]) -> None:
    """Print one JSON document on one line, at once: for commands that go on and on."""
    say(json.dumps({"schema": f"agentbox.{name}/1", **document}))
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Print a line for people."""
    sys.stdout.write(for_reading(text, sys.stdout) + "\n")


def notice(text: str) -> None:
    """Print a line that is not the answer, on stderr, after what was printed before it."""
    sys.stdout.flush()
    sys.stderr.write(for_reading(text, sys.stderr) + "\n")


def clean(text: str) -> str:
    """Other people's text without what a terminal would take for a command."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def for_reading(text: str, stream: TextIO) -> str:
    """A text, clean but for its lines and tabs if a terminal shows it; programs get it all."""
    if text.isprintable() or not stream.isatty():
        return text
    return _BETWEEN.sub(lambda found: clean(found[0]), text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table without frames; on a terminal it fits the width, elsewhere nothing wraps."""
    listed = [[clean(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_fitting(columns, listed)
    else:
        _print_plain([list(columns), *listed])


def _print_fitting(columns: Sequence[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(file=sys.stdout, highlight=False, emoji=False, markup=False).print(grid)


def _print_plain(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        say("  ".join(padded).rstrip())


STYLES = {
    "ok": "green",
    "set": "green",
    "running": "green",
    "loaded": "green",
    "missing": "yellow",
    "cooling": "yellow",
    "exhausted": "yellow",
    "paused": "yellow",
    "key-missing": "yellow",
    "disabled": "yellow",
    "degraded": "yellow",
    "broken": "red",
    "failed": "red",
}


def problem_row(problem: "Problem") -> dict[str, object]:
    """A problem as JSON."""
    return {
        "path": problem.path,
        "line": problem.line,
        "column": problem.column,
        "severity": problem.severity.value,
        "rule": problem.rule.value,
        "message": problem.message,
        "hint": problem.hint,
    }
