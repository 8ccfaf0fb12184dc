"""How one attempt is made: the call to a link, up to its first content or its failure.

The direct lane sends the client's own bytes to a provider that speaks the same protocol; only the
model and the credentials are replaced, and chat streams are asked for their token counts.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.model import Protocol as Wire
from agentbox_cli.providers.resolved import Deployment, ResolvedProvider
from agentbox_cli.proxy.answers import Answer, Reading, half_read_error, read_reply
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.classify import CompiledPattern, compile_patterns
from agentbox_cli.proxy.echoes import without_echoes
from agentbox_cli.proxy.endpoints import Endpoint, path_at, provider_url
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.google_paths import place_of
from agentbox_cli.proxy.headers import upstream_headers
from agentbox_cli.proxy.opaque import read_opaque
from agentbox_cli.proxy.patience import Within
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.refused import without_what_was_refused
from agentbox_cli.proxy.request import Ask, body_for
from agentbox_cli.proxy.upstream import (
    AttemptFailed,
    Outgoing,
    Reply,
    Target,
    Upstream,
    timed_out,
)
from agentbox_cli.simulate.app import CHECK_HEADER

METHOD_NOT_ALLOWED = 405


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as a lane needs it.

    Args:
        request_id: the request's id, for idempotency and for tracing.
        endpoint: where the client sent it.
        ask: what it says.
        client: the client's headers, looked up without regard to case.
        quotas: told of the quota headers that come back.
        query: what followed the `?` of the path, as it came.
        drill_check: the check that a drill belongs to; None outside drills.
    """

    request_id: str
    endpoint: Endpoint
    ask: Ask
    client: Mapping[str, str]
    quotas: Quotas
    query: str = ""
    drill_check: str | None = None


