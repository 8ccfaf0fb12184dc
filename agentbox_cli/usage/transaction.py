"""Transactions that write."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction that may write from its first word on.

    In SQLite one that begins by reading could not go on if another process has written meanwhile,
    and changes of the schema would stand outside of it.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
