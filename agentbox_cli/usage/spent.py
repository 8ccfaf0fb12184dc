"""What was spent of each budget, as the store knows it."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Engine, func, select

from agentbox_cli.providers.pricing import Counts
from agentbox_cli.usage.budgets import Budget, Ledger, Spender
from agentbox_cli.usage.store import read_prices
from agentbox_cli.usage.tables import SLOT_SECONDS, price_tables, totals

_GROUPS = ("alias", "provider", "model", "caller", "tier", "over", "price_version")


def spent_of(engine: Engine, budgets: Iterable[Budget], now: float) -> dict[Budget, float]:
    """The dollars of each budget in its period of now; what has no price is in none of them.

    Args:
        engine: the database.
        budgets: the limits that are asked about.
        now: seconds since the epoch.
    """
    spent: dict[Budget, float] = {}
    with engine.connect() as connection:
        prices = read_prices(connection)
        for budget in budgets:
            begin = budget.period.begin(now)
            rows = connection.execute(_since(begin)).mappings()
            spent[budget] = sum(_cost(row, prices) for row in rows if _counts_in(budget, row))
    return spent


def born_at(engine: Engine) -> float:
    """When a store was begun, in seconds since the epoch: its first price table is as old."""
    with engine.connect() as connection:
        return float(connection.execute(select(func.min(price_tables.c.made_at))).scalar_one())


def _since(begin: float) -> Any:
    groups = [totals.c[name] for name in _GROUPS]
    sums = [func.sum(totals.c[name]).label(name) for name in Counts.__struct_fields__]
    # A period begins at midnight, which is the begin of a slot in every time zone.
    return (
        select(*groups, *sums)
        .where(totals.c.slot >= int(begin // SLOT_SECONDS), totals.c.provider != "")
        .group_by(*groups)
    )


def _counts_in(budget: Budget, row: Mapping[Any, Any]) -> bool:
    spender = Spender(alias=row["alias"], provider=row["provider"], caller=row["caller"])
    return any(True for _ in Ledger((budget,)).concerning(spender))


def _cost(row: Mapping[Any, Any], prices: Mapping[int, Mapping[str, Any]]) -> float:
    price = prices[row["price_version"]].get(f"{row['provider']}/{row['model']}")
    if price is None:
        return 0.0
    counts = Counts(**{name: int(row[name]) for name in Counts.__struct_fields__})
    return float(price.cost(counts, tier=row["tier"], over=row["over"]))
