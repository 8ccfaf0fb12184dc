"""The way from every released schema to the newest one: forward only, one step a release.

A step never changes once it was released. Databases are opened by a newer release than the one
that wrote them, never by an older one: `SchemaTooNew` says so.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, inspect, select

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.usage import tables

Step = Callable[[Connection], None]


class SchemaTooNewError(UsageStoreError):
    """A newer release has written the database."""


def _first(connection: Connection) -> None:
    tables.metadata.create_all(connection)


STEPS: Sequence[Step] = (_first,)
NEWEST = len(STEPS)


def migrate(engine: Engine) -> int:
    """Bring a database to the newest schema; gives the version it had, 0 for an empty one.

    Raises:
        SchemaTooNewError: a newer release has written it; nothing was changed.
    """
    with engine.begin() as connection:
        found = version_of(connection)
        if found > NEWEST:
            raise SchemaTooNewError(
                f"the usage database has schema {found}, and this agentbox knows {NEWEST}",
                hint="a newer agentbox has written it: update this one",
            )
        if found == NEWEST:
            return found
        for step in STEPS[found:]:
            step(connection)
        connection.execute(tables.schema_version.delete())
        connection.execute(tables.schema_version.insert().values(version=NEWEST))
    return found


def version_of(connection: Connection) -> int:
    """The schema that a database has; 0 if it has none."""
    if not inspect(connection).has_table(tables.schema_version.name):
        return 0
    return connection.execute(select(tables.schema_version.c.version)).scalar() or 0
