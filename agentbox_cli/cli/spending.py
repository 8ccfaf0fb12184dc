"""What the commands about usage and prices share: the store, times, money in words."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from agentbox_cli.cli.output import notice
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from agentbox_cli.usage.database import Place

_BAR_WIDTH = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def usage_place(ctx: typer.Context) -> "Place":
    """Where the config keeps usage; the usual place if the config cannot be read.

    Raises:
        UsageStoreError: the config names a place that is not known here.
    """
    from agentbox_cli.config.store import load
    from agentbox_cli.usage.database import place_of

    configured = None
    try:
        host = load(config_file(ctx)).host
        configured = host.litellm.usage.database if host else None
    except ConfigError:
        pass  # what was used is told without a config too
    return place_of(configured, standard_paths().usage_database)


@contextmanager
def reading(ctx: typer.Context) -> "Iterator[Engine]":
    """The usage database, open to be read; an empty one, and a notice, before the first use.

    Raises:
        UsageStoreError: it cannot be read.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from agentbox_cli.errors import UsageStoreError
    from agentbox_cli.usage.database import empty_store, open_for_reading

    place = usage_place(ctx)
    engine = open_for_reading(place)
    if engine is None:
        # A report of nothing is a report; scripts must not fail on the first day.
        notice(f"nothing was used yet: {place.shown} is begun by the proxy's first request")
        engine = empty_store()
    try:
        yield engine
    except SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UsageStoreError(f"the usage database {place.shown} fails: {words}") from error
    finally:
        engine.dispose()


def since_until(since: str, until: str | None) -> tuple[float | None, float | None]:
    """Two times as people say them, in seconds since the epoch.

    Raises:
        UsageError: one is not understood, or the second lies before the first.
    """
    from agentbox_cli.errors import UsageError
    from agentbox_cli.usage.when import moment

    begin, end = moment(since), moment(until) if until else None
    if begin is not None and end is not None and end <= begin:
        raise UsageError(f"--until {until} is not after --since {since}")
    return begin, end


def dollars(amount: float, *, unpriced: int = 0) -> str:
    """Money for people: cents for large sums, more digits for small ones; `?` if unknown."""
    if unpriced and not amount:
        return "?"
    digits = 2 if amount >= 1 or not amount else 4
    text = f"${amount:,.{digits}f}" if amount >= 0.00005 or not amount else "<$0.0001"  # noqa: PLR2004 - half of the last digit
    return f"{text} + ?" if unpriced else text


def counted(number: int) -> str:
    """A count of tokens, in thousands or millions when it is large."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**4)):
        if number >= size:
            return f"{number / (1_000 if unit == 'k' else size):.1f}{unit}"
    return f"{number:,}"


def bar(share: float) -> str:
    """A share of 1 as a bar; plain signs where the output cannot show blocks."""
    eighths = round(max(0.0, min(1.0, share)) * _BAR_WIDTH * 8)
    if not shows_blocks():
        return "#" * round(eighths / 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def shows_blocks() -> bool:
    """Whether the output can show more than ASCII."""
    import sys

    return "utf" in (sys.stdout.encoding or "").lower() and os.environ.get("TERM") != "dumb"


def failed_words(kind: str) -> str:
    """The class of a failure, and its kind where that says more."""
    from agentbox_cli.providers.model import ErrorKind

    found: Any = ErrorKind(kind)
    return found.label if found.label == kind else f"{found.label} ({kind})"
