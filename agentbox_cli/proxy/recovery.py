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
    lower = _lower(headers)
    said = _said(lower, body or b"", _their_now(lower.get("date", ""), now))
    return next((max(0.0, seconds) for seconds in said if seconds is not None), None)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    engine = {
        name.removeprefix(_ENGINE_PREFIX): value
        for name, value in lower.items()
        if name.startswith(_ENGINE_PREFIX)
    }
    return engine | lower


def _their_now(date: str, now: float) -> float:
    """Read the provider's clock, by which its dates are meant; ours if it does not show it."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return now


def _said(headers: dict[str, str], body: bytes, now: float) -> Iterator[float | None]:
    """Say everything that is known of it, the most binding first."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    yield _seconds_or_date(headers.get("retry-after", ""), now)
    for name in ("ratelimit", "x-ratelimit", "ratelimitbysize"):
        if _is_used_up(headers.get(f"{name}-remaining", "0")):
            yield _reset(headers.get(f"{name}-reset", ""), now)
    yield _last_reset(headers, now, _OPENAI_REMAINING, r"x-ratelimit-reset-\1")
    yield _last_reset(headers, now, _ANTHROPIC_REMAINING, r"anthropic-ratelimit-\1-reset")
    # A plan's windows have no count of what remains.
    if headers.get("anthropic-ratelimit-unified-status") == "rejected":
        yield _reset(headers.get("anthropic-ratelimit-unified-reset", ""), now)
    yield _draft(headers.get("ratelimit", ""))
    text = body[:LOOKED_AT].decode("utf-8", "replace")
    yield _worded(text)
    yield _field(text, now)


def _is_used_up(remaining: str) -> bool:
    left = _number(remaining)
    return left is not None and left <= 0


def _seconds_or_date(text: str, now: float) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        # Some send the instant; nobody means decades.
        return seconds - now if abs(seconds - now) < _YEAR else seconds
    try:
        return _until(parsedate_to_datetime(text), now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return _reset(text, now)


_YEAR = 366 * 86_400.0


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
    """Take the last reset of the windows with nothing left; those of the others mean nothing.

    A minute that begins anew is of no use while the day is used up.
    """
    names = [n for n, left in headers.items() if remaining.fullmatch(n) and _is_used_up(left)]
    resets = [_reset(headers.get(remaining.sub(reset, name), ""), now) for name in names]
    return max((seconds for seconds in resets if seconds is not None), default=None)


_OPENAI_REMAINING = re.compile(r"x-ratelimit-remaining-([a-z0-9-]+)")
_ANTHROPIC_REMAINING = re.compile(r"anthropic-ratelimit-([a-z0-9-]+)-remaining")


def _draft(text: str) -> float | None:
    """Read the one header of the IETF's drafts: `"api";r=0;t=55`, or `remaining=0, reset=55`."""
    values = {name: float(value) for name, value in _DRAFT.findall(text.lower())}
    left = values.get("r", values.get("remaining"))
    return values.get("t", values.get("reset")) if left == 0 else None


_DRAFT = re.compile(r"\b(r|t|remaining|reset)=(\d{1,15})\b", re.ASCII)


def _reset(text: str, now: float) -> float | None:
    """Read seconds, an epoch in seconds or milliseconds, `6m0s`, or RFC 3339."""
    seconds = _number(text)
    if seconds is not None:
        return _from_now(seconds, now)
    if _SPAN.fullmatch(text):
        return _span(text)
    if not _RFC_3339.match(text):
        return None
    try:
        return _until(datetime.fromisoformat(text), now)
    except (ValueError, OverflowError):
        return None


# Python takes more for a date: a long row of digits, for one.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:", re.ASCII)


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
    """Read the words "try again in 1.2s" and their like."""
    found = _WORDS.search(text)
    return None if found is None else _span(found["span"])


_WORDS = re.compile(
    r"\b(?:try again|retry|reset|available(?: again)?|wait)s?(?: in| after| for)? (?:about )?"
    rf"(?P<span>(?:{_PART})+)",
    re.IGNORECASE | re.ASCII,
)


def _field(text: str, now: float) -> float | None:
    """Read a field of the body that is made for it: Gemini's `retryDelay`, OpenRouter's headers.

    The body may stand as text inside another one, where quotes are escaped.
    """
    found = _FIELD.search(text)
    return None if found is None else _reset(found["value"], now)


_QUOTE = r"\\{0,3}[\"']"
_FIELD = re.compile(
    rf"{_QUOTE}(?:retry_?delay|retry_?after(?:_seconds)?|resets_in_seconds|x-ratelimit-reset)"
    rf"{_QUOTE}\s{{0,9}}:\s{{0,9}}(?:{_QUOTE})?(?P<value>\d{{1,15}}(?:\.\d{{1,15}})?s?)\b",
    re.IGNORECASE | re.ASCII,
)
