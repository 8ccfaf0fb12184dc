"""What a drill found, as JSON data."""

from typing import Any

from agentbox_cli.fallback.verdicts import Outcome, Report, Row


def report_document(report: Report, *, ok: bool) -> dict[str, Any]:
    """A drill as `test-fallback --json` shows it; `ok` counts rows that are left out, too."""
    return {
        "ok": ok,
        "mode": report.mode,
        "elapsed_s": round(report.elapsed_s, 2),
        "checks": [_row(row) for row in report.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "alias": row.alias,
        "scenario": row.scenario,
        "endpoint": row.endpoint,
        "stream": row.stream,
        "toggles": {"off": list(row.toggles)},
        "expected": row.expected,
        "served_by": row.served_by,
        "status": row.status,
        "upstream_calls": dict(row.upstream_calls),
        "elapsed_ms": row.elapsed_ms,
        "ok": None if row.outcome is Outcome.PLANNED else row.ok,
        "why": row.why,
    }