class LaneCaller(Protocol):
    """A way to make an attempt."""

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link; raises AttemptFailed."""


@dataclass(slots=True)
class DirectLane:
    """Calls providers in the client's own protocol.

    Args:
        upstream: the connections.
        addresses: where providers are that the daemon serves itself.
    """

    upstream: Upstream
    addresses: Mapping[str, str] = field(default_factory=dict)
    _uncounted: set[str] = field(default_factory=set)
    _targets: dict[tuple[str, Wire, str | None], Target] = field(default_factory=dict)
    _patterns: dict[str, Sequence[CompiledPattern]] = field(default_factory=dict)

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link and wait for its answer's first content, or its whole unary answer.

        Raises:
            AttemptFailed: whatever came instead.
        """
        try:
            with Within(call.timeout):
                return await self.answer(call, order.endpoint.protocol, order, hide_usage=True)
        except TimeoutError:
            raise AttemptFailed(half_read_error() or timed_out(call.timeout)) from None

    async def answer(
        self, call: Call, protocol: Wire, order: Order, *, hide_usage: bool = False
    ) -> Answer:
        """As `call`, in any protocol and without a limit of time.

        Args:
            call: whom to call, and how.
            protocol: what the provider is asked in.
            order: what is asked.
            hide_usage: whether token counts that were not asked for are kept back.
        """
        if order.endpoint.is_side:
            return await self._side(call, protocol, order, hide_usage=hide_usage)
        try:
            return await self._counted(call, protocol, order, hide_usage=hide_usage)
        except AttemptFailed as failed:
            plain = without_what_was_refused(order.ask, protocol, failed.failure)
            if plain is None:
                raise
        # Nothing was done and nothing was charged: the request was refused as it was.
        plainer = msgspec.structs.replace(order, ask=plain)
        return await self._counted(call, protocol, plainer, hide_usage=hide_usage)

    async def _side(self, call: Call, protocol: Wire, order: Order, *, hide_usage: bool) -> Answer:
        try:
            if order.endpoint.opaque:
                return await self._once(call, protocol, order)
            return await self._counted(call, protocol, order, hide_usage=hide_usage)
        except AttemptFailed as failed:
            raise AttemptFailed(_of_endpoint(failed.failure)) from None

    async def _counted(
        self, call: Call, protocol: Wire, order: Order, *, hide_usage: bool
    ) -> Answer:
        """Make the call, asking a chat stream for its token counts."""
        deployment = call.link.deployment
        counted = None if deployment.name in self._uncounted else ask_for_usage(order.ask)
        if protocol is not Wire.OPENAI_CHAT or counted is None or not _counts(deployment):
            return await self._once(call, protocol, order)
        try:
            asking = msgspec.structs.replace(order, ask=counted)
            return await self._once(call, protocol, asking, hide_usage=hide_usage)
        except AttemptFailed as failed:
            if not _refuses_usage(failed.failure):
                raise
        self._uncounted.add(deployment.name)
        return await self._once(call, protocol, order)

    async def _once(
        self, call: Call, protocol: Wire, order: Order, *, hide_usage: bool = False
    ) -> Answer:
        reading = Reading(
            protocol=protocol,
            patterns=self._patterns_of(call.link.deployment),
            stream=order.ask.stream,
            pause=call.link.stream_timeout,
            hide_usage=hide_usage,
            provider=call.link.deployment.provider,
        )
        reply = await self._post(call, protocol, order)
        try:
            if order.endpoint.opaque:
                return await read_opaque(reply, reading)
            return await read_reply(reply, reading)
        except AttemptFailed as failed:
            reply.close()
            raise AttemptFailed(without_echoes(failed.failure, reading.provider)) from None
        except BaseException:
            reply.close()
            raise

    async def _post(self, call: Call, protocol: Wire, order: Order) -> Reply:
        link = call.link
        deployment = link.deployment
        headers = upstream_headers(
            order.client,
            deployment.provider,
            protocol,
            stream=order.ask.stream,
            idempotency_key=f"{order.request_id}-{link.number}",
        )
        if order.ask.form is not None:
            headers["content-type"] = order.client["content-type"]
        if order.drill_check is not None:
            headers[CHECK_HEADER] = order.drill_check
        target = self.target_of(deployment, protocol, _place(deployment, protocol, order))
        outgoing = Outgoing(
            "POST",
            target.asking(order.query) if order.query else target,
            headers,
            body_for(order.ask, link),
        )
        reply = await self.upstream.send(
            outgoing, fresh=call.fresh, connect_seconds=link.connect_timeout
        )
        order.quotas.observe(deployment, reply.headers, time.time())
        return reply

    async def send(  # noqa: PLR0913 - a call has these parts
        self,
        provider: ResolvedProvider,
        protocol: Wire,
        *,
        method: str,
        path: str,
        client: Mapping[str, str],
        body: bytes,
        seconds: float,
    ) -> Reply:
        """Call any path of a provider, as it is called here; raises AttemptFailed."""
        headers = upstream_headers(client, provider, protocol, stream=False, idempotency_key="")
        headers.pop("content-type")
        if not client.get("idempotency-key"):
            headers.pop("idempotency-key", None)
        if body and "content-type" in client:
            headers["content-type"] = client["content-type"]
        target = Target.of(path_at(self._base_of(provider), protocol, path))
        try:
            with Within(seconds):
                return await self.upstream.send(Outgoing(method, target, headers, body))
        except TimeoutError:
            raise AttemptFailed(timed_out(seconds)) from None

    def _base_of(self, provider: ResolvedProvider) -> str:
        base = self.addresses.get(provider.name) or provider.api_base
        if base is None:
            raise LookupError(f"provider {provider.name} has no address")
        return base

    def target_of(self, deployment: Deployment, protocol: Wire, at: str | None = None) -> Target:
        """Where calls to a deployment go."""
        name = deployment.provider.name
        target = self._targets.get((name, protocol, at))
        if target is None:
            base = self._base_of(deployment.provider)
            target = Target.of(provider_url(base, protocol, at))
            self._targets[name, protocol, at] = target
        return target

    def _patterns_of(self, deployment: Deployment) -> Sequence[CompiledPattern]:
        name = deployment.provider.name
        if name not in self._patterns:
            self._patterns[name] = compile_patterns(deployment.provider.spec.error_patterns)
        return self._patterns[name]


def _place(deployment: Deployment, protocol: Wire, order: Order) -> str | None:
    """What follows the provider's address, where the protocol alone does not say it."""
    if protocol is not Wire.GOOGLE_GENERATE:
        return order.endpoint.at
    return place_of(deployment.model.id, order.endpoint, stream=order.ask.stream)


def ask_for_usage(ask: Ask) -> Ask | None:
    """The same request asking for token counts; None if it does, is no stream, or is odd."""
    if not ask.stream:
        return None
    try:
        options = _decode_options(ask.told.get("stream_options", b"null")) or {}
    except ValueError:
        return None  # the provider will say what is wrong with it
    if options.get("include_usage") is True:
        return None
    return ask.telling("stream_options", {**options, "include_usage": True})


_decode_options = msgspec.json.Decoder(dict[str, Any] | None).decode


def _counts(deployment: Deployment) -> bool:
    return deployment.provider.spec.stream_usage


def _of_endpoint(failure: Failure) -> Failure:
    """A provider without this endpoint is well: it must not be left alone for that."""
    if failure.kind is not ErrorKind.NOT_FOUND and failure.status != METHOD_NOT_ALLOWED:
        return failure
    return replace(failure, kind=ErrorKind.UNSUPPORTED)


def _refuses_usage(failure: Failure) -> bool:
    named = b"stream_options" in (failure.body or b"") or "stream_options" in failure.message
    return failure.status in {400, 422} and named
