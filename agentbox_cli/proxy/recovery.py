"""When a provider wants to be asked again, by its headers or its words."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agentbox_cli.proxy.errortext import LOOKED_AT

# LiteLLM passes a provider's headers on under this prefix (measured).
_ENGINE_PREFIX = "llm_provider-"


def retry_after(headers: Mapping[str, str], body: bytes | None, now: float) -> float | None:
    """Seconds until the provider wants to be asked again; None if it does not say.

    Args:
        headers: of its answer, in any case.
        body: of its answer; the first 64 KiB are looked at.
        now: seconds since the epoch.

    Returns:
        At least 0, however large.
    """
    said = _said(_lower(headers), body or b"", now)
    return next((max(0.0, seconds) for seconds in said if seconds is not None), None)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    engine = {
        name.removeprefix(_ENGINE_PREFIX): value
        for name, value in lower.items()
        if name.startswith(_ENGINE_PREFIX)
    }
    return engine | lower


def _said(headers: dict[str, str], body: bytes, now: float) -> Iterator[float | None]:
    """Say everything that is known of it, the most binding first."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    yield _seconds_or_date(headers.get("retry-after", ""), now)
    for prefix in ("", "x-"):
        if headers.get(f"{prefix}ratelimit-remaining", "0") == "0":
            yield _reset(headers.get(f"{prefix}ratelimit-reset", ""), now)
    yield _last_reset(headers, now, _OPENAI_REMAINING, r"x-ratelimit-reset-\1")
    yield _last_reset(headers, now, _ANTHROPIC_REMAINING, r"anthropic-ratelimit-\1-reset")
    yield _worded(body[:LOOKED_AT].decode("utf-8", "replace"))


def _seconds_or_date(text: str, now: float) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        return _until(parsedate_to_datetime(text), now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?", re.ASCII)


def _until(date: datetime, now: float) -> float:
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now


def _last_reset(
    headers: dict[str, str], now: float, remaining: re.Pattern[str], reset: str
) -> float | None:
    """Take the last reset of the windows with nothing left; those of the others mean nothing."""
    names = [name for name, left in headers.items() if left == "0" and remaining.fullmatch(name)]
    resets = [_reset(headers.get(remaining.sub(reset, name), ""), now) for name in names]
    return max((seconds for seconds in resets if seconds is not None), default=None)


_OPENAI_REMAINING = re.compile(r"x-ratelimit-remaining-([a-z-]+)")
_ANTHROPIC_REMAINING = re.compile(r"anthropic-ratelimit-([a-z-]+)-remaining")


def _reset(text: str, now: float) -> float | None:
    """Read seconds, an epoch in seconds or milliseconds, `6m0s`, or RFC 3339."""
    seconds = _number(text)
    if seconds is not None:
        return _from_now(seconds, now)
    if _SPAN.fullmatch(text):
        return _span(text)
    try:
        return _until(datetime.fromisoformat(text), now)
    except (ValueError, OverflowError):
        return None


def _from_now(seconds: float, now: float) -> float:
    if seconds >= _FIRST_EPOCH_MILLISECOND:
        return seconds / 1000 - now
    return seconds - now if seconds >= _FIRST_EPOCH_SECOND else seconds


# No window lasts 30 years: numbers of this size are instants.
_FIRST_EPOCH_SECOND = 1e9
_FIRST_EPOCH_MILLISECOND = 1e12


def _span(text: str) -> float:
    parts = _SPAN_PART.findall(text)
    return sum(float(number) * _seconds_in(unit.lower()) for number, unit in parts)


def _seconds_in(unit: str) -> float:
    if unit.startswith(("ms", "milli")):
        return 0.001
    return {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}[unit[0]]


_UNIT = r"(ms|milliseconds?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)"
_PART = rf"(\d{{1,15}}(?:\.\d{{1,15}})?)\s?{_UNIT}(?![a-z])\s?"
_SPAN_PART = re.compile(_PART, re.IGNORECASE | re.ASCII)
_SPAN = re.compile(f"(?:{_PART})+", re.IGNORECASE | re.ASCII)


def _worded(text: str) -> float | None:
    """Read Gemini's `retryDelay`, or the words "try again in 1.2s" and their like."""
    found = _WORDS.search(text)
    return None if found is None else _span(found["span"])


_WORDS = re.compile(
    r"(?:\"retryDelay\"\s{0,9}:\s{0,9}\""
    r"|\b(?:try again|retry|reset|available again)s? (?:in|after) (?:about )?)"
    rf"(?P<span>(?:{_PART})+)",
    re.IGNORECASE | re.ASCII,
)
