"""Usage over time, in steps that fit the time: what the charts draw."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, func, select

from agentbox_cli.usage.by import By
from agentbox_cli.usage.report import Report, UsageRow, reports_of, usage_report
from agentbox_cli.usage.tables import SLOT_SECONDS, totals

# Two days in hours are as many steps as fit a screen.
_HOURS_UP_TO = 2 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Usage over time.

    Args:
        step: `hour` or `day`.
        labels: the begin of each step in local time; steps without usage are there too.
        rows: what was used in each.
        parts: the same by whom it was asked for, such as a row for each step of every model.
    """

    step: str
    labels: Sequence[str]
    rows: Sequence[UsageRow]
    parts: Mapping[str, Sequence[UsageRow]] = field(default_factory=dict)


def usage_series(
    engine: Engine, since: float | None, until: float | None, *, of: By | None = None
) -> Series:
    """Usage between two times, step by step.

    Args:
        engine: the database.
        since: seconds since the epoch; None for the first use.
        until: the same; None for now.
        of: whose parts are told; None for none.
    """
    end = time.time() if until is None else until
    begin = since if since is not None else _first_use(engine, end)
    by = By.HOUR if end - begin <= _HOURS_UP_TO else By.DAY
    labels = _labels(by, begin, end)
    parts = reports_of(engine, of, by, begin, until) if of is not None else {}
    return Series(
        step=by.value,
        labels=labels,
        rows=_steps(usage_report(engine, by, begin, until), labels),
        parts={key: _steps(report, labels) for key, report in parts.items()},
    )


def _steps(report: Report, labels: Sequence[str]) -> list[UsageRow]:
    rows = {row.key: row for row in report.rows}
    return [rows.get(label, UsageRow(key=label)) for label in labels]


def _first_use(engine: Engine, otherwise: float) -> float:
    with engine.connect() as connection:
        slot = connection.execute(select(func.min(totals.c.slot))).scalar()
    return otherwise if slot is None else float(slot * SLOT_SECONDS)


def _labels(by: By, begin: float, end: float) -> list[str]:
    form, step = _FORMS[by]
    labels: dict[str, None] = {}
    moment = begin
    while moment < end:
        labels[time.strftime(form, time.localtime(moment))] = None
        moment += step / 2  # days of 23 hours are not passed over
    return list(labels)


_FORMS: Mapping[By, tuple[str, Any]] = {
    By.HOUR: ("%Y-%m-%d %H:00", 3_600),
    By.DAY: ("%Y-%m-%d", 86_400),
}
