"""What `test-fallback` prints: a matrix for people, or JSON."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.fallback.document import report_document
from agentbox_cli.fallback.verdicts import SIMULATED, Outcome, Report, Row
from agentbox_cli.providers.resolved import ENDPOINTS

# More of them tell nothing new; `--json` has them all.
TOLD_IN_FULL = 20


def show(report: Report, *, as_json: bool, only_failed: bool) -> None:
    """Print a report."""
    shown = report
    if only_failed:
        shown = replace(report, rows=tuple(row for row in report.rows if not row.ok))
    if as_json:
        emit_json("test-fallback", report_document(shown, ok=report.ok))
    elif report.mode == "list":
        _list(shown)
    elif report.mode == SIMULATED:
        _matrix(shown)
        _explain(shown.rows)
        say(_verdict(report))
    else:
        _links(shown)
        say(_verdict_on_links(report))


def _list(report: Report) -> None:
    rows = [row for row in report.rows if row.outcome is Outcome.PLANNED]
    table(
        ["ALIAS", "SCENARIO", "ASKED BY", "MUST COME FROM"],
        [[row.alias, row.scenario + _off(row), row.asked, row.expected or ""] for row in rows],
    )
    _explain(report.rows)
    say(f"{len(rows)} checks would be made")


def _off(row: Row) -> str:
    return f" ({', '.join(row.toggles)} off)" if row.toggles else ""


def _matrix(report: Report) -> None:
    checks = [row for row in report.rows if row.endpoint]
    endpoints = [name for name in ENDPOINTS if any(row.endpoint == name for row in checks)]
    if checks:
        heads = ["ALIAS", "WHAT FAILS", *(name.upper() for name in endpoints)]
        table(heads, [_line(rows, endpoints) for rows in _grouped(checks)])


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.alias, row.group), []).append(row)
    return list(groups.values())


def _line(rows: Sequence[Row], endpoints: Sequence[str]) -> list[str]:
    cells = ([row for row in rows if row.endpoint == name] for name in endpoints)
    return [rows[0].alias, rows[0].group.value, *map(_cell, cells)]


def _cell(rows: Sequence[Row]) -> str:
    failed = sum(not row.ok for row in rows)
    if failed:
        return f"{_symbol(Outcome.BREAKS)} {failed} of {len(rows)}"
    if not rows:
        return ""
    stops = any(row.outcome is Outcome.STOPS for row in rows)
    return f"{_symbol(Outcome.STOPS if stops else Outcome.HOLDS)} {len(rows)}"


def _symbol(outcome: Outcome) -> str:
    symbol, plain = _SYMBOLS[outcome]
    try:
        symbol.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return plain
    return symbol


_SYMBOLS = {
    Outcome.HOLDS: ("✓", "ok"),
    Outcome.STOPS: ("■", "stops"),
    Outcome.BREAKS: ("✗", "FAILED"),
}


def _explain(rows: Sequence[Row]) -> None:
    """Tell what is behind the symbols: the config's own limits first, then what failed."""
    for line in dict.fromkeys(_limits(rows)):
        say(line)
    failed = [row for row in rows if not row.ok]
    for row in failed[:TOLD_IN_FULL]:
        asked = f" by {row.asked}" if row.asked else ""
        say(f"{_symbol(Outcome.BREAKS)} {row.alias}: {row.scenario}{_off(row)}{asked}: {row.why}")
    for hint in dict.fromkeys(row.hint for row in failed if row.hint):
        say(f"  -> {hint}")
    if len(failed) > TOLD_IN_FULL:
        say(f"  ... and {len(failed) - TOLD_IN_FULL} more; --only-failed --json has them all")


def _limits(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        if row.outcome is Outcome.STOPS:
            reason = f"{row.stopped_by} is off in your config"
            yield f"{_symbol(Outcome.STOPS)} {row.group}: {reason}, so the failure is passed on"
        elif row.outcome is Outcome.REMARK:
            hint = f" ({row.hint})" if row.hint else ""
            yield f"warning: {row.alias}: {row.why}{hint}"


def _verdict(report: Report) -> str:
    failed = sum(not row.ok for row in report.rows)
    checks = sum(row.outcome is not Outcome.REMARK for row in report.rows)
    said = "every chain falls back" if report.ok else f"{failed} failed"
    return f"{checks} checks in {report.elapsed_s:.1f} s: {said}"


def _links(report: Report) -> None:
    columns = ["ALIAS", "LINK", "ASKED BY", "STATUS", "MS", "RESULT"]
    table(columns, [_link_line(row) for row in report.rows])
    for hint in dict.fromkeys(row.hint for row in report.rows if row.hint):
        say(f"  -> {hint}")


def _link_line(row: Row) -> list[str]:
    return [
        row.alias,
        row.expected or "",
        row.endpoint or "",
        str(row.status or ""),
        "" if row.elapsed_ms is None else f"{row.elapsed_ms:.0f}",
        row.why or "ok",
    ]


def _verdict_on_links(report: Report) -> str:
    asked = [row for row in report.rows if row.outcome is not Outcome.REMARK]
    failed = sum(not row.ok for row in asked)
    said = "every link answers" if not failed else f"{failed} of {len(asked)} do not answer"
    return f"{len(asked)} links in {report.elapsed_s:.1f} s: {said}"
