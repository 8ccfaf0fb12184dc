"""Keys of a config, kept out of a text that was made of it, such as a difference."""

from collections.abc import Iterable
from typing import Any

from pydantic import SecretStr

from agentbox_cli.config.document import Document
from agentbox_cli.config.excerpts import secret_spans
from agentbox_cli.config.redaction import mask_tokens, redact

_MASK = "*"


def masked(text: str, *documents: Document) -> str:
    """The text with a `*` for each character of a key that stands in one of the documents."""
    found = (
        document.text[start:end] for document in documents for start, end in secret_spans(document)
    )
    # A key may go over several lines, which stand apart in a difference.
    lines = {line.strip() for key in found for line in key.splitlines()}
    return _starred(text, map(SecretStr, lines))


def starred(text: str) -> str:
    """The text with a `*` for each character of what looks like a key."""
    return _starred(text, ())


def starred_data(data: Any) -> Any:
    """Plain data with its texts and keys starred."""
    if isinstance(data, str):
        return starred(data)
    if isinstance(data, list):
        return [starred_data(item) for item in data]
    if isinstance(data, dict):
        return {starred_data(key): starred_data(value) for key, value in data.items()}
    return data


def _starred(text: str, keys: Iterable[SecretStr]) -> str:
    return mask_tokens(redact(text, keys, mask=_stars), mask=_stars)


def _stars(key: str) -> str:
    return _MASK * len(key)
