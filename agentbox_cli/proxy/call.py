"""What a request asks of the links of its chain, and one call of a link."""

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.cooldown import NO_PROBE, Probe


class Needs(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request asks of a link.

    Args:
        protocol: what the client speaks.
        capabilities: of `tools` and `vision`, what the request uses.
        input_tokens: a low estimate of the prompt's tokens; 0 if not estimated.
        repeatable: whether it may be sent again once it may have been processed.
        untranslated: whether only a provider that speaks the protocol itself can serve it.
        pinned: the numbers of the links that may serve it; None for any.
    """

    protocol: Protocol
    capabilities: frozenset[str] = frozenset()
    input_tokens: int = 0
    repeatable: bool = True
    untranslated: bool = False
    pinned: frozenset[int] | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Call this link, after a pause of `delay` seconds, and give it `timeout` seconds.

    Args:
        link: whom to call.
        number: the attempt's number within the request, from 1.
        delay: seconds to wait before.
        timeout: seconds until its first content, or for a unary call its whole answer.
        whole_timeout: whether that is (nearly) all the time this link may have, and not a rest of
            the whole chain's time that says nothing about the link.
        probe: what it holds of the link's probe.
        fresh: whether it must not reuse a connection.
    """

    link: Link
    number: int
    delay: float = 0.0
    timeout: float
    whole_timeout: bool = True
    probe: Probe = NO_PROBE
    fresh: bool = False
