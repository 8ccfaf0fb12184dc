"""Reports and series as JSON data, the same for commands and pages."""

from dataclasses import asdict
from typing import Any

from agentbox_cli.usage.report import Report, UsageRow
from agentbox_cli.usage.series import Series


def report_document(report: Report) -> dict[str, Any]:
    """A report as `usage --json` shows it."""
    total = row_document(report.total)
    return {
        "since": report.since,
        "until": report.until,
        "by": report.by.value,
        "rows": [row_document(row) for row in report.rows],
        "total": {name: value for name, value in total.items() if name != "key"},
    }


def row_document(row: UsageRow) -> dict[str, Any]:
    """One line of a report."""
    told = asdict(row)
    # Sums of floats: a billionth of a dollar is more than anybody pays.
    return told | {name: round(told[name], 9) for name in ("cost_usd", "saved_usd")}


def series_document(series: Series) -> dict[str, Any]:
    """Usage over time: for each step its begin, all that was used, and what of it by whom."""
    return {
        "step": series.step,
        "labels": list(series.labels),
        "rows": [row_document(row) for row in series.rows],
        "parts": {
            key: {
                "tokens": [row.input_tokens + row.output_tokens for row in rows],
                "cost_usd": [round(row.cost_usd, 9) for row in rows],
            }
            for key, rows in series.parts.items()
        },
    }
