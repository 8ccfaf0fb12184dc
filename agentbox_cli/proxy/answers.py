"""Reading a provider's answer as far as the client may get it.

A unary answer is read whole. A stream is held back until its first content, so that a failure
before it stays unseen, and is then passed on by whole events, so that a broken one can still be
ended in its protocol's own way.
"""

import asyncio
import contextlib
import typing
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.providers.resolved import ResolvedProvider
from agentbox_cli.proxy.answer import read_answer, tokens_of
from agentbox_cli.proxy.classify import CompiledPattern, classify
from agentbox_cli.proxy.echoes import without_echoes
from agentbox_cli.proxy.encoding import UndecodableError, decoded, stream_decoder
from agentbox_cli.proxy.events import READERS
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.finish import OK
from agentbox_cli.proxy.headers import client_headers
from agentbox_cli.proxy.sieve import Sieve
from agentbox_cli.proxy.stream import EVENT_STREAM, StreamReader
from agentbox_cli.proxy.upstream import AttemptFailed, Reply
from agentbox_cli.usage.record import Tokens

# What is kept back of a stream before its first content.
HELD_BYTES = 64 * 1024
ERROR_BODY_BYTES = 1024 * 1024
# An error's status says the most; its body is not waited for longer than this.
ERROR_BODY_SECONDS = 5.0
# After the protocol's marker only the end of the body is awaited, to use the connection again.
AFTER_END_SECONDS = 1.0


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How to read an answer.

    Args:
        protocol: what it is written in.
        patterns: the provider's own wordings of failures.
        stream: whether a stream was asked for.
        pause: seconds that a stream may pause after its first content.
        hide_usage: whether the client did not ask for the token counts that come.
        provider: whose answer it is.
    """

    protocol: Protocol
    patterns: Sequence[CompiledPattern]
    stream: bool
    pause: float
    hide_usage: bool = False
    provider: ResolvedProvider


class Spent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an answer has cost, as the provider reported it.

    Args:
        protocol: what the answer is written in.
        usage: its usage object.
        tier: the service tier that answered, where it stands beside the usage object.
    """

    protocol: Protocol
    usage: dict[str, Any] | None = None
    tier: Any = None

    @property
    def tokens(self) -> Tokens:
        """Its token counts."""
        return tokens_of(self.protocol, self.usage)


class UnaryAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole answer: headers for the client, the body as it came, and the usage it reports."""

    status: int
    headers: dict[str, str]
    body: bytes
    spent: Spent
    response_id: str | None = None


@dataclass(slots=True, kw_only=True)
class StreamAnswer:
    """A stream that has begun with content.

    Args:
        status, headers: for the client.
        first: everything up to and with the first content.
        reader: knows what was seen: usage, failure, completeness.
    """

    status: int
    headers: dict[str, str]
    first: bytes
    reader: StreamReader
    _reading: Reading
    _reply: Reply
    _chunks: AsyncIterator[bytes]
    _sieve: Sieve

    @property
    def response_id(self) -> str | None:
        """The provider's id of this answer."""
        return self.reader.response_id

    @property
    def spent(self) -> Spent:
        """What the stream has reported so far."""
        reader = self.reader
        return Spent(protocol=self._reading.protocol, usage=reader.usage, tier=reader.tier)

    async def rest(self) -> AsyncIterator[bytes]:
        """The whole events that follow; raises AttemptFailed when the stream breaks."""
        while not self._sieve.ended:
            try:
                chunk = await next_chunk(self._chunks, self._reading.pause)
            except AttemptFailed:
                if self.reader.complete:
                    return  # the marker was seen, nothing is missing
                raise
            if chunk is None:
                break
            if out := self._sieve.take(chunk):
                yield out
        if last := self._last_event():
            yield last
        await _read_to_end(self._chunks)

    def close(self) -> None:
        """End the call upstream."""
        self._reply.close()

    def _last_event(self) -> bytes:
        """The last event if it lacked its blank line; raises AttemptFailed for a bad end."""
        reader = self.reader
        was_complete = reader.complete
        if not reader.finish() or reader.failure is not None:
            failure = reader.failure or _unfinished()
            raise AttemptFailed(without_echoes(failure, self._reading.provider))
        return b"" if was_complete else reader.rest + b"\n\n"


class OpenStream(typing.Protocol):
    """A stream that has begun with content, however it came; `StreamAnswer` explains."""

    @property
    def status(self) -> int:
        """The status for the client."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the client."""

    @property
    def first(self) -> bytes:
        """Everything up to and with the first content."""

    @property
    def reader(self) -> StreamReader:
        """What was seen of it."""

    @property
    def response_id(self) -> str | None:
        """The provider's id of it."""

    @property
    def spent(self) -> Spent:
        """What it has reported so far."""

    def rest(self) -> AsyncIterator[bytes]:
        """The whole events that follow; raises AttemptFailed when the stream breaks."""

    def close(self) -> None:
        """End the call."""


Answer = UnaryAnswer | OpenStream


async def read_reply(reply: Reply, reading: Reading) -> Answer:
    """Read an answer up to its first content, or whole; raises AttemptFailed."""
    if reply.status != OK:
        raise AttemptFailed(await error_of(reply, reading))
    is_stream = reply.headers.get("content-type", "").lower().startswith(EVENT_STREAM)
    if reading.stream and is_stream and reading.protocol in READERS:
        return await _begin_stream(reply, reading)
    return await _whole(reply, reading)


async def error_of(reply: Reply, reading: Reading) -> Failure:
    """Read how an attempt failed that was answered by another status."""
    _half_read.set((reply, reading))
    body = await _read_error(reply)
    _half_read.set(None)
    text = decoded(body, reply.headers.get("content-encoding")) or b""
    return classify(reply.status, reply.headers, text, reading.patterns, reading.protocol)


def half_read_error() -> Failure | None:
    """The error of which this task had the status when its time was over; None if there is none.

    Its status and headers say what it was: a rate limit is no link that hangs.
    """
    if (half := _half_read.get()) is None:
        return None
    _half_read.set(None)
    reply, reading = half
    return classify(reply.status, reply.headers, b"", reading.patterns, reading.protocol)


# The error whose body this task waits for.
_half_read: ContextVar[tuple[Reply, Reading] | None] = ContextVar("half_read", default=None)


async def _whole(reply: Reply, reading: Reading) -> UnaryAnswer:
    body = await reply.read()
    text = decoded(body, reply.headers.get("content-encoding"))
    usage, tier, made = None, None, None
    if text is not None:
        read = read_answer(reading.protocol, text, reading.patterns)
        if read.failure is not None:
            told = _with_usage(read.failure, reading, read.usage, read.tier)
            raise AttemptFailed(replace(told, headers=reply.headers))
        usage, tier, made = read.usage, read.tier, read.response_id
    # Its connection went back when the last byte came: there is nothing to close.
    return UnaryAnswer(
        status=reply.status,
        headers=client_headers(reply.headers.items()),
        body=body,
        spent=Spent(protocol=reading.protocol, usage=usage, tier=tier),
        response_id=made,
    )


async def _begin_stream(reply: Reply, reading: Reading) -> OpenStream:
    reader = StreamReader(reading.protocol, reading.patterns)
    sieve = Sieve(reader=reader, hide_usage=reading.hide_usage)
    chunks = _decoded_chunks(reply)
    came: list[bytes] = []
    held: list[bytes] = []
    while not sieve.content_seen and sum(map(len, held)) <= HELD_BYTES:
        chunk = await anext(chunks, None)
        came.append(chunk or b"")
        held.append(sieve.take(chunk or b""))
        if chunk is None or (sieve.ended and not sieve.content_seen):
            raise AttemptFailed(_nothing_said(reply, reading, reader, b"".join(came)))
    headers = client_headers(reply.headers.items())
    headers.pop("content-encoding", None)
    return StreamAnswer(
        status=reply.status,
        headers=headers,
        first=b"".join(held),
        reader=reader,
        _reading=reading,
        _reply=reply,
        _chunks=chunks,
        _sieve=sieve,
    )


def _nothing_said(reply: Reply, reading: Reading, reader: StreamReader, came: bytes) -> Failure:
    """Say how a stream failed that ended before its content."""
    reader.finish()
    failure = reader.failure or _error_instead(came, reading) or _unfinished()
    own = came if failure.status == OK else failure.body
    told = _with_usage(failure, reading, reader.usage, reader.tier)
    return replace(told, body=own, headers=reply.headers)


def _with_usage(
    failure: Failure, reading: Reading, usage: dict[str, Any] | None, tier: Any
) -> Failure:
    """A failure with what it may have cost, so far as the provider reported it."""
    if not usage:
        return failure
    return replace(failure, protocol=reading.protocol, usage=usage, tier=tier)


def _error_instead(came: bytes, reading: Reading) -> Failure | None:
    """Find the error that came as plain JSON where a stream was announced."""
    if not came.lstrip().startswith(b"{"):
        return None
    return read_answer(reading.protocol, came, reading.patterns).failure


async def _decoded_chunks(reply: Reply) -> AsyncIterator[bytes]:
    decode = stream_decoder(reply.headers.get("content-encoding"))
    try:
        async for chunk in reply.chunks():
            yield decode(chunk)
    except UndecodableError as error:
        failure = Failure(kind=ErrorKind.SERVER, status=None, message=str(error))
        raise AttemptFailed(failure) from None


async def next_chunk(chunks: AsyncIterator[bytes], pause: float) -> bytes | None:
    """Wait for the next bytes, None at the end; raises AttemptFailed after too long a pause."""
    try:
        async with asyncio.timeout(pause):
            return await anext(chunks, None)
    except TimeoutError:
        message = f"the stream paused for more than {pause:g} seconds"
        failure = Failure(kind=ErrorKind.TIMEOUT, status=None, message=message)
        raise AttemptFailed(failure) from None


async def _read_to_end(chunks: AsyncIterator[bytes]) -> None:
    """Read what may follow the marker; how that ends makes no difference any more."""
    with contextlib.suppress(AttemptFailed, TimeoutError):
        async with asyncio.timeout(AFTER_END_SECONDS):
            async for _ in chunks:
                pass


async def _read_error(reply: Reply) -> bytes:
    """As much of an error's body as comes: its status counts even when the rest is lost."""
    parts: list[bytes] = []
    size = 0
    with contextlib.suppress(AttemptFailed, TimeoutError):
        async with asyncio.timeout(ERROR_BODY_SECONDS):
            async for chunk in reply.chunks():
                parts.append(chunk)
                size += len(chunk)
                if size > ERROR_BODY_BYTES:
                    break
    reply.close()
    return b"".join(parts)


def _unfinished() -> Failure:
    message = "the stream ended before it was complete"
    return Failure(kind=ErrorKind.SERVER, status=None, message=message)
