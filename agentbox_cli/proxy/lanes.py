"""How one attempt is made: the call to a link, up to its first content or its failure.

The direct lane sends the client's own bytes to a provider that speaks the same protocol; only the
model and the credentials are replaced.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agentbox_cli.providers.model import Protocol as Wire
from agentbox_cli.providers.resolved import Deployment
from agentbox_cli.proxy.answers import Answer, Reading, read_reply
from agentbox_cli.proxy.chain import Call
from agentbox_cli.proxy.classify import CompiledPattern, compile_patterns
from agentbox_cli.proxy.endpoints import Endpoint, provider_url
from agentbox_cli.proxy.headers import upstream_headers
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.request import Ask, body_for
from agentbox_cli.proxy.upstream import (
    AttemptFailed,
    Reply,
    Target,
    Upstream,
    timed_out,
)
from agentbox_cli.simulate.app import CHECK_HEADER


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request as a lane needs it.

    Args:
        request_id: the request's id, for idempotency and for tracing.
        endpoint: where the client sent it.
        ask: what it says.
        client: the client's headers, looked up without regard to case.
        quotas: told of the quota headers that come back.
        drill_check: the check that a drill belongs to; None outside drills.
    """

    request_id: str
    endpoint: Endpoint
    ask: Ask
    client: Mapping[str, str]
    quotas: Quotas
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
    _targets: dict[tuple[str, Wire], Target] = field(default_factory=dict)
    _patterns: dict[str, Sequence[CompiledPattern]] = field(default_factory=dict)

    async def call(self, call: Call, order: Order) -> Answer:
        """Call a link and wait for its answer's first content, or its whole unary answer.

        Raises:
            AttemptFailed: whatever came instead.
        """
        try:
            async with asyncio.timeout(call.timeout):
                return await self.answer(call, order.endpoint.protocol, order)
        except TimeoutError:
            raise AttemptFailed(timed_out(call.timeout)) from None

    async def answer(self, call: Call, protocol: Wire, order: Order) -> Answer:
        """As `call`, in any protocol and without a limit of time."""
        reading = Reading(
            protocol=protocol,
            patterns=self._patterns_of(call.link.deployment),
            stream=order.ask.stream,
            pause=call.link.stream_timeout,
        )
        reply = await self._post(call, protocol, order)
        try:
            return await read_reply(reply, reading)
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
        if order.drill_check is not None:
            headers[CHECK_HEADER] = order.drill_check
        reply = await self.upstream.post(
            self.target_of(deployment, protocol),
            headers,
            body_for(order.ask, link),
            fresh=call.fresh,
            connect_seconds=link.connect_timeout,
        )
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

    def _patterns_of(self, deployment: Deployment) -> Sequence[CompiledPattern]:
        name = deployment.provider.name
        if name not in self._patterns:
            self._patterns[name] = compile_patterns(deployment.provider.spec.error_patterns)
        return self._patterns[name]
