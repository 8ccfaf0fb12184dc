"""Writing into the usage store, and the price tables that its rows are priced by."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, select

from agentbox_cli.providers.pricing import PriceList
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.rows import (
    CALL_COLUMNS,
    REQUEST_COLUMNS,
    call_rows,
    request_row,
    total_rows,
)
from agentbox_cli.usage.tables import GROUPS, SUMS, calls, price_tables, requests, totals
from agentbox_cli.usage.transaction import writing

# Rows in one statement, a power of two; Postgres takes 65,535 values in one, SQLite 32,766.
MOST_ROWS = 128

Prices = Mapping[str, PriceList]


def add(
    engine: Engine, records: Sequence[RequestRecord], price_version: int, *, new: bool = False
) -> int:
    """Write requests in one transaction; those that are there already are left out.

    Args:
        engine: the database.
        records: the requests.
        price_version: what their prices are looked up by.
        new: whether none of them can be there already, which need not be looked up then.

    Returns:
        How many were written.

    Raises:
        IntegrityError: they are `new`, and one was there all the same; nothing was written.
    """
    with writing(engine) as connection:
        fresh = records if new else _unknown(connection, records)
        _insert(connection, requests, REQUEST_COLUMNS, [request_row(r) for r in fresh])
        _insert(connection, calls, CALL_COLUMNS, call_rows(fresh, price_version))
        rows = total_rows(fresh, price_version)
        _insert(connection, totals, (*GROUPS, *SUMS), rows, _ADDING)
    return len(fresh)


def price_version(engine: Engine, prices: Prices) -> int:
    """The version of this price table; it is kept if it differs from the newest one."""
    text = msgspec.json.encode(dict(sorted(prices.items()))).decode()
    with writing(engine) as connection:
        newest = connection.execute(
            select(price_tables.c.version, price_tables.c.prices)
            .order_by(price_tables.c.version.desc())
            .limit(1)
        ).first()
        if newest is not None and newest.prices == text:
            return int(newest.version)
        made = connection.execute(
            price_tables.insert().values(made_at=time.time(), prices=text)
        ).inserted_primary_key
    return int(made[0]) if made else 0


def read_prices(connection: Connection) -> dict[int, dict[str, PriceList]]:
    """Every price table that was ever in force, by its version; unknown ones are empty."""
    rows = connection.execute(select(price_tables.c.version, price_tables.c.prices))
    return defaultdict(dict, {row.version: _PRICES.decode(row.prices) for row in rows})


_SUMMED = ", ".join(f"{name} = totals.{name} + excluded.{name}" for name in SUMS)
_ADDING = f"ON CONFLICT ({', '.join(GROUPS)}) DO UPDATE SET {_SUMMED}"
_PRICES = msgspec.json.Decoder(dict[str, PriceList])


def _unknown(connection: Connection, records: Sequence[RequestRecord]) -> list[RequestRecord]:
    """Those that are not there yet: a journal may be replayed twice."""
    given = {record.request_id: record for record in records}
    found = select(requests.c.request_id).where(requests.c.request_id.in_(given))
    for known in connection.execute(found).scalars().all():
        del given[known]
    return list(given.values())


def _insert(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: list[tuple[Any, ...]],
    ending: str = "",
) -> None:
    """Insert tuples as they are: SQLAlchemy's own way costs four times as much (measured).

    Many rows to a statement: each statement gives the interpreter's lock away and has to get it
    back from a busy event loop (measured: a third of the proxy's throughput).
    """
    done = 0
    for size in _sizes(len(rows)):
        text = _statement(table.name, tuple(columns), size, ending, connection.dialect.name)
        connection.exec_driver_sql(text, tuple(chain.from_iterable(rows[done : done + size])))
        done += size


@cache
def _statement(table: str, columns: tuple[str, ...], rows: int, ending: str, dialect: str) -> str:
    mark = "?" if dialect == "sqlite" else "%s"
    marks = f"({', '.join(mark for _ in columns)})"
    values = ", ".join([marks] * rows)
    # Names of ours and marks, no values.
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values} {ending}"  # noqa: S608


def _sizes(rows: int) -> Iterator[int]:
    """Powers of two that add up to a number: few different statements, which drivers remember."""
    size = MOST_ROWS
    while rows:
        while size > rows:
            size //= 2
        yield size
        rows -= size
