"""One request in the proxy's hands: what was asked, and what the client was sent so far."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from agentbox_cli.providers.resolved import Chain, Link
from agentbox_cli.proxy import headers as names
from agentbox_cli.proxy.answers import UnaryAnswer
from agentbox_cli.proxy.chain import Walk
from agentbox_cli.proxy.drill import Scope
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.google.array import ArrayResponse
from agentbox_cli.proxy.google_paths import wants_events
from agentbox_cli.proxy.purse import Purse
from agentbox_cli.proxy.reply import (
    JSON,
    attempts_header,
    explained,
    message_of,
    pinned_reply,
    verdict_reply,
)
from agentbox_cli.proxy.request import Ask
from agentbox_cli.proxy.story import End, Story
from agentbox_cli.proxy.stream import EVENT_STREAM, StreamState
from agentbox_cli.proxy.verdict import Verdict
from agentbox_cli.proxy.wire import keep_alive, terminal_event

# Before this, a hold costs nothing: clients wait in silence for 75 s at least (measured). After
# it, the headers are sent and cannot tell the truth about the chain any more.
SILENCE_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 15.0
# Google's client for Node reads an error only if it arrives by itself (measured).
APART_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request in the proxy's hands.

    Args:
        http: the client's request.
        endpoint: where it was sent.
        ask: what it says.
        chain: the chain it goes down.
        scope: what it shares with others.
        story: takes down what becomes of it.
        purse: what it may spend; None if nothing limits it.
        things: the ids in it of things that a provider keeps.
        pinned: the numbers of the links that may serve it; None for any.
    """

    http: web.BaseRequest
    endpoint: Endpoint
    ask: Ask
    chain: Chain
    scope: Scope
    story: Story
    purse: Purse | None = None
    things: Sequence[str] = ()
    pinned: frozenset[int] | None = None

    @property
    def in_array(self) -> bool:
        """Whether a stream is to come as one JSON array."""
        is_stream = self.endpoint.is_google and self.ask.stream
        return is_stream and not wants_events(self.http.rel_url.raw_query_string)

    @property
    def request_id(self) -> str:
        """Its name in headers and records."""
        return self.story.request_id

    def base_headers(self, walk: Walk) -> dict[str, str]:
        """The headers that every answer carries."""
        return {
            names.ALIAS: self.chain.alias,
            names.REQUEST_ID: self.request_id,
            names.ATTEMPTS: attempts_header(walk.outcomes),
        }

    def served_headers(self, walk: Walk, link: Link) -> dict[str, str]:
        """The headers of an answer that `link` gave."""
        headers = self.base_headers(walk)
        headers[names.SERVED_BY] = link.deployment.name
        headers[names.LINK] = f"{link.number}/{len(self.chain.links)}"
        if warning := self.purse.warning(link) if self.purse else None:
            headers[names.BUDGET] = warning
        return headers


@dataclass(slots=True)
class Client:
    """The client's side of an exchange: what it was sent so far.

    For a stream it begins keep-alives after a long silence, which commits the status 200; what
    comes later than that can only be told inside the stream.
    """

    exchange: Exchange
    walk: Walk
    silence: float
    _response: web.StreamResponse | None = None
    _timer: asyncio.TimerHandle | None = None
    _pulse: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        if self.exchange.ask.stream:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.silence, self._start_pulse)

    async def whole(self, answer: UnaryAnswer, headers: Mapping[str, str]) -> web.StreamResponse:
        """Send a whole answer."""
        await self.quieten()
        if self._response is not None:
            message = "the provider sent no stream, but a whole answer"
            return await self._fail(End.FAILED, message, None)
        self.exchange.story.ends(End.ANSWERED, answer.status)
        if self.exchange.in_array and headers.get("content-type") == EVENT_STREAM:
            response = await self.begin(headers)
            await response.write(answer.body)
            await response.write_eof()
            return response
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def begin(self, headers: Mapping[str, str]) -> web.StreamResponse:
        """Begin a stream, unless keep-alives have begun it."""
        await self.quieten()
        if self._response is None:
            self._response = self._opened(headers)
            await self._response.prepare(self.exchange.http)
        return self._response

    async def cut(self, message: str, state: StreamState) -> web.StreamResponse:
        """End a stream that broke after its first content."""
        return await self._fail(End.CUT, message, state)

    async def refuse(self, verdict: Verdict) -> web.StreamResponse:
        """Tell that no link answered."""
        await self.quieten()
        exchange = self.exchange
        message = message_of(exchange.chain.alias, verdict)
        if self._response is not None:
            return await self._fail(End.FAILED, message, None)
        headers = exchange.base_headers(self.walk)
        if exchange.pinned is not None and all(each.skipped for each in verdict.outcomes):
            reply = pinned_reply(exchange.endpoint, exchange.things, verdict, headers)
        else:
            reply = verdict_reply(exchange.endpoint, exchange.chain.alias, verdict, headers)
        exchange.story.ends(End.FAILED, reply.status, message)
        return reply

    async def _fail(self, end: End, message: str, state: StreamState | None) -> web.StreamResponse:
        """End a stream that has begun with the error event of its protocol."""
        response = await self.begin({})
        exchange = self.exchange
        exchange.story.ends(end, response.status, message)
        if response.content_type != EVENT_STREAM and not isinstance(response, ArrayResponse):
            # Words would become part of a picture or a sound; a cut connection is seen.
            raise ConnectionResetError(message)
        told = explained(message, exchange.request_id)
        if exchange.endpoint.is_google:
            await asyncio.sleep(APART_SECONDS)
        await response.write(terminal_event(exchange.endpoint.protocol, told, state))
        await response.write_eof()
        return response

    async def quieten(self) -> None:
        """Stop the keep-alives."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pulse is not None:
            pulse, self._pulse = self._pulse, None
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)

    def _opened(self, headers: Mapping[str, str]) -> web.StreamResponse:
        if not self.exchange.in_array:
            return web.StreamResponse(headers=dict(headers))
        return ArrayResponse(headers={**headers, "content-type": JSON})

    def _start_pulse(self) -> None:
        self._pulse = asyncio.ensure_future(self._keep_alive())

    async def _keep_alive(self) -> None:
        headers = {
            "content-type": "text/event-stream",
            names.ALIAS: self.exchange.chain.alias,
            names.REQUEST_ID: self.exchange.request_id,
        }
        self._response = response = self._opened(headers)
        await response.prepare(self.exchange.http)
        while True:
            await response.write(keep_alive(self.exchange.endpoint.protocol))
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
