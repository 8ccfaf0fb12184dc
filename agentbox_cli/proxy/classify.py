"""What kind of failure an answer is.

The provider's own patterns come first, then the rules of `rules.py` from top to bottom, then the
status alone. A 429 is a throttle or a quota, with one exception: a request that alone exceeds the
tokens of a minute is too long for the link.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from agentbox_cli.providers.model import ErrorKind, ErrorPattern, Protocol
from agentbox_cli.proxy.errortext import (
    LOOKED_AT,
    ErrorText,
    one_line,
    read_error,
    read_payload,
    redact_body,
)
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.recovery import retry_after
from agentbox_cli.proxy.rules import RULES, UNKNOWN, searched
from agentbox_cli.proxy.statuses import KIND_OF_STATUS, STATUS_OF_CODE, STATUS_OF_KIND


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPattern:
    """A provider's `ErrorPattern`, ready for searching."""

    regex: re.Pattern[str]
    kind: ErrorKind
    status: int | None = None

    def fits(self, status: int, text: str) -> bool:
        """Tell whether an error with this status and text is meant."""
        return self.status in {None, status} and self.regex.search(text) is not None


def compile_patterns(patterns: Iterable[ErrorPattern]) -> tuple[CompiledPattern, ...]:
    """Prepare a provider's patterns once."""
    return tuple(
        CompiledPattern(
            regex=re.compile(pattern.pattern, re.IGNORECASE),
            kind=pattern.kind,
            status=pattern.status,
        )
        for pattern in patterns
    )


def classify(  # noqa: PLR0913 - an answer has these parts, in this order
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    patterns: Sequence[CompiledPattern] = (),
    protocol: Protocol | None = None,
    *,
    now: float | None = None,
) -> Failure:
    """Say how an answer that is not a 2xx failed.

    Args:
        status: its HTTP status.
        headers: its headers, in any case.
        body: its body, decoded; the first 64 KiB are looked at.
        patterns: the provider's own.
        protocol: what the body is written in.
        now: seconds since the epoch, for a Retry-After that is a date; the clock's by default.
    """
    text = read_error(body)
    return Failure(
        kind=_kind(status, text, patterns),
        status=status,
        message=_redirect(status) or one_line(text, status),
        retry_after=retry_after(headers, body, time.time() if now is None else now),
        body=redact_body(body),
        content_type=_content_type(headers),
        headers=headers,
        code=text.code,
        error_type=text.error_type,
        protocol=protocol,
    )


def classify_payload(
    payload: Any,
    body: bytes | None = None,
    patterns: Sequence[CompiledPattern] = (),
    protocol: Protocol | None = None,
) -> Failure:
    """Say how an answer failed that came as a 200 and carries an error.

    Args:
        payload: the error, parsed: an object, a string, or an object around one.
        body: the bytes that a client could be given as an error body; None if there are none.
        patterns: the provider's own.
        protocol: what the body is written in.
    """
    text = read_payload(payload)
    told = _told_status(text)
    kind = _kind(told, text, patterns)
    status = told or STATUS_OF_KIND.get(kind, HTTPStatus.BAD_REQUEST)
    return Failure(
        kind=kind,
        status=status,
        message=one_line(text, status),
        retry_after=retry_after({}, _as_text(payload), time.time()),
        body=None if body is None else redact_body(body),
        content_type=None if body is None else "application/json",
        code=text.code,
        error_type=text.error_type,
        protocol=protocol,
    )


def _as_text(payload: Any) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload, default=str)
    return text[:LOOKED_AT].encode(errors="replace")


def _kind(status: int, text: ErrorText, patterns: Sequence[CompiledPattern]) -> ErrorKind:
    said = searched(text)
    for pattern in patterns:
        if pattern.fits(status, said):
            return pattern.kind
    for rule in RULES:
        if rule.fits(status, text):
            return rule.kind
    if status in KIND_OF_STATUS:
        return KIND_OF_STATUS[status]
    is_request = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return ErrorKind.BAD_REQUEST if is_request else ErrorKind.SERVER


def _told_status(text: ErrorText) -> int:
    """Find the status that an error inside a 200 names or amounts to; `UNKNOWN` if it does not."""
    numbers = {int(code) for code in text.codes if _STATUS.fullmatch(code)}
    named = {STATUS_OF_CODE[code] for code in text.codes if code in STATUS_OF_CODE}
    return max(numbers or named, default=UNKNOWN)


_STATUS = re.compile(r"[45]\d\d", re.ASCII)


def _redirect(status: int) -> str | None:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"HTTP {status}: redirects are not followed"
    return None


def _content_type(headers: Mapping[str, str]) -> str | None:
    found = (value for name, value in headers.items() if name.lower() == "content-type")
    return next(found, None)
