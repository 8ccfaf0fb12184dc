"""The litellm lane: LiteLLM translates, and its call comes back through the egress."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Protocol

import msgspec
from pydantic import SecretStr
from yarl import URL

from agentbox_cli.engine.process import EngineUnavailable
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.model import Protocol as Wire
from agentbox_cli.proxy.answers import (
    Answer,
    OpenStream,
    Reading,
    Spent,
    UnaryAnswer,
    read_reply,
)
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.echoes import without_echoes
from agentbox_cli.proxy.egress import ATTEMPT, Egress, Loop
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.engine_body import body_for_engine
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.lanes import Order
from agentbox_cli.proxy.marking import StreamMarker, marked
from agentbox_cli.proxy.shaping import ChatShaper, ResponsesShaper, shaped
from agentbox_cli.proxy.stream import StreamReader
from agentbox_cli.proxy.upstream import AttemptFailed, Target, Upstream, timed_out

# Beyond this a translated call is told to come back later.
WAIT_SECONDS = 30.0
# An engine that is up is waited for in microseconds.
NOTICEABLE_SECONDS = 0.1
SERVER_ERROR = 500
UNAVAILABLE = 503

# Only what LiteLLM's translation depends on; credentials and everything else stay here.
_TO_ENGINE = ("anthropic-version", "anthropic-beta", "openai-beta")


@dataclass(slots=True, kw_only=True)
class EngineLane:
    """Calls links through LiteLLM.

    Args:
        upstream: connections to LiteLLM's socket.
        egress: where LiteLLM's own call arrives.
        master_key: what LiteLLM asks of its callers.
        wait_ready: waits for LiteLLM; raises EngineUnavailable.
    """

    upstream: Upstream
    egress: Egress
    master_key: SecretStr
    wait_ready: Callable[[float], Awaitable[None]]

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link; raises AttemptFailed with what the provider really said."""
        waited = await self._until_ready(call)
        loop = self.egress.open(call, order)
        try:
            async with asyncio.timeout(call.timeout - waited):
                answer = await self._answer(call, order, loop)
        except TimeoutError:
            self.egress.close(loop)
            raise AttemptFailed(loop.failure or _too_late(call, waited)) from None
        except AttemptFailed as failed:
            self.egress.close(loop)
            raise AttemptFailed(_true_failure(loop, failed.failure)) from None
        except BaseException:
            self.egress.close(loop)
            raise
        endpoint = order.endpoint
        if not isinstance(answer, UnaryAnswer):
            mender = _mender(endpoint.protocol, answer.reader, loop)
            return EngineStream(inner=answer, loop=loop, egress=self.egress, mender=mender)
        self.egress.close(loop)
        whole = _whole(answer, loop)
        mend = marked if endpoint.is_anthropic else partial(shaped, protocol=endpoint.protocol)
        return msgspec.structs.replace(whole, body=mend(whole.body, model=loop.model))

    async def _until_ready(self, call: Call) -> float:
        """Wait for LiteLLM, and give the seconds that it took of the call's time."""
        began = time.monotonic()
        try:
            await self.wait_ready(min(WAIT_SECONDS, call.timeout))
        except EngineUnavailable as error:
            raise AttemptFailed(_engine_is_down(error)) from None
        return time.monotonic() - began

    async def _answer(self, call: Call, order: Order, loop: Loop) -> Answer:
        endpoint = order.endpoint
        headers = {name: order.client[name] for name in _TO_ENGINE if name in order.client}
        headers |= {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "authorization": f"Bearer {self.master_key.get_secret_value()}",
            ATTEMPT: loop.attempt,
        }
        body = body_for_engine(order.ask, call.link, endpoint.protocol)
        reply = await self.upstream.post(_target(endpoint), headers, body, fresh=call.fresh)
        reading = Reading(
            protocol=endpoint.protocol,
            patterns=(),
            stream=order.ask.stream,
            pause=call.link.stream_timeout,
            provider=call.link.deployment.provider,
        )
        try:
            answer = await read_reply(reply, reading)
        except AttemptFailed as failed:
            reply.close()
            raise AttemptFailed(without_echoes(failed.failure, reading.provider)) from None
        except BaseException:
            reply.close()
            raise
        if loop.failure is not None:
            reply.close()
            raise AttemptFailed(loop.failure)
        return answer


@dataclass(slots=True, kw_only=True)
class EngineStream:
    """A translated stream, whose end is judged by what the provider really sent."""

    inner: OpenStream
    loop: Loop
    egress: Egress
    mender: "_Mender"
    _first: bytes | None = None

    @property
    def status(self) -> int:
        """The status for the client."""
        return self.inner.status

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the client: the provider's, not LiteLLM's."""
        return _headers(self.inner.headers, self.loop)

    @property
    def first(self) -> bytes:
        """Everything up to and with the first content."""
        if self._first is None:  # it is mended once
            self._first = self.mender.take(self.inner.first)
        return self._first

    @property
    def reader(self) -> StreamReader:
        """What was seen of the translated stream."""
        return self.inner.reader

    @property
    def response_id(self) -> str | None:
        """LiteLLM's id of it."""
        return self.inner.response_id

    @property
    def spent(self) -> Spent:
        """What the provider reported; LiteLLM's own figures are estimates when it was cut."""
        return self.loop.spent or self.inner.spent

    async def rest(self) -> AsyncIterator[bytes]:
        """The whole events that follow; raises AttemptFailed when the stream breaks."""
        try:
            async for events in self.inner.rest():
                # Whatever follows a failure of the provider is made up.
                if self.loop.failure is None and (mended := self.mender.take(events)):
                    yield mended
        except AttemptFailed as failed:
            self.mender.take(b"")  # the end that is told now has the next number
            raise AttemptFailed(_true_failure(self.loop, failed.failure)) from None
        if self.loop.failure is not None:
            self.mender.take(b"")
            raise AttemptFailed(self.loop.failure)

    def close(self) -> None:
        """End the call, here and at the provider."""
        self.inner.close()
        self.egress.close(self.loop)


def _too_late(call: Call, waited: float) -> Failure:
    # A link that had only what the engine's start left of its time is not to blame.
    return replace(timed_out(call.timeout), ours=waited > NOTICEABLE_SECONDS)


class _Mender(Protocol):
    """Mends a translated stream while it passes."""

    def take(self, events: bytes) -> bytes:
        """The same events, mended."""


def _mender(protocol: Wire, reader: StreamReader, loop: Loop) -> _Mender:
    if protocol is Wire.ANTHROPIC_MESSAGES:
        return StreamMarker(model=loop.model)
    if protocol is Wire.OPENAI_RESPONSES:
        return ResponsesShaper(state=reader, model=loop.model, thoughts=loop.thoughts)
    return ChatShaper(model=loop.model)


def _whole(answer: UnaryAnswer, loop: Loop) -> UnaryAnswer:
    headers = _headers(answer.headers, loop)
    return msgspec.structs.replace(answer, headers=headers, spent=loop.spent or answer.spent)


def _headers(translated: dict[str, str], loop: Loop) -> dict[str, str]:
    told = {name: value for name, value in loop.headers.items() if name != "content-encoding"}
    return {**told, "content-type": translated.get("content-type", "application/json")}


def _true_failure(loop: Loop, seen: Failure) -> Failure:
    """The provider's failure where there was one; else LiteLLM refused or broke by itself."""
    if loop.failure is not None:
        return loop.failure
    broke = seen.status is None or seen.status >= SERVER_ERROR
    return replace(seen, ours=True, kind=ErrorKind.SERVER if broke else seen.kind)


def _engine_is_down(error: EngineUnavailable) -> Failure:
    return Failure(
        kind=ErrorKind.SERVER,
        status=UNAVAILABLE,
        message=error.message,
        retry_after=error.retry_after,
        sent=False,
        ours=True,
    )


@cache
def _target(endpoint: Endpoint) -> Target:
    # The host is only a name: the connection goes to the socket.
    return Target(url=URL(f"http://engine{endpoint.path}"))
