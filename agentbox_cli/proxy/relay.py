"""One request from end to end: down the chain until a link answers, then its answer to the client.

Every attempt leaves a record, whatever becomes of it.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Chain, Lane, Link, Router
from agentbox_cli.proxy import headers as names
from agentbox_cli.proxy.answers import Answer, OpenStream, Spent, UnaryAnswer
from agentbox_cli.proxy.chain import Call, Verdict, Walk
from agentbox_cli.proxy.drill import Scope
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.lanes import LaneCaller, Order
from agentbox_cli.proxy.reply import attempts_header, summary, verdict_reply
from agentbox_cli.proxy.request import Ask, needs_of
from agentbox_cli.proxy.stream import StreamState
from agentbox_cli.proxy.upstream import AttemptFailed, sendable
from agentbox_cli.proxy.wire import KEEP_ALIVE, terminal_event
from agentbox_cli.usage.record import AttemptRecord, RecordSink, Tokens

# Before this, a hold costs nothing: clients wait in silence for 75 s at least (measured). After
# it, the headers are sent and cannot tell the truth about the chain any more.
SILENCE_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 15.0
CALLER_LENGTH = 60


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request in the proxy's hands.

    Args:
        http: the client's request.
        endpoint: where it was sent.
        ask: what it says.
        chain: the chain it goes down.
        scope: what it shares with others.
        request_id: its name in headers and records.
    """

    http: web.BaseRequest
    endpoint: Endpoint
    ask: Ask
    chain: Chain
    scope: Scope
    request_id: str

    @property
    def caller(self) -> str | None:
        """The family of the client's user agent."""
        agent = sendable(self.http.headers.get("user-agent", ""))
        return agent.split("/")[0].split(" ")[0][:CALLER_LENGTH] or None

    def base_headers(self, walk: Walk) -> dict[str, str]:
        """The headers that every answer carries."""
        return {
            names.ALIAS: self.chain.alias,
            names.REQUEST_ID: self.request_id,
            names.ATTEMPTS: attempts_header(walk.outcomes),
        }

    def served_headers(self, walk: Walk, link: Link) -> dict[str, str]:
        """The headers of an answer that `link` gave."""
        return {
            **self.base_headers(walk),
            names.SERVED_BY: link.deployment.name,
            names.LINK: f"{link.number}/{len(self.chain.links)}",
        }


@dataclass(slots=True)
class _Attempt:
    """What the record of an attempt is made of."""

    call: Call
    lane: Lane
    started_at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.monotonic)
    first_content_ms: float | None = None

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.began) * 1_000


