"""A right answer, ready for the socket: one body, or server-sent events."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider would send.

    Args:
        body: the whole answer, when it is not streamed.
        events: the server-sent events, when it is.
        unfinished: how many of the events come before the protocol's finish marker.
    """

    body: bytes = b""
    events: tuple[bytes, ...] = ()
    unfinished: int = 0


def unary(document: object) -> Answer:
    """Answer with one JSON document."""
    return Answer(body=msgspec.json.encode(document))


def streamed(events: Iterable[bytes], *, after_marker: int) -> Answer:
    """Answer with events, the last `after_marker` of which are the finish marker and its tail."""
    sent = tuple(events)
    return Answer(events=sent, unfinished=len(sent) - after_marker)


def data_event(document: object) -> bytes:
    """Encode an event without a name, as chat completions send them."""
    return b"data: " + msgspec.json.encode(document) + b"\n\n"


def named_event(document: Mapping[str, Any]) -> bytes:
    """Encode an event that is named after its `type`."""
    return b"event: " + str(document["type"]).encode() + b"\n" + data_event(document)


def pieces(text: str) -> list[str]:
    """Split a text word by word; joined again, the pieces are the text."""
    return re.findall(r"\s*\S+|\s+$", text)


def new_id(prefix: str) -> str:
    """Make an id that no other answer has."""
    return prefix + secrets.token_hex(12)
