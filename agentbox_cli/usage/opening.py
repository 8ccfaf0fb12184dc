"""Opening the store of a config: where it is, what its deployments cost, what was spent."""

import logging
import time
from functools import partial

from sqlalchemy import Engine

from agentbox_cli.paths import Paths
from agentbox_cli.providers.catalog import read_catalog
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.usage.budgets import StoreSpent, TellSpent, budgets_of
from agentbox_cli.usage.database import place_of
from agentbox_cli.usage.prices import TellPrices, known, price_all
from agentbox_cli.usage.spent import born_at, spent_of
from agentbox_cli.usage.upkeep import prune, start_of_retention
from agentbox_cli.usage.writer import StoreWriter

# Requests that are forgotten at a time: some tens of milliseconds (measured).
SLICE = 1_000

_log = logging.getLogger(__name__)


def open_writer(
    resolved: Resolved, paths: Paths, tell_prices: TellPrices, tell_spent: TellSpent
) -> StoreWriter:
    """What writes the requests of a config, its database open if that can be had.

    Args:
        resolved: the config.
        paths: where the database is if the config names none, and the journal.
        tell_prices: told what the deployments cost.
        tell_spent: told what was spent of each budget, as soon as the database can be read.
    """
    priced = price_all(resolved, read_catalog())
    tell_prices(priced)
    budgets = budgets_of(resolved.config.budgets)
    days = resolved.config.usage.retention_days

    def read_spent(engine: Engine) -> None:
        dollars = spent_of(engine, budgets, time.time())
        damaged = writer.moved is not None
        tell_spent(StoreSpent(dollars=dollars, born_at=born_at(engine), damaged=damaged))

    writer = StoreWriter(
        lambda: place_of(resolved.config.usage.database, paths.usage_database),
        paths.usage_journal,
        known(priced),
        on_ready=read_spent,
        hourly=None if days is None else partial(_forget, days),
    )
    writer.open()
    return writer


def _forget(days: int, engine: Engine) -> bool:
    """Forget some single requests that are older than the config wants to keep, if there are any.

    Gives whether that were all: what is new is written in between.
    """
    gone = prune(engine, start_of_retention(days), at_most=SLICE)
    if gone:
        _log.info(
            "%d requests of more than %d days ago are forgotten; their sums stay", gone, days
        )
    return gone < SLICE
