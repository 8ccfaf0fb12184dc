"""What a config's store knows, as JSON data, for the pages of the proxy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.usage.by import By
from agentbox_cli.usage.database import empty_store, open_for_reading, place_of
from agentbox_cli.usage.document import report_document, series_document
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.series import usage_series


def usage_document(
    resolved: Resolved, paths: Paths, since: float | None, by: By
) -> dict[str, Any]:
    """What was used since a time, in all and step by step; nothing where there is no store yet.

    Raises:
        UsageStoreError: the store cannot be read.
    """
    with _store(resolved.config.usage.database, paths) as engine:
        return _document(engine, since, by)


def report_at(configured: str | None, paths: Paths, since: float | None, by: By) -> dict[str, Any]:
    """What was used since a time, as `usage --json` shows it.

    Args:
        configured: the database that the config names.
        paths: where it is if the config names none.
        since: seconds since the epoch; None for all.
        by: what to group by.

    Raises:
        UsageStoreError: the store cannot be read.
    """
    with _store(configured, paths) as engine:
        return report_document(usage_report(engine, by, since, None))


@contextmanager
def _store(configured: str | None, paths: Paths) -> Iterator[Engine]:
    place = place_of(configured, paths.usage_database)
    engine = open_for_reading(place) or empty_store()
    try:
        yield engine
    except SQLAlchemyError as error:
        raise UsageStoreError(f"the usage database {place.shown} cannot be read now") from error
    finally:
        engine.dispose()


def _document(engine: Engine, since: float | None, by: By) -> dict[str, Any]:
    report = usage_report(engine, by, since, None)
    series = usage_series(engine, since, None, of=by)
    return report_document(report) | {"series": series_document(series)}
