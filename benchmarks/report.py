"""What a run found: a table, JSON, and the page that is kept in the repository."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Figure, shown

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE / "RESULTS.md"

_COLUMNS = ("figure", "value", "middle half", "target", "verdict")


def surroundings() -> dict[str, str]:
    """What the figures depend on; nothing that names the machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("aiohttp", "uvloop", "litellm")},
    }


def load() -> str:
    """The machine's load; the run itself adds two to three."""
    return f"{os.getloadavg()[0]:.2f}"


def table(figures: Sequence[Figure]) -> str:
    """A table in Markdown, which reads well in a terminal too."""
    rows = [_COLUMNS, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_COLUMNS))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, _line(["-" * width for width in widths], widths))
    return "\n".join(lines)


def save(figures: Sequence[Figure], where: Mapping[str, str]) -> Path:
    """Write the run as JSON, for comparisons; gives the file."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    rows = [{**asdict(figure), "verdict": figure.verdict} for figure in figures]
    data = {"schema": "agentbox.benchmarks/1", "surroundings": dict(where), "figures": rows}
    file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return file


def record(figures: Sequence[Figure], where: Mapping[str, str]) -> None:
    """Write the page of the repository."""
    facts = "\n".join(f"- {name}: {value}" for name, value in where.items())
    text = f"{_INTRODUCTION}\n{facts}\n\n{table(figures)}\n"
    PAGE.write_text(text, encoding="utf-8")


_INTRODUCTION = """\
# Results of one run

Written by `python -m benchmarks --record`; `README.md` says what is measured how. All on one
machine, over loopback, against a simulated provider; the value is the median of the rounds.
"""


def _cells(figure: Figure) -> tuple[str, ...]:
    ends = figure.sure or figure.spread
    spread = " to ".join(map(shown, ends)) if ends else ""
    if figure.sure:
        spread += " (95 %)"
    value = f"{shown(figure.value)} {figure.unit}"
    return (figure.name, value, spread, figure.target, figure.verdict)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
