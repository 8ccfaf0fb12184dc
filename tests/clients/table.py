"""Run the real clients and write the table in docs/agents.md: python -m tests.clients.table.

A file of tests as an argument runs only that; other rows stay as an earlier run wrote them.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients.cases import CLIENTS, SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
NO_TOOLS, NOT_HAD = "no tools", "cannot be had"
BEGIN, END = "<!-- clients: written by a run -->\n", "<!-- clients: end -->"

# Name, version and endpoint of a client, and what it was asked to do.
Row = tuple[str, str, str, str]


class Collector:
    """Keeps how each row ended."""

    def __init__(self) -> None:
        self.results: dict[Row, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        row: Any = dict(report.user_properties).get("row")
        if row is not None and (report.when == "call" or report.outcome != "passed"):
            self.results[tuple(row)] = _word(report)


def _word(report: pytest.TestReport) -> str:
    if report.outcome != "skipped":
        return {"passed": "works", "failed": "fails"}[report.outcome]
    why = str(report.longrepr)
    return next((word for word in (NO_TOOLS, NOT_HAD) if word in why), "not run")


def table(results: Mapping[Row, str]) -> str:
    """The results as Markdown, a line for each client."""
    lines = [
        f"| client | version | endpoint | {' | '.join(SCENARIOS)} |",
        f"|---|---|---|{'---|' * len(SCENARIOS)}",
    ]
    for each in CLIENTS:
        cells = [
            results.get((each.name, each.version, each.endpoint, scenario), "not run")
            for scenario in SCENARIOS
        ]
        start = f"| {each.name} | {each.version} | `{each.endpoint}` |"
        lines.append(f"{start} {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in lines)


def block(page: str) -> str:
    """The table as it stands in a page."""
    return page.partition(BEGIN)[2].partition(END)[0]


def results_in(written: str) -> dict[Row, str]:
    """What a table tells."""
    results: dict[Row, str] = {}
    for line in written.splitlines()[2:]:
        name, version, endpoint, *words = (cell.strip() for cell in line.strip("|").split("|"))
        for scenario, word in zip(SCENARIOS, words, strict=True):
            results[name, version, endpoint.strip("`"), scenario] = word
    return results


def main(*files: str) -> int:
    """Run, write, and give the exit code of the run."""
    collector = Collector()
    asked = ["-q", "-m", "clients", *(files or ["tests/clients"])]
    code = pytest.main(asked, plugins=[collector])
    page = PAGE.read_text(encoding="utf-8")
    written = re.escape(BEGIN) + ".*?" + re.escape(END)
    fresh = f"{BEGIN}{table(results_in(block(page)) | collector.results)}{END}"
    PAGE.write_text(re.sub(written, lambda _: fresh, page, flags=re.DOTALL), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
