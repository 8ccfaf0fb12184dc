"""A report as one web page: everything in one file, so that it opens anywhere and offline."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from sqlalchemy import Engine

from agentbox_cli import __version__
from agentbox_cli.usage.by import By
from agentbox_cli.usage.document import report_document, series_document
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.series import usage_series
from agentbox_cli.usage.upkeep import failures

SHOWN_BY = (By.ALIAS, By.MODEL, By.CALLER, By.PROJECT, By.CLASS)

_PLACE = re.compile(r"@([a-z.]+)@")


def usage_page(engine: Engine, since: float | None, until: float | None) -> str:
    """What was used between two times, as HTML; its script, Plotly's included, stands in it."""
    reports = [report_document(usage_report(engine, by, since, until)) for by in SHOWN_BY]
    data = {
        "version": __version__,
        "since": since,
        "until": time.time() if until is None else until,
        "total": reports[0]["total"],
        "reports": reports,
        "series": series_document(usage_series(engine, since, until, of=By.MODEL)),
        "errors": [asdict(row) for row in failures(engine, since, until)],
    }
    return _filled(data)


def _filled(data: Mapping[str, Any]) -> str:
    pieces = {
        "data": _embedded(data),
        "page.css": _own("page.css"),
        "parts.js": _own("parts.js"),
        "report.js": _own("report.js"),
        "plotly.min.js": (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8"),
    }
    # A function gives each piece as it is; a template would read the backslashes in it.
    return _PLACE.sub(lambda found: pieces[found[1]], _own("report.html"))


def _own(name: str) -> str:
    return (files("agentbox_cli.usage") / "web" / name).read_text("utf-8")


def _embedded(data: Mapping[str, Any]) -> str:
    """JSON that ends no script and begins no comment, whatever names stand in it."""
    text = json.dumps(data)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text
