"""What was used and what it cost: totals, grouped as people ask for them, and priced.

A row is priced by the price table that was in force when it was written. What has no price there
is counted as unpriced and never taken for free.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Engine, func, select

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.pricing import Counts, PriceList
from agentbox_cli.usage.by import By
from agentbox_cli.usage.store import read_prices
from agentbox_cli.usage.tables import CANCELLED, SLOT_SECONDS, SUMS, totals

# In these groups each call counts; in the others, each request.
OF_CALLS = frozenset({By.PROVIDER, By.MODEL, By.CLASS})


@dataclass(slots=True, kw_only=True)
class UsageRow:
    """One line of a report.

    Args:
        key: what it is about.
        requests: how many; calls to links where the report is about providers.
        failed: those that nobody answered; calls that failed where it is about providers.
        fell_back: those that another link than the first one answered.
        input_tokens: of prompts, cached ones included.
        output_tokens: of answers.
        cached_tokens: of prompts, read from a cache.
        cost_usd: what has a price, in dollars.
        saved_usd: what the first link would have cost where a free one answered.
        unpriced: calls whose cost is not known.
    """

    key: str
    requests: int = 0
    failed: int = 0
    fell_back: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    saved_usd: float = 0.0
    unpriced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report.

    Args:
        since, until: seconds since the epoch; None where it is open.
        by: what it is grouped by.
        rows: its lines; by time for days and hours, else the most expensive first.
        total: all of them together.
    """

    since: float | None
    until: float | None
    by: By
    rows: list[UsageRow] = field(default_factory=list)
    total: UsageRow = field(default_factory=lambda: UsageRow(key="total"))


def usage_report(
    engine: Engine,
    by: By,
    since: float | None,
    until: float | None,
    *,
    prices: Mapping[str, PriceList] | None = None,
) -> Report:
    """Report what was used between two times.

    Args:
        engine: the database.
        by: what to group by.
        since: seconds since the epoch, taken to whole quarters of an hour; None for all.
        until: the same, for the end.
        prices: what deployments cost; the prices of their time by default.
    """
    with engine.connect() as connection:
        tables = read_prices(connection)
        if prices is not None:
            tables = defaultdict(lambda: dict(prices))
        rows = connection.execute(_query(by, since, until)).mappings()
        return fold(rows, tables, by=by, since=since, until=until)


def fold(
    groups: Iterable[Mapping[Any, Any]],
    prices: Mapping[int, Mapping[str, PriceList]],
    *,
    by: By,
    since: float | None = None,
    until: float | None = None,
) -> Report:
    """Price groups of the totals, and add them up by what people ask for."""
    report = Report(since=since, until=until, by=by)
    lines: dict[str, UsageRow] = {}
    for group in groups:
        key = _KEYS[by](group)
        line = lines.setdefault(key, UsageRow(key=key))
        table = prices[group["price_version"]]
        for row in (line, report.total):
            _add(row, group, table, calls=by in OF_CALLS)
    report.rows.extend(sorted(lines.values(), key=_by_time if by in _TIMES else _by_cost))
    return report


def reports_of(
    engine: Engine, of: By, by: By, since: float | None, until: float | None
) -> dict[str, Report]:
    """A report for each key of `of`, such as one by day for every model."""
    with engine.connect() as connection:
        tables = read_prices(connection)
        groups: dict[str, list[Mapping[Any, Any]]] = {}
        for row in connection.execute(_query(by, since, until, of)).mappings():
            groups.setdefault(_KEYS[of](row), []).append(row)
    return {key: fold(rows, tables, by=by) for key, rows in groups.items()}


def _query(by: By, since: float | None, until: float | None, of: By | None = None) -> Any:
    names = (*_COLUMNS[by], *(_COLUMNS[of] if of else ()), *_PRICED_BY)
    columns = [totals.c[name] for name in dict.fromkeys(names)]
    sums = [func.sum(totals.c[name]).label(name) for name in SUMS]
    query = select(*columns, *sums).group_by(*columns)
    for condition in _conditions(of or by, since, until):
        query = query.where(condition)
    return query


def _conditions(by: By, since: float | None, until: float | None) -> Iterator[Any]:
    slot: Column[int] = totals.c.slot
    if since is not None:
        yield slot >= int(since // SLOT_SECONDS)
    if until is not None:
        yield slot < -int(-until // SLOT_SECONDS)
    if by in OF_CALLS:
        yield totals.c.provider != ""


def _add(
    row: UsageRow, group: Mapping[Any, Any], prices: Mapping[str, PriceList], *, calls: bool
) -> None:
    # Postgres adds up to decimals.
    row.requests += int(group["calls" if calls else "requests"])
    row.failed += int(group["calls_failed" if calls else "failed"])
    row.fell_back += int(group["rescues" if calls else "fell_back"])
    counts = _counts(group)
    row.input_tokens += counts.prompt
    row.output_tokens += counts.output
    row.cached_tokens += counts.cached
    price = prices.get(f"{group['provider']}/{group['model']}")
    if price is None:
        # Calls that cost something, or may have.
        row.unpriced += int(max(group["calls"] - group["calls_failed"], group["uncounted"]))
        return
    terms = {"tier": group["tier"], "over": group["over"]}
    row.cost_usd += price.cost(counts, **terms)
    if not price.free:
        row.unpriced += int(group["uncounted"])
    elif first := prices.get(group["first_link"]):
        row.saved_usd += first.cost(counts, **terms)


def _counts(group: Mapping[Any, Any]) -> Counts:
    return Counts(**{name: int(group[name]) for name in Counts.__struct_fields__})


def _local(form: str) -> Callable[[Mapping[Any, Any]], str]:
    return lambda group: time.strftime(form, time.localtime(group["slot"] * SLOT_SECONDS))


def _class(group: Mapping[Any, Any]) -> str:
    kind = group["kind"]
    return ErrorKind(kind).label if kind and kind != CANCELLED else kind or "answered"


def _plain(name: str) -> Callable[[Mapping[Any, Any]], str]:
    return lambda group: group[name] or "-"


_PRICED_BY = ("provider", "model", "first_link", "tier", "over", "price_version")
_TIMES = frozenset({By.DAY, By.HOUR})
_COLUMNS: Mapping[By, tuple[str, ...]] = {
    By.ALIAS: ("alias",),
    By.PROVIDER: ("provider",),
    By.MODEL: ("provider", "model"),
    By.CALLER: ("caller",),
    By.PROJECT: ("project",),
    By.DAY: ("slot",),
    By.HOUR: ("slot",),
    By.CLASS: ("kind",),
}
_KEYS: Mapping[By, Callable[[Mapping[Any, Any]], str]] = {
    By.ALIAS: _plain("alias"),
    By.PROVIDER: _plain("provider"),
    By.MODEL: lambda group: f"{group['provider']}/{group['model']}",
    By.CALLER: _plain("caller"),
    By.PROJECT: _plain("project"),
    By.DAY: _local("%Y-%m-%d"),
    By.HOUR: _local("%Y-%m-%d %H:00"),
    By.CLASS: _class,
}


def _by_time(row: UsageRow) -> Any:
    return row.key


def _by_cost(row: UsageRow) -> Any:
    return (-row.cost_usd, -row.requests, row.key)
