"""The way from every released schema to the newest one: forward only, one step a release.

A new database gets the newest schema at once, as `tables` has it; an older one gets there by
steps, which never change once they were released. Databases are opened by a newer release than
the one that wrote them, never by an older one: `SchemaTooNewError` says so.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, inspect, select, text

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.usage import tables
from agentbox_cli.usage.transaction import writing

Step = Callable[[Connection], None]

# The first one leads from version 1 to version 2.
STEPS: Sequence[Step] = ()

# Any number, if it is always the same: who holds it in Postgres is the only one to migrate.
_LOCK = 7_042_611


class SchemaTooNewError(UsageStoreError):
    """A newer release has written the database."""


def newest() -> int:
    """The schema that this release writes."""
    return 1 + len(STEPS)


def migrate(engine: Engine) -> int:
    """Bring a database to the newest schema; gives the version it had, 0 for an empty one.

    It is done whole or not at all, by one process at a time.

    Raises:
        SchemaTooNewError: a newer release has written it; nothing was changed.
    """
    with engine.connect() as connection:
        found = _known(connection)
    if found == newest():
        return found
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        found = _known(connection)  # another process may have been faster
        if found < newest():
            _bring_forward(connection, found)
    return found


def version_of(connection: Connection) -> int:
    """The schema that a database has; 0 if it has none."""
    if not inspect(connection).has_table(tables.schema_version.name):
        return 0
    return connection.execute(select(tables.schema_version.c.version)).scalar() or 0


def _known(connection: Connection) -> int:
    found = version_of(connection)
    if found > newest():
        raise SchemaTooNewError(
            f"the usage database has schema {found}, and this agentbox knows {newest()}",
            hint="a newer agentbox has written it: update this one",
        )
    return found


def _bring_forward(connection: Connection, found: int) -> None:
    if found:
        for step in STEPS[found - 1 :]:
            step(connection)
    else:
        tables.metadata.create_all(connection)
    connection.execute(tables.schema_version.delete())
    connection.execute(tables.schema_version.insert().values(version=newest()))
