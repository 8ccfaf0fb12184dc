"""Answers of endpoints whose content is nobody's business here: pictures, sound, verdicts, ranks.

Only whether there is one at all is looked at, and the usage where it is told.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.answers import (
    Answer,
    Reading,
    Spent,
    UnaryAnswer,
    error_of,
    next_chunk,
)
from agentbox_cli.proxy.classify import classify_payload
from agentbox_cli.proxy.encoding import decoded
from agentbox_cli.proxy.errortext import redact_body
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.finish import OK
from agentbox_cli.proxy.headers import client_headers
from agentbox_cli.proxy.jsontext import decode
from agentbox_cli.proxy.sse import EventSplitter, data_of
from agentbox_cli.proxy.stream import EVENT_STREAM, StreamReader
from agentbox_cli.proxy.upstream import AttemptFailed, Reply

REDIRECTS = 300
_TEXTS = ("application/json", "text/", "application/x-subrip")


class _Told(msgspec.Struct, gc=False):
    error: Any = None
    usage: Any = None


_TOLD = msgspec.json.Decoder(_Told)


async def read_opaque(reply: Reply, reading: Reading) -> Answer:
    """Read an answer whole, or what it begins with if it flows; raises AttemptFailed."""
    if not OK <= reply.status < REDIRECTS:
        raise AttemptFailed(await error_of(reply, reading))
    kind = reply.headers.get("content-type", "").lower()
    flows = kind.startswith(EVENT_STREAM) or not kind.startswith(_TEXTS)
    return await (_begin(reply, reading) if flows else _whole(reply, reading))


async def _whole(reply: Reply, reading: Reading) -> UnaryAnswer:
    body = await reply.read()
    text = decoded(body, reply.headers.get("content-encoding"))
    told = decode(_TOLD, text) if text and text.lstrip().startswith(b"{") else None
    if told is not None and isinstance(told.error, dict):
        found = redact_body(text or b"")
        failure = classify_payload(
            {"error": told.error}, found, reading.patterns, reading.protocol
        )
        raise AttemptFailed(failure)
    reply.close()
    return UnaryAnswer(
        status=reply.status,
        headers=client_headers(reply.headers.items()),
        body=body,
        spent=_spent(told.usage if told else None),
    )


async def _begin(reply: Reply, reading: Reading) -> Answer:
    chunks = reply.chunks()
    first = await anext(chunks, None)
    if first is None:
        message = "the answer is empty"
        raise AttemptFailed(Failure(kind=ErrorKind.SERVER, status=None, message=message))
    headers = client_headers(reply.headers.items())
    is_text = headers.get("content-type", "").lower().startswith(EVENT_STREAM)
    plain = "content-encoding" not in headers
    stream = OpaqueStream(
        status=reply.status,
        headers=headers,
        reader=StreamReader(reading.protocol),
        _reply=reply,
        _chunks=chunks,
        _pause=reading.pause,
        _events=EventSplitter() if is_text and plain else None,
    )
    stream.first = stream.take(first)
    return stream


@dataclass(slots=True, kw_only=True)
class OpaqueStream:
    """An answer that flows: its end is the end of its bytes.

    Args:
        status, headers: for the client.
        reader: knows whether it is complete.
        first: what came first.
        spent: the usage that was told.
    """

    status: int
    headers: dict[str, str]
    reader: StreamReader
    _reply: Reply
    _chunks: AsyncIterator[bytes]
    _pause: float
    _events: EventSplitter | None
    first: bytes = b""
    response_id: str | None = None
    spent: Spent = field(default_factory=lambda: _spent(None))

    async def rest(self) -> AsyncIterator[bytes]:
        """What follows, by whole events if it has them; raises AttemptFailed when it breaks."""
        while (chunk := await next_chunk(self._chunks, self._pause)) is not None:
            if out := self.take(chunk):
                yield out
        if self._events is not None and self._events.rest:
            yield self._events.rest
        self.reader.complete = True

    def take(self, chunk: bytes) -> bytes:
        """What a client may see of the bytes that came."""
        if self._events is None:
            return chunk
        events = self._events.feed(chunk)
        for event in events:
            if b'"usage"' in event and (told := decode(_TOLD, data_of(event))):
                self.spent = _spent(told.usage)
        return b"".join(events)

    def close(self) -> None:
        """End the call."""
        self._reply.close()


def _spent(usage: Any) -> Spent:
    """Usage in whichever words it is told: pictures and sound have those of responses."""
    told = usage if isinstance(usage, dict) else None
    newer = told is not None and "input_tokens" in told
    protocol = Protocol.OPENAI_RESPONSES if newer else Protocol.OPENAI_CHAT
    return Spent(protocol=protocol, usage=told)
