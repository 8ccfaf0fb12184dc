"""What is done with a usage database beside reports: list, export, price anew, prune, shrink."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, text, update

from agentbox_cli.providers.pricing import PriceList
from agentbox_cli.usage.by import By
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.store import Prices, price_version, read_prices
from agentbox_cli.usage.tables import GROUPS, SLOT_SECONDS, SUMS, calls, requests, totals
from agentbox_cli.usage.transaction import writing


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """How often a deployment failed in one way, and what became of those requests.

    Args:
        alias: whose chain it was.
        deployment: provider/model.
        kind: of the failure.
        status: the provider's HTTP status; None if there was no answer.
        served_by: who answered instead; empty if nobody did.
        outcome: how the requests ended.
        count: how many calls.
        last_at: the latest, in seconds since the epoch.
    """

    alias: str
    deployment: str
    kind: str
    status: int | None
    served_by: str
    outcome: str
    count: int
    last_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Repriced:
    """How many calls have another price now, and what they cost before and after."""

    calls: int
    before_usd: float
    after_usd: float


def failures(engine: Engine, since: float | None, until: float | None) -> list[FailureRow]:
    """What failed and where it went, the most frequent first."""
    groups = (
        requests.c.alias,
        calls.c.provider,
        calls.c.model,
        calls.c.kind,
        calls.c.status,
        requests.c.served_by,
        requests.c.outcome,
    )
    query = (
        select(*groups, func.count().label("count"), func.max(calls.c.at).label("last_at"))
        .join(requests, requests.c.request_id == calls.c.request_id)
        .where(calls.c.kind != "", *_between(calls.c.at, since, until))
        .group_by(*groups)
    )
    with engine.connect() as connection:
        rows = [_failure(row) for row in connection.execute(query).mappings()]
    return sorted(rows, key=lambda row: (-row.count, -row.last_at))


def export_calls(
    engine: Engine, since: float | None, until: float | None
) -> Iterator[dict[str, Any]]:
    """Every call with its request, as EXPORTED names its fields; oldest first, read bit by bit."""
    columns = [*_OF_CALL, *_OF_REQUEST]
    query = (
        select(*columns)
        .join(requests, requests.c.request_id == calls.c.request_id)
        .where(*_between(calls.c.at, since, until))
        .order_by(calls.c.id)
    )
    with engine.connect() as connection:
        streamed = connection.execution_options(stream_results=True, yield_per=1_000)
        for row in streamed.execute(query).mappings():
            yield dict(row)


def reprice(
    engine: Engine,
    prices: Mapping[str, PriceList | None],
    since: float | None,
    *,
    dry_run: bool = False,
) -> Repriced:
    """Price by this table what was used since a time.

    Sums of calls that were pruned are priced anew as well.

    Args:
        engine: the database.
        prices: what deployments cost from now on, None where nobody knows it; those that are not
            named keep the latest price that was known of them.
        since: seconds since the epoch; None for all.
        dry_run: whether nothing is written.
    """
    table = _completed(engine, prices)
    before = usage_report(engine, By.MODEL, since, None).total.cost_usd
    after = usage_report(engine, By.MODEL, since, None, prices=table).total.cost_usd
    with engine.connect() as connection:
        query = select(func.count()).select_from(calls).where(*_between(calls.c.at, since, None))
        count = connection.execute(query).scalar_one()
    if not dry_run:
        version = price_version(engine, table)
        with writing(engine) as connection:
            connection.execute(
                update(calls)
                .where(*_between(calls.c.at, since, None))
                .values(price_version=version)
            )
            _retotal(connection, version, since)
    return Repriced(calls=count, before_usd=before, after_usd=after)


def _completed(engine: Engine, prices: Mapping[str, PriceList | None]) -> Prices:
    """This table, and of what is in it no more the latest price."""
    with engine.connect() as connection:
        tables = read_prices(connection)
    latest: dict[str, PriceList | None] = {}
    for version in sorted(tables):
        latest |= tables[version]
    latest |= prices
    return {name: price for name, price in latest.items() if price is not None}


def prune(
    engine: Engine, before: float, *, totals_too: bool = False, at_most: int | None = None
) -> int:
    """Forget single requests from before a time, and give their number; their sums stay.

    Args:
        engine: the database.
        before: seconds since the epoch.
        totals_too: whether the sums of that time are forgotten as well.
        at_most: how many, the oldest first; all of them by default.
    """
    old = select(requests.c.request_id).where(requests.c.at < before)
    with writing(engine) as connection:
        if at_most is not None:
            oldest = old.order_by(requests.c.at).limit(at_most)
            old_ids: Any = connection.execute(oldest).scalars().all()
        else:
            old_ids = old
        connection.execute(delete(calls).where(calls.c.request_id.in_(old_ids)))
        gone = connection.execute(
            delete(requests).where(requests.c.request_id.in_(old_ids))
        ).rowcount
        if totals_too:
            connection.execute(delete(totals).where(totals.c.slot < int(before // SLOT_SECONDS)))
    return int(gone)


def count_before(engine: Engine, before: float) -> int:
    """How many requests `prune` would forget."""
    with engine.connect() as connection:
        query = select(func.count()).select_from(requests).where(requests.c.at < before)
        return int(connection.execute(query).scalar_one())


def vacuum(engine: Engine) -> None:
    """Give the space of what was forgotten back to the disk."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))
        if engine.dialect.name == "sqlite":
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _retotal(connection: Connection, version: int, since: float | None) -> None:
    """Give sums another price version; those that become alike are added up."""
    wanted = [totals.c.price_version != version]
    if since is not None:
        wanted.append(totals.c.slot >= int(since // SLOT_SECONDS))
    # In one step: what a proxy adds to them meanwhile must not be deleted unseen.
    gone = connection.execute(delete(totals).where(*wanted).returning(*totals.c))
    for row in gone.mappings().all():
        _add_up(connection, {**row, "price_version": version})


def _add_up(connection: Connection, row: Mapping[str, Any]) -> None:
    same = [totals.c[name] == row[name] for name in GROUPS]
    added = {name: totals.c[name] + row[name] for name in SUMS}
    if not connection.execute(update(totals).where(*same).values(added)).rowcount:
        connection.execute(totals.insert().values(dict(row)))


def _failure(row: Mapping[Any, Any]) -> FailureRow:
    return FailureRow(
        alias=row["alias"],
        deployment=f"{row['provider']}/{row['model']}",
        kind=row["kind"],
        status=row["status"],
        served_by=row["served_by"],
        outcome=row["outcome"],
        count=row["count"],
        last_at=row["last_at"],
    )


def _between(column: Any, since: float | None, until: float | None) -> Iterator[Any]:
    if since is not None:
        yield column >= since
    if until is not None:
        yield column < until


def start_of_retention(days: int, now: float | None = None) -> float:
    """The time before which requests are forgotten, in seconds since the epoch."""
    return (time.time() if now is None else now) - days * 86_400


_OF_CALL = [column for column in calls.c if column.name != "id"]
_OF_REQUEST = [
    *(
        requests.c[name]
        for name in (
            "alias",
            "asked",
            "endpoint",
            "stream",
            "outcome",
            "served_by",
            "first_link",
            "fell_back",
            "caller",
            "project",
            "pid",
            "process",
        )
    ),
    requests.c.status.label("client_status"),  # `status` is the provider's
]
EXPORTED = tuple(column.name for column in (*_OF_CALL, *_OF_REQUEST))
