"""How one attempt is made: the call to a link, up to its first content or its failure.

The direct lane sends the client's own bytes to a provider that speaks the same protocol; only the
model and the credentials are replaced.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.model import Protocol as Wire
from agentbox_cli.providers.resolved import Deployment, Link
from agentbox_cli.proxy.answer import read_answer
from agentbox_cli.proxy.chain import Call
from agentbox_cli.proxy.classify import CompiledPattern, classify, compile_patterns
from agentbox_cli.proxy.encoding import UndecodableError, decoded, stream_decoder
from agentbox_cli.proxy.endpoints import Endpoint, provider_url
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.headers import client_headers, upstream_headers
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.request import Ask, body_for
from agentbox_cli.proxy.sse import EventTooLargeError
from agentbox_cli.proxy.stream import Piece, PieceKind, StreamReader
from agentbox_cli.proxy.upstream import AttemptFailed, Reply, Target, Upstream, timed_out
from agentbox_cli.simulate.app import CHECK_HEADER

# What is kept back of a stream before its first content.
HELD_BYTES = 64 * 1024
ERROR_BODY_BYTES = 1024 * 1024
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request as a lane needs it.

    Args:
        request_id: the request's id, for idempotency and for tracing.
        endpoint: where the client sent it.
        ask: what it says.
        client: the client's headers, looked up without regard to case.
        quotas: told of the quota headers that come back.
        stream_timeout: seconds that a stream may pause after its first content.
        drill_check: the check that a drill belongs to; None outside drills.
    """

    request_id: str
    endpoint: Endpoint
    ask: Ask
    client: Mapping[str, str]
    quotas: Quotas
    stream_timeout: float
    drill_check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaryAnswer:
    """A whole answer: headers for the client, the body as it came, and the usage it reports."""

    status: int
    headers: dict[str, str]
    body: bytes
    usage: dict[str, Any] | None


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
    _reply: Reply
    _chunks: AsyncIterator[bytes]
    _pause: float
    _ended: bool = False

    async def rest(self) -> AsyncIterator[bytes]:
        """The whole events that follow; raises AttemptFailed when the stream breaks."""
        while not self._ended:
            chunk = await _next_chunk(self._chunks, self._pause)
            if chunk is None:
                break
            out = b"".join(self._pieces(chunk))
            if out:
                yield out
        if not self.reader.finish() or self.reader.failure is not None:
            raise AttemptFailed(self.reader.failure or _unfinished())

    def close(self) -> None:
        """End the call upstream."""
        self._reply.close()

    def _pieces(self, chunk: bytes) -> list[bytes]:
        pieces = []
        for piece in _events(self.reader, chunk):
            if _is_bad_end(self.reader, piece):
                self._ended = True
                break
            pieces.append(piece.raw)
        return pieces


Answer = UnaryAnswer | StreamAnswer


class LaneCaller(Protocol):
    """A way to make an attempt."""

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link; raises AttemptFailed."""


@dataclass(slots=True)
class DirectLane:
    """Calls providers in the client's own protocol."""

    upstream: Upstream
    addresses: Mapping[str, str] = field(default_factory=dict)
    _targets: dict[tuple[str, Wire], Target] = field(default_factory=dict)
    _patterns: dict[str, Sequence[CompiledPattern]] = field(default_factory=dict)

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link and wait for its answer's first content, or its whole unary answer.

        Raises:
            AttemptFailed: whatever came instead.
        """
        link, protocol = call.link, order.endpoint.protocol
        deployment = link.deployment
        reply: Reply | None = None
        try:
            async with asyncio.timeout(call.timeout):
                reply = await self.post(
                    link, protocol, body_for(order.ask, link), order, fresh=call.fresh
                )
                patterns = self.patterns_of(deployment)
                return await answer_of(reply, order, patterns)
        except TimeoutError:
            _close(reply)
            raise AttemptFailed(timed_out(call.timeout)) from None
        except BaseException:
            _close(reply)
            raise

    async def post(
        self, link: Link, protocol: Wire, body: bytes, order: Order, *, fresh: bool
    ) -> Reply:
        """Send a body to a link's provider and wait for the headers of its answer."""
        deployment = link.deployment
        headers = upstream_headers(
            order.client,
            deployment.provider,
            protocol,
            stream=order.ask.stream,
            idempotency_key=f"{order.request_id}-{link.number}",
        )
        if order.drill_check is not None:
            headers[CHECK_HEADER] = order.drill_check
        target = self.target_of(deployment, protocol)
        reply = await self.upstream.post(target, headers, body, fresh=fresh)
        order.quotas.observe(deployment, reply.headers, time.time())
        return reply

    def target_of(self, deployment: Deployment, protocol: Wire) -> Target:
        """Where calls to a deployment go."""
        name = deployment.provider.name
        target = self._targets.get((name, protocol))
        if target is None:
            base = self.addresses.get(name) or deployment.provider.api_base
            if base is None:
                raise LookupError(f"provider {name} has no address")
            target = Target.of(provider_url(base, protocol))
            self._targets[name, protocol] = target
        return target

    def patterns_of(self, deployment: Deployment) -> Sequence[CompiledPattern]:
        """The provider's own wordings of failures, compiled once."""
        name = deployment.provider.name
        if name not in self._patterns:
            self._patterns[name] = compile_patterns(deployment.provider.spec.error_patterns)
        return self._patterns[name]


