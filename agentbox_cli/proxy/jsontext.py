"""JSON as providers really write it, into typed data."""

import json
from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """Decode, or return None where the text is no JSON or says something else."""
    try:
        return decoder.decode(data)
    except (ValueError, RecursionError):
        return _decode_tolerantly(decoder, data)


def _decode_tolerantly(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """Let pass what Python writes and clients read: NaN, a BOM, broken UTF-8 inside strings."""
    try:
        plain = json.loads(data.decode("utf-8-sig", "replace"), strict=False)
        return msgspec.convert(plain, decoder.type)
    except (ValueError, RecursionError):
        return None
