"""Times as people say them: `7d`, `today`, `month`, `2026-11-01`."""

import re
import time
from datetime import UTC, datetime, timedelta

from agentbox_cli.errors import UsageError

_SPAN = re.compile(r"(?P<count>\d{1,6})(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HINT = "say 90m, 12h, 7d, 4w, today, yesterday, week, month, year, all, or 2026-11-01"

WORDS = ("today", "yesterday", "week", "month", "year", "all")


def moment(said: str, now: float | None = None) -> float | None:
    """The time that somebody means, in seconds since the epoch; None for `all`.

    Days begin at midnight of the machine's own time, weeks on Monday; a span reaches back from
    now.

    Raises:
        UsageError: nobody can tell what is meant.
    """
    here = datetime.fromtimestamp(time.time() if now is None else now, UTC).astimezone()
    if said == "all":
        return None
    try:
        return _read(said, here).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{said!r} is no time that is understood here", hint=_HINT) from None


def _read(said: str, here: datetime) -> datetime:
    if (span := _SPAN.fullmatch(said)) is not None:
        return here - timedelta(**{_UNITS[span["unit"]]: int(span["count"])})
    return _begin(said, here) if said in WORDS else datetime.fromisoformat(said)


def _begin(word: str, here: datetime) -> datetime:
    # Without a zone, so that midnight is found even if the clocks were changed since.
    day = datetime(here.year, here.month, here.day)  # noqa: DTZ001 - it means local time
    return {
        "today": day,
        "yesterday": day - timedelta(days=1),
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
    }[word]
