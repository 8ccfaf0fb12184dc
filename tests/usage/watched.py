"""A queue over a real database, and what has come into it."""

from functools import partial
from pathlib import Path

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DatabaseError

from agentbox_cli.usage.by import By
from agentbox_cli.usage.database import Place, open_for_reading
from agentbox_cli.usage.queue import UsageQueue
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.tables import requests
from agentbox_cli.usage.writer import StoreWriter
from tests.usage.builders import DEAR


def queue_for(place: Place, directory: Path) -> UsageQueue:
    """A queue that is not started, with its journal in a directory."""
    journal = directory / "usage.journal"
    prices = {"openai/gpt-4o": DEAR}
    return UsageQueue(
        lambda: StoreWriter(lambda: place, journal, prices, retry=(0.05, 0.1)),
        journal,
        directory / "usage.recent",
        pause=0.01,
    )


def put(queue: UsageQueue, *records: RequestRecord) -> None:
    for record in records:
        queue.put(partial(_itself, record))


def kept(place: Place) -> int:
    """How many requests are in the database; 0 if it cannot be read."""
    if place.file is not None and not place.file.exists():
        return 0
    engine = create_engine(place.url)
    try:
        with engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(requests)).scalar_one()
    except DatabaseError:
        return 0
    finally:
        engine.dispose()


def counted(place: Place) -> int:
    """How many requests the sums speak of."""
    engine = open_for_reading(place)
    assert engine is not None
    try:
        return usage_report(engine, By.ALIAS, None, None).total.requests
    finally:
        engine.dispose()


def _itself(record: RequestRecord) -> RequestRecord:
    return record
