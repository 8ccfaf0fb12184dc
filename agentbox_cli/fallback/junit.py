"""A report as JUnit XML, for the test pages of CI services."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agentbox_cli.fallback.verdicts import Outcome, Report, Row

NAME = "agentbox litellm test-fallback"
_NOTHING_RAN = frozenset({Outcome.REMARK, Outcome.PLANNED})


def junit_xml(report: Report) -> bytes:
    """Write a report as one test suite for each alias; remarks count as skipped."""
    seconds = f"{report.elapsed_s:.3f}"
    root = Element("testsuites", {"name": NAME, "time": seconds, **_totals(report.rows)})
    by_alias = sorted(report.rows, key=lambda row: row.alias)
    for alias, rows in groupby(by_alias, key=lambda row: row.alias):
        _add_suite(root, alias, list(rows))
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _totals(rows: Sequence[Row]) -> dict[str, str]:
    return {
        "tests": str(len(rows)),
        "failures": str(sum(not row.ok for row in rows)),
        "skipped": str(sum(row.outcome in _NOTHING_RAN for row in rows)),
        "errors": "0",
    }


def _add_suite(root: Element, alias: str, rows: Sequence[Row]) -> None:
    seconds = sum(row.elapsed_ms or 0.0 for row in rows) / 1_000
    told = {"name": alias, "time": f"{seconds:.3f}", **_totals(rows)}
    suite = SubElement(root, "testsuite", told)
    for row in rows:
        _add_case(suite, row)


def _add_case(suite: Element, row: Row) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=f"agentbox.{row.alias}",
        name=_name(row),
        time=f"{(row.elapsed_ms or 0.0) / 1_000:.3f}",
    )
    why = _legal(row.why or "")
    if row.outcome in _NOTHING_RAN:
        SubElement(case, "skipped", message=why)
    elif not row.ok:
        SubElement(case, "failure", message=why).text = _legal(_details(row))


def _name(row: Row) -> str:
    off = f", {' and '.join(row.toggles)} off" if row.toggles else ""
    return f"{row.scenario}{off}{f', {row.asked}' if row.asked else ''}"


def _details(row: Row) -> str:
    calls = ", ".join(f"{name}: {number}" for name, number in row.upstream_calls.items())
    told = [
        f"why: {row.why}",
        f"expected: {row.expected}" if row.expected else "",
        f"calls: {calls}" if calls else "",
        f"next: {row.hint}" if row.hint else "",
    ]
    return "\n".join(line for line in told if line)


def _legal(text: str) -> str:
    """Keep what XML 1.0 can hold; providers' words can have anything in them."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "?" for mark in text)