@dataclass(slots=True, kw_only=True)
class Relay:
    """Sends requests down their chains.

    Args:
        lanes: how attempts are made.
        router: retries and times.
        sink: takes the attempt records.
        wall: seconds since the epoch.
        silence: seconds without content before keep-alives begin.
    """

    lanes: Mapping[Lane, LaneCaller]
    router: Router
    sink: RecordSink
    wall: Callable[[], float] = time.time
    silence: float = SILENCE_SECONDS

    async def serve(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request."""
        walk = self._walk(exchange)
        client = _Client(exchange, walk, self.silence)
        try:
            while isinstance(step := walk.next(time.monotonic()), Call):
                answer = await self._attempt(exchange, walk, step)
                if answer is not None:
                    return await self._deliver(exchange, walk, client, *answer)
            return await client.refuse(step)
        finally:
            await client.quieten()

    def _walk(self, exchange: Exchange) -> Walk:
        windows = [link.max_input_tokens for link in exchange.chain.links]
        known = [window for window in windows if window is not None]
        return Walk(
            exchange.chain,
            needs_of(exchange.ask, exchange.endpoint, known),
            router=self.router,
            toggles=exchange.scope.toggles,
            memory=exchange.scope.memory,
            now=time.monotonic(),
            wall=self.wall,
            jitter=_jitter,
        )

    async def _attempt(
        self, exchange: Exchange, walk: Walk, call: Call
    ) -> tuple[_Attempt, Answer] | None:
        lane = call.link.deployment.lane(exchange.endpoint.protocol)
        try:
            if call.delay:
                await asyncio.sleep(call.delay)
            attempt = _Attempt(call, lane)
        except BaseException:
            walk.abandoned()
            raise
        try:
            answer = await self.lanes[lane].call(call, self._order(exchange))
        except AttemptFailed as failed:
            walk.failed(failed.failure, time.monotonic())
            self._record(exchange, attempt, failure=failed.failure)
            return None
        except BaseException:
            walk.abandoned()
            self._record(exchange, attempt, cancelled=True)
            raise
        attempt.first_content_ms = attempt.elapsed_ms()
        walk.answered()
        return attempt, answer

    def _order(self, exchange: Exchange) -> Order:
        return Order(
            request_id=exchange.request_id,
            endpoint=exchange.endpoint,
            ask=exchange.ask,
            client=exchange.http.headers,
            quotas=exchange.scope.memory.quotas,
            stream_timeout=self.router.stream_timeout,
            drill_check=exchange.scope.check,
        )

    async def _deliver(
        self,
        exchange: Exchange,
        walk: Walk,
        client: "_Client",
        attempt: _Attempt,
        answer: Answer,
    ) -> web.StreamResponse:
        link = attempt.call.link
        headers = {**answer.headers, **exchange.served_headers(walk, link)}
        if isinstance(answer, UnaryAnswer):
            self._record(exchange, attempt, spent=answer.spent, status=answer.status)
            return await client.whole(answer, headers)
        return await self._stream(exchange, walk, client, attempt, answer, headers)

    async def _stream(  # noqa: PLR0913, PLR0917 - a stream's delivery needs all who take part
        self,
        exchange: Exchange,
        walk: Walk,
        client: "_Client",
        attempt: _Attempt,
        answer: OpenStream,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        failure: Failure | None = None
        try:
            response = await client.begin(headers)
            await response.write(answer.first)
            async for events in answer.rest():
                await response.write(events)
            await response.write_eof()
        except AttemptFailed as failed:
            failure = failed.failure
            walk.broke(attempt.call.link, failure, time.monotonic())
            return await client.fail(_cut_message(attempt.call.link, failure), answer.reader)
        finally:
            answer.close()
            self._record(
                exchange,
                attempt,
                spent=answer.spent,
                status=answer.status,
                failure=failure,
                # A client may well hang up as soon as it has seen the marker.
                cancelled=failure is None and not answer.reader.complete,
            )
        return response

    def _record(  # noqa: PLR0913 - a record has these parts
        self,
        exchange: Exchange,
        attempt: _Attempt,
        *,
        spent: Spent | None = None,
        status: int | None = None,
        failure: Failure | None = None,
        cancelled: bool = False,
    ) -> None:
        call = attempt.call
        deployment = call.link.deployment
        self.sink(
            AttemptRecord(
                request_id=exchange.request_id,
                attempt=call.number,
                started_at=attempt.started_at,
                elapsed_ms=attempt.elapsed_ms(),
                first_content_ms=attempt.first_content_ms,
                alias=exchange.chain.alias,
                link=call.link.number,
                provider=deployment.provider.name,
                model=deployment.model.id,
                lane=attempt.lane.value,
                endpoint=exchange.endpoint.path,
                stream=exchange.ask.stream,
                status=failure.status if failure else status,
                failure=failure.kind if failure else None,
                complete=failure is None and not cancelled,
                cancelled=cancelled,
                maybe_charged=cancelled or (failure is not None and _may_cost(failure)),
                tokens=spent.tokens if spent else Tokens(),
                raw_usage=spent.usage if spent else None,
                caller=exchange.caller,
            )
        )


@dataclass(slots=True)
class _Client:
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
            return await self.fail("the provider sent no stream, but a whole answer", None)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def begin(self, headers: Mapping[str, str]) -> web.StreamResponse:
        """Begin a stream, unless keep-alives have begun it."""
        await self.quieten()
        if self._response is None:
            self._response = web.StreamResponse(headers=dict(headers))
            await self._response.prepare(self.exchange.http)
        return self._response

    async def fail(self, message: str, state: StreamState | None) -> web.StreamResponse:
        """End a stream that has begun with the error event of its protocol."""
        response = await self.begin({})
        event = terminal_event(self.exchange.endpoint.protocol, message, state)
        await response.write(event)
        await response.write_eof()
        return response

    async def refuse(self, verdict: Verdict) -> web.StreamResponse:
        """Tell that no link answered."""
        await self.quieten()
        exchange = self.exchange
        if self._response is not None:
            message = (
                verdict.passed_on.message
                if verdict.passed_on
                else summary(exchange.chain.alias, verdict)
            )
            return await self.fail(message, None)
        headers = exchange.base_headers(self.walk)
        return verdict_reply(exchange.endpoint, exchange.chain.alias, verdict, headers)

    async def quieten(self) -> None:
        """Stop the keep-alives."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pulse is not None:
            pulse, self._pulse = self._pulse, None
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)

    def _start_pulse(self) -> None:
        self._pulse = asyncio.ensure_future(self._keep_alive())

    async def _keep_alive(self) -> None:
        headers = {
            "content-type": "text/event-stream",
            names.ALIAS: self.exchange.chain.alias,
            names.REQUEST_ID: self.exchange.request_id,
        }
        response = web.StreamResponse(headers=headers)
        self._response = response
        await response.prepare(self.exchange.http)
        while True:
            await response.write(KEEP_ALIVE)
            await asyncio.sleep(KEEP_ALIVE_SECONDS)


def _cut_message(link: Link, failure: Failure) -> str:
    return f"{link.deployment.name}: {failure.message}"


def _may_cost(failure: Failure) -> bool:
    unsure = {ErrorKind.TIMEOUT, ErrorKind.CONNECTION, ErrorKind.SERVER}
    return failure.sent and failure.kind in unsure


def _jitter() -> float:
    return random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing
