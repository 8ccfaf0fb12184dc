"""One request from end to end: down the chain until a link answers, then its answer to the client.

What becomes of every attempt is taken down in the request's story.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Lane, Link, Router
from agentbox_cli.proxy.answers import Answer, OpenStream, UnaryAnswer
from agentbox_cli.proxy.call import Call, Needs
from agentbox_cli.proxy.chain import Walk
from agentbox_cli.proxy.crossing import crossed
from agentbox_cli.proxy.encoding import decoded
from agentbox_cli.proxy.endpoints import GENERATE, RESPONSES
from agentbox_cli.proxy.exchange import SILENCE_SECONDS, Client, Exchange
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.google.lane import ChatLane
from agentbox_cli.proxy.lanes import LaneCaller, Order
from agentbox_cli.proxy.pins import Maker, Pins
from agentbox_cli.proxy.purse import Budgets, Wish
from agentbox_cli.proxy.request import Ask, answers_wanted, needs_of, output_limit
from agentbox_cli.proxy.sealed import sealed_in
from agentbox_cli.proxy.sealing import note_sealed, unsealed
from agentbox_cli.proxy.story import Attempt, End
from agentbox_cli.proxy.upstream import AttemptFailed
from agentbox_cli.proxy.verdict import Verdict

# A larger body is looked at in a thread: other requests must not wait for it.
LOOKED_AT_IN_PLACE = 1024 * 1024
# The beta header with which Anthropic's models take five times their usual window.
LONGER_WINDOW = "context-1m"


@dataclass(slots=True, kw_only=True)
class Relay:
    """Sends requests down their chains.

    Args:
        lanes: how attempts are made.
        router: retries and times.
        wall: seconds since the epoch.
        silence: seconds without content before keep-alives begin.
        budgets: what may be spent; None if nothing limits it.
        pins: told of what providers keep.
    """

    lanes: Mapping[Lane, LaneCaller]
    router: Router
    wall: Callable[[], float] = time.time
    silence: float = SILENCE_SECONDS
    budgets: Budgets | None = None
    pins: Pins = field(default_factory=Pins)

    async def serve(self, exchange: Exchange) -> web.StreamResponse:
        """Answer a request."""
        if self.budgets is None:
            return await self._serve(exchange)
        ask, story = exchange.ask, exchange.story
        exchange.purse = purse = await self.budgets.purse(
            exchange.chain.alias,
            story.caller or "",
            Wish(size=ask.size, max_tokens=output_limit(ask), answers=answers_wanted(ask)),
        )
        try:
            return await self._serve(exchange)
        finally:
            purse.settle(story.attempts)

    async def _serve(self, exchange: Exchange) -> web.StreamResponse:
        needs = await _needs(exchange)
        if exchange.pinned is not None:
            needs = msgspec.structs.replace(needs, pinned=exchange.pinned)
        walk = self._walk(exchange, needs)
        client = Client(exchange, walk, self.silence)
        try:
            while isinstance(step := _next(exchange, walk), Call):
                answer = await self._attempt(exchange, walk, step)
                if answer is not None:
                    return await self._deliver(exchange, walk, client, *answer)
            return await client.refuse(step)
        finally:
            await client.quieten()

    def _walk(self, exchange: Exchange, needs: Needs) -> Walk:
        return Walk(
            exchange.chain,
            needs,
            router=self.router,
            toggles=exchange.scope.toggles,
            memory=exchange.scope.memory,
            now=time.monotonic(),
            wall=self.wall,
            jitter=_jitter,
            spending=exchange.purse,
        )

    async def _attempt(
        self, exchange: Exchange, walk: Walk, call: Call
    ) -> tuple[Attempt, Answer] | None:
        deployment, protocol = call.link.deployment, exchange.endpoint.protocol
        lane = deployment.lane(protocol)
        try:
            if call.delay:
                await asyncio.sleep(call.delay)
            attempt = exchange.story.attempt(call, lane)
        except BaseException:
            walk.abandoned()
            raise
        try:
            caller = self._caller(lane)
            if exchange.endpoint is GENERATE and not deployment.speaks(protocol):
                caller = ChatLane(inner=caller, lane=lane)
            answer = await caller.call(call, self._order(exchange, call, lane))
        except AttemptFailed as failed:
            walk.failed(failed.failure, time.monotonic())
            attempt.ended(failure=failed.failure)
            return None
        except BaseException:
            walk.abandoned()
            attempt.ended(cancelled=True)
            raise
        attempt.has_content()
        walk.answered()
        return attempt, answer

    def _caller(self, lane: Lane) -> LaneCaller:
        try:
            return self.lanes[lane]
        except KeyError:
            message = "nothing here can translate calls for this provider"
            failure = Failure(
                kind=ErrorKind.UNSUPPORTED, status=400, message=message, sent=False, ours=True
            )
            raise AttemptFailed(failure) from None

    def _order(self, exchange: Exchange, call: Call, lane: Lane) -> Order:
        return Order(
            request_id=exchange.request_id,
            endpoint=exchange.endpoint,
            ask=self._crossed(exchange, call.link, lane),
            client=exchange.http.headers,
            quotas=exchange.scope.memory.quotas,
            query="" if exchange.endpoint.is_google else exchange.http.rel_url.raw_query_string,
            drill_check=exchange.scope.check,
        )

    async def _deliver(
        self,
        exchange: Exchange,
        walk: Walk,
        client: Client,
        attempt: Attempt,
        answer: Answer,
    ) -> web.StreamResponse:
        link = attempt.call.link
        self._note_response(exchange, link, answer)
        headers = {**answer.headers, **exchange.served_headers(walk, link)}
        if isinstance(answer, UnaryAnswer):
            attempt.ended(spent=answer.spent, status=answer.status)
            self._note_sealed(exchange, link, answer)
            return await client.whole(answer, headers)
        return await self._stream(exchange, walk, client, attempt, answer, headers)

    def _crossed(self, exchange: Exchange, link: Link, lane: Lane) -> Ask:
        """The request as a link may see it."""
        if exchange.endpoint is RESPONSES:
            return unsealed(exchange.ask, link, exchange.chain, self.pins)
        return crossed(exchange.ask, exchange.endpoint, link.deployment, lane)

    def _note_sealed(self, exchange: Exchange, link: Link, answer: Answer) -> None:
        """Remember whose thoughts are in a whole answer."""
        if exchange.endpoint is not RESPONSES:
            return
        if isinstance(answer, UnaryAnswer):
            body = decoded(answer.body, answer.headers.get("content-encoding"))
            note_sealed(sealed_in(body or b""), link, self.pins)
        else:
            note_sealed(answer.reader.sealed, link, self.pins)

    def _note_response(self, exchange: Exchange, link: Link, answer: Answer) -> None:
        """Remember who made a response, unless it is forgotten at once."""
        if exchange.endpoint is not RESPONSES or not answer.response_id:
            return
        store = exchange.ask.fields.get("store")
        if store is None or bytes(store) != b"false":
            deployment = link.deployment
            self.pins.note(answer.response_id, Maker(deployment.provider.name, deployment.name))

    async def _stream(  # noqa: PLR0913, PLR0917 - a stream's delivery needs all who take part
        self,
        exchange: Exchange,
        walk: Walk,
        client: Client,
        attempt: Attempt,
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
            return await client.cut(_cut_message(attempt.call.link, failure), answer.reader)
        finally:
            answer.close()
            self._note_sealed(exchange, attempt.call.link, answer)
            attempt.ended(
                spent=answer.spent,
                status=answer.status,
                failure=failure,
                # A client may well hang up as soon as it has seen the marker.
                cancelled=failure is None and not answer.reader.complete,
            )
        exchange.story.ends(End.ANSWERED, response.status)
        return response


def _next(exchange: Exchange, walk: Walk) -> Call | Verdict:
    now = time.monotonic()
    step = walk.next(now)
    if outcomes := walk.outcomes:
        exchange.story.passed_over(outcomes, now)
    return step


async def _needs(exchange: Exchange) -> Needs:
    ask, endpoint, windows = exchange.ask, exchange.endpoint, _windows(exchange)
    if ask.size <= LOOKED_AT_IN_PLACE:
        return needs_of(ask, endpoint, windows)
    return await asyncio.to_thread(needs_of, ask, endpoint, windows)


def _windows(exchange: Exchange) -> list[int]:
    """The windows that are known; none if the client asks for a longer one than usual."""
    if LONGER_WINDOW in exchange.http.headers.get("anthropic-beta", ""):
        return []
    return [
        window for link in exchange.chain.links if (window := link.max_input_tokens) is not None
    ]


def _cut_message(link: Link, failure: Failure) -> str:
    return f"{link.deployment.name}: {failure.message}"


def _jitter() -> float:
    return random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing
