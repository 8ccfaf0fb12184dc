"""The way back: LiteLLM translates a call, and the proxy makes the provider's call itself.

LiteLLM's deployments point here instead of at providers. So it holds no provider key and opens no
outside connection, and the proxy sees the true status, headers, usage and completeness, which
LiteLLM would garble: 413 becomes 429, 422 becomes a 200 with `null`, Retry-After and quota headers
vanish, a truncated stream gets a made-up happy end (measured).
"""

import asyncio
import hmac
import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from pydantic import SecretStr

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.answers import OpenStream, Spent, UnaryAnswer
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.crossing import chat_of_litellm
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.http_server import Server
from agentbox_cli.proxy.lanes import DirectLane, Order
from agentbox_cli.proxy.request import Ask, BadBody, read_ask
from agentbox_cli.proxy.signed import SignedThoughts
from agentbox_cli.proxy.strangers import Strangers, most_by_files
from agentbox_cli.proxy.upstream import AttemptFailed
from agentbox_cli.proxy.wire import error_body

ATTEMPT = "x-agentbox-attempt"
# LiteLLM has ended before, so nobody waits for an answer any more.
SHUTDOWN_SECONDS = 1.0

# What LiteLLM is told of any failure. The true one is kept beside; with most other statuses
# LiteLLM does things of its own, with this one it only gives up (measured).
FAILED = 424

_PROTOCOLS = {
    "/chat/completions": Protocol.OPENAI_CHAT,
    "/embeddings": Protocol.OPENAI_EMBEDDINGS,
    "/responses": Protocol.OPENAI_RESPONSES,
    "/messages": Protocol.ANTHROPIC_MESSAGES,
}
# Taken from the client, because LiteLLM speaks in its own name; the rest of a provider call's
# headers is what LiteLLM found right for its translation.
_OF_CLIENT = ("user-agent", "idempotency-key", "x-client-request-id")
_OF_ENGINE = ("accept", "anthropic-version", "anthropic-beta", "openai-beta")


@dataclass(slots=True, kw_only=True)
class Loop:
    """One attempt on its way through LiteLLM and back: what the provider really said.

    Args:
        attempt: names it in LiteLLM's request.
        call, order: what is attempted.
        called: whether LiteLLM came back at all.
        failure: how the provider failed.
        spent: what the provider reported.
        headers: those of the provider's answer that clients get.
        model: who answered, in the provider's words; None if it did not say.
        thoughts: what of a stream the provider has signed.
    """

    attempt: str
    call: Call
    order: Order
    called: bool = False
    failure: Failure | None = None
    spent: Spent | None = None
    headers: dict[str, str] = field(default_factory=dict)
    model: str | None = None
    thoughts: SignedThoughts = field(default_factory=SignedThoughts)
    task: asyncio.Task[Any] | None = None


class Egress:
    """The listener that LiteLLM calls.

    Args:
        direct: makes the provider calls.
    """

    def __init__(self, direct: DirectLane) -> None:
        self.secret = SecretStr(secrets.token_urlsafe(32))
        self._secret = self.secret.get_secret_value().encode()
        self._direct = direct
        self._loops: dict[str, Loop] = {}
        self._strangers = Strangers(most_by_files())
        self._runner: web.ServerRunner | None = None

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1 and return the address."""
        server = Server(self._serve, self._strangers)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        bound = socket.create_server(("127.0.0.1", 0))
        bound.setblocking(False)  # noqa: FBT003 - the signature is Python's
        await web.SockSite(self._runner, bound).start()
        return f"http://127.0.0.1:{bound.getsockname()[1]}"

    async def stop(self) -> None:
        """Close the listener."""
        if self._runner is not None:
            await self._runner.cleanup()

    def open(self, call: Call, order: Order) -> Loop:
        """Expect LiteLLM to come back for an attempt."""
        loop = Loop(attempt=secrets.token_hex(12), call=call, order=order)
        self._loops[loop.attempt] = loop
        return loop

    def close(self, loop: Loop) -> None:
        """Expect it no more; a provider call that is still under way is cancelled."""
        self._loops.pop(loop.attempt, None)
        if loop.task is not None and not loop.task.done():
            loop.task.cancel()

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        if not self._knows_the_secret(http.headers):
            return _refusal(None, 401, "this port is not for you")
        self._strangers.known(http.protocol)
        loop = self._loops.get(http.headers.get(ATTEMPT, ""))
        protocol = _protocol_of(http.path)
        if loop is None or protocol is None or http.method != "POST":
            return _refusal(protocol, 404, "no such attempt")
        if loop.called:
            # LiteLLM must not repeat calls by itself: each one may be paid.
            return _refusal(protocol, FAILED, "an attempt makes one call")
        try:
            ask = read_ask(await http.content.read())
        except BadBody as error:
            return _refusal(protocol, 400, str(error))
        loop.called, loop.task = True, asyncio.current_task()
        try:
            return await self._relay(http, loop, ask, protocol)
        except AttemptFailed as failed:
            loop.failure = failed.failure
            return _refusal(protocol, FAILED, failed.failure.message)

    def _knows_the_secret(self, headers: Mapping[str, str]) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        offered = token if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        return hmac.compare_digest(offered.encode("utf-8", "surrogatepass"), self._secret)

    async def _relay(
        self, http: web.BaseRequest, loop: Loop, ask: Ask, protocol: Protocol
    ) -> web.StreamResponse:
        if protocol is Protocol.OPENAI_CHAT:
            ask = chat_of_litellm(ask)
        order = _provider_order(loop.order, ask, http.headers)
        answer = await self._direct.answer(loop.call, protocol, order)
        loop.headers = answer.headers
        if isinstance(answer, UnaryAnswer):
            loop.spent, loop.model = answer.spent, _named_in(answer.body)
            return web.Response(body=answer.body, headers=_of_body(answer))
        loop.model = answer.reader.model
        sees = loop.thoughts.take if protocol is Protocol.ANTHROPIC_MESSAGES else _nothing
        return await _relay_stream(http, loop, answer, sees)


class _Named(msgspec.Struct, gc=False):
    model: str | None = None


_decode_name = msgspec.json.Decoder(_Named).decode


def _named_in(body: bytes) -> str | None:
    """Who answers by the body of an answer; None where that cannot be read."""
    try:
        return _decode_name(body).model
    except ValueError:
        return None


def _of_body(answer: UnaryAnswer) -> dict[str, str]:
    encoding = answer.headers.get("content-encoding")
    told = {} if encoding is None else {"content-encoding": encoding}
    return told | {"content-type": "application/json"}


def _nothing(events: bytes) -> None:
    """See nothing in events that hold no signed thoughts."""


async def _relay_stream(
    http: web.BaseRequest, loop: Loop, answer: OpenStream, sees: Callable[[bytes], None]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    try:
        await response.prepare(http)
        sees(answer.first)
        await response.write(answer.first)
        async for events in answer.rest():
            sees(events)  # before LiteLLM does
            await response.write(events)
    except AttemptFailed as failed:
        # Only a broken connection keeps LiteLLM from making up a happy end (measured).
        loop.failure = failed.failure
        if http.transport is not None:
            http.transport.abort()
    finally:
        loop.spent = answer.spent
        answer.close()
    return response


def _provider_order(order: Order, ask: Ask, engine: Mapping[str, str]) -> Order:
    headers = {name: order.client[name] for name in _OF_CLIENT if name in order.client}
    headers |= {name: engine[name] for name in _OF_ENGINE if name in engine}
    return msgspec.structs.replace(order, ask=ask, client=headers, query="")


def _protocol_of(path: str) -> Protocol | None:
    for ending, protocol in _PROTOCOLS.items():
        if path.endswith(ending):
            return protocol
    return None


def _refusal(protocol: Protocol | None, status: int, message: str) -> web.Response:
    body = error_body(protocol or Protocol.OPENAI_CHAT, status, None, message)
    return web.Response(status=status, body=body, content_type="application/json")
