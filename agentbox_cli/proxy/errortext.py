"""What an error body says, whatever its shape: the words, the codes, one line for people.

Bodies come as an error object, an error string, FastAPI's `detail`, a bare `message`, a list
around any of these, an object inside a string, HTML, nothing, or broken text.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

LOOKED_AT = 64 * 1024
LONGEST_MESSAGE = 500

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error's own words.

    Args:
        message: its message as it came; empty if it has none.
        codes: every code, type, status and reason in it, in lower case.
        code: the first code.
        error_type: the first type.
        limits: names of the limits that were hit, which Gemini tells apart by nothing else.
    """

    message: str = ""
    codes: frozenset[str] = frozenset()
    code: str | None = None
    error_type: str | None = None
    limits: tuple[str, ...] = ()


def read_error(body: bytes) -> ErrorText:
    """Read an error body of any shape; looks at its first 64 KiB only."""
    text = body[:LOOKED_AT].decode("utf-8-sig", "replace").strip()
    if not text.startswith(("{", "[", '"')):
        return ErrorText(message=_without_markup(text))
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        return _scraped(text)
    found = read_payload(payload)
    return found if found.message or not payload else replace(found, message=text)


def read_payload(payload: Any) -> ErrorText:
    """Read an error that is already parsed."""
    message = _ADVERTISING.sub("", _message(payload))
    inner = _inner_payload(message)
    labels = [*_labels(payload), *_labels(inner)]
    return ErrorText(
        message=_message(inner) or message,
        codes=frozenset(value.lower() for _, value in labels),
        code=_first(labels, "code", "error_code", "__type"),
        error_type=_first(labels, "type", "error_type", "status"),
        limits=tuple(value for name, value in labels if name == _LIMIT),
    )


def one_line(text: ErrorText, status: int) -> str:
    """Say it in one line of at most 500 characters, without keys and LiteLLM's own wording."""
    message = _without_litellm(text.message)
    message = " ".join(redact(message[:LOOKED_AT]).split())
    message = "".join(mark if mark.isprintable() else "?" for mark in message)
    if not message:
        return _phrase(status)
    if len(message) > LONGEST_MESSAGE:
        return message[: LONGEST_MESSAGE - 1] + "…"
    return message


def redact(text: str) -> str:
    """Replace what has the shape of a key."""
    return _KEY.sub(REDACTED, text)


def redact_body(body: bytes) -> bytes:
    """Replace what has the shape of a key in a body that is passed on."""
    return _KEY_BYTES.sub(REDACTED.encode(), body)


# Every alternative starts with letters of its own: so the search is quick in a large body.
_KEY_SHAPES = (
    r"[Bb](?:earer|EARER)\s+[^\s\"'\\,]{6,}"
    r"|[srp]k-(?<![A-Za-z0-9].k-)[A-Za-z0-9*_.-]{6,}"
    r"|(?:gsk|hf|xai|pplx|nvapi|r8|tgp)[_-][A-Za-z0-9_-]{16,}"
    r"|AIza[A-Za-z0-9_-]{20,}"
    r"|AKIA[A-Za-z0-9]{12,}"
)
_KEY = re.compile(_KEY_SHAPES)
_KEY_BYTES = re.compile(_KEY_SHAPES.encode())

# The order matters: the more a field is meant for people, the earlier it stands.
_MESSAGE_FIELDS = (
    "message",
    "Message",
    "msg",
    "error_message",
    "errorMessage",
    "error_msg",
    "detail",
    "error",
    "errors",
    "title",
)
_LIMIT = "quotaId"
_LABEL_FIELDS = ("code", "type", "status", "reason", "error_code", "error_type", "__type", _LIMIT)
_NESTED_FIELDS = (
    "error",
    "innererror",
    "inner_error",
    "details",
    "detail",
    "errors",
    "violations",
)
_DEEPEST = 7
_MOST_ITEMS = 8


def _message(payload: Any, depth: int = 0) -> str:
    if isinstance(payload, str):
        return payload.strip()
    if depth == _DEEPEST:
        return ""
    if isinstance(payload, list):
        found = (_message(item, depth + 1) for item in payload[:_MOST_ITEMS])
        return "; ".join(message for message in found if message)
    if isinstance(payload, dict):
        return _message_of_object(payload, depth)
    return ""


def _message_of_object(payload: dict[str, Any], depth: int) -> str:
    if isinstance(payload.get("error"), dict) and (said := _message(payload["error"], depth + 1)):
        return said
    found = (_message(payload.get(name), depth + 1) for name in _MESSAGE_FIELDS)
    message = next((message for message in found if message), "")
    return f"{_place(payload)}{message}{_raw(payload)}"


def _place(payload: dict[str, Any]) -> str:
    """Say where FastAPI found fault; the `input` beside it is the user's and not looked at."""
    place = payload.get("loc")
    if not isinstance(place, list):
        return ""
    return ".".join(str(step) for step in place[:_MOST_ITEMS]) + ": "


def _raw(payload: dict[str, Any]) -> str:
    """Add the provider's own words, which OpenRouter keeps beside its "returned error"."""
    metadata = payload.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return f": {raw}" if isinstance(raw, str) and raw else ""


def _inner_payload(message: str) -> Any:
    """Parse an error object at the end of a message, as gateways put it there."""
    start, end = message.find("{"), message.rfind("}")
    if not 0 <= start < end or message[end + 1 :].strip("'\"\n ."):
        return None
    try:
        inner = json.loads(message[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return inner if "error" in inner or "message" in inner else None


def _labels(payload: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth == _DEEPEST:
        return
    if isinstance(payload, list):
        for item in payload[:_MOST_ITEMS]:
            yield from _labels(item, depth + 1)
    if not isinstance(payload, dict):
        return
    for name in _NESTED_FIELDS:
        yield from _labels(payload.get(name), depth + 1)
    for name in _LABEL_FIELDS:
        value = payload.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield name, str(value)[:LONGEST_MESSAGE]


def _first(labels: list[tuple[str, str]], *names: str) -> str | None:
    """Take the first of these labels; a word tells more than a repeated status number."""
    values = [value for name, value in labels if name in names]
    return next((value for value in values if not value.isdigit()), values[0] if values else None)


def _scraped(text: str) -> ErrorText:
    """Read what is found of an object that is cut short or broken."""
    found = {name: _unescaped(value) for name, value in reversed(_FIELD.findall(text))}
    return ErrorText(
        message=found.get("message") or found.get("detail") or found.get("error") or text,
        codes=frozenset(found[name].lower() for name in ("code", "type") if name in found),
        code=found.get("code"),
        error_type=found.get("type"),
    )


def _unescaped(value: str) -> str:
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return value


_FIELD = re.compile(r'"(message|detail|error|code|type)"\s*:\s*"((?:[^"\\]|\\.)*)')


def _without_markup(text: str) -> str:
    if not text.startswith("<"):
        return text
    if title := _TITLE.search(text):
        return html.unescape(title[1]).strip()
    return html.unescape(_TAG.sub(" ", text)).strip()


_TITLE = re.compile(r"<title[^<>]*>([^<]+)<", re.IGNORECASE)
_TAG = re.compile(r"<(?:style|script)\b[^<]*<|<[^<>]*>?", re.IGNORECASE)


def _without_litellm(message: str) -> str:
    for _ in range(_MOST_ITEMS):
        message = _EXCEPTION_NAME.sub("", message, count=1)
    return message


# LiteLLM puts up to three names before the provider's words: its own error's, the SDK's error's
# and the provider's exception's.
_EXCEPTION_NAME = re.compile(
    r"^\s*(?:litellm\.(?:\w+\.)*\w+:\s*|\w*Error:\s*(?=\w*(?:Error|Exception)\b)"
    r"|\w+(?:Error|Exception)\s+-\s+|Error code: \d+ - )"
)
_ADVERTISING = re.compile(
    r"(?:LiteLLM: model group '|No fallback model group found|"
    r"Received Model Group=|Available Model Group Fallbacks=|LiteLLM Retried: ).*",
    re.DOTALL,
)


def _phrase(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