async def answer_of(reply: Reply, order: Order, patterns: Sequence[CompiledPattern]) -> Answer:
    """Read an answer as far as the client may get it; raises AttemptFailed."""
    if reply.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise AttemptFailed(await error_of(reply, order.endpoint.protocol, patterns))
    is_stream = reply.headers.get("content-type", "").startswith(EVENT_STREAM)
    if order.ask.stream and is_stream:
        return await _begin_stream(reply, order, patterns)
    return await _whole(reply, order, patterns)


async def error_of(reply: Reply, protocol: Wire, patterns: Sequence[CompiledPattern]) -> Failure:
    """The failure that an error answer stands for."""
    body = await _read_error(reply)
    text = decoded(body, reply.headers.get("content-encoding")) or b""
    return classify(reply.status, reply.headers, text, patterns, protocol)


async def _whole(reply: Reply, order: Order, patterns: Sequence[CompiledPattern]) -> UnaryAnswer:
    body = await reply.read()
    text = decoded(body, reply.headers.get("content-encoding"))
    usage = None
    if text is not None:
        read = read_answer(order.endpoint.protocol, text, patterns)
        if read.failure is not None:
            raise AttemptFailed(read.failure)
        usage = read.usage
    reply.close()
    return UnaryAnswer(
        status=reply.status,
        headers=client_headers(reply.headers.items()),
        body=body,
        usage=usage,
    )


async def _begin_stream(
    reply: Reply, order: Order, patterns: Sequence[CompiledPattern]
) -> StreamAnswer:
    """Hold a stream back until its first content, so that a failure before it stays unseen."""
    reader = StreamReader(order.endpoint.protocol, patterns)
    chunks = _decoded_chunks(reply)
    held: list[bytes] = []
    size = 0
    while not reader.content_seen and size <= HELD_BYTES:
        chunk = await anext(chunks, None)
        if chunk is None:
            reader.finish()
            raise AttemptFailed(reader.failure or _unfinished())
        for piece in _events(reader, chunk):
            if _is_bad_end(reader, piece):
                if reader.content_seen:
                    break
                raise AttemptFailed(reader.failure or _unfinished())
            held.append(piece.raw)
            size += len(piece.raw)
    headers = client_headers(reply.headers.items())
    headers.pop("content-encoding", None)
    return StreamAnswer(
        status=reply.status,
        headers=headers,
        first=b"".join(held),
        reader=reader,
        _reply=reply,
        _chunks=chunks,
        _pause=order.stream_timeout,
        _ended=reader.failure is not None,
    )


def _events(reader: StreamReader, chunk: bytes) -> list[Piece]:
    try:
        return reader.feed(chunk)
    except EventTooLargeError as error:
        failure = Failure(kind=ErrorKind.SERVER, status=None, message=str(error))
        raise AttemptFailed(failure) from None


def _is_bad_end(reader: StreamReader, piece: Piece) -> bool:
    """Whether a piece must not be passed on: an error, or an end without the protocol's marker."""
    return piece.kind is PieceKind.ERROR or (piece.kind is PieceKind.END and not reader.complete)


async def _decoded_chunks(reply: Reply) -> AsyncIterator[bytes]:
    decode = stream_decoder(reply.headers.get("content-encoding"))
    try:
        async for chunk in reply.chunks():
            yield decode(chunk)
    except UndecodableError as error:
        failure = Failure(kind=ErrorKind.SERVER, status=None, message=str(error))
        raise AttemptFailed(failure) from None


async def _next_chunk(chunks: AsyncIterator[bytes], pause: float) -> bytes | None:
    try:
        async with asyncio.timeout(pause):
            return await anext(chunks, None)
    except TimeoutError:
        message = f"the stream paused for more than {pause:g} seconds"
        failure = Failure(kind=ErrorKind.TIMEOUT, status=None, message=message)
        raise AttemptFailed(failure) from None


async def _read_error(reply: Reply) -> bytes:
    parts: list[bytes] = []
    size = 0
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


def _close(reply: Reply | None) -> None:
    if reply is not None:
        reply.close()
