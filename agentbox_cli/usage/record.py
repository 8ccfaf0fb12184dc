"""The record of one request and its calls: what the usage store keeps.

Structs of msgspec rather than dataclasses: frozen as well, and made in a tenth of the time, which
counts in what happens on every call (measured).
"""

from typing import Any

import msgspec

from agentbox_cli.providers.pricing import Counts


class Tokens(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Token counts as the provider reported them; None where it did not."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_written: int | None = None
    reasoning: int | None = None


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call to one link, ended.

    Args:
        attempt: counts from 1 within the request.
        at: when it began, in seconds since the epoch.
        link: the link's place in the chain, from 1.
        provider, model: the deployment that was called.
        lane: `direct` or `litellm`.
        status: the provider's HTTP status; None if there was no answer.
        kind: how it failed; empty if it did not.
        complete: whether the answer ended as its protocol says.
        cancelled: whether the client went away first.
        maybe_charged: whether it may have cost money without a whole answer.
        elapsed_ms: until the answer, or the failure, was complete.
        first_content_ms: until the first content; None if there was none.
        counts: the tokens, by how they are charged.
        counted: whether the provider reported any.
        tier: the service tier that answered; empty for the usual one.
        raw_usage: the provider's own usage object.
    """

    attempt: int
    at: float
    link: int
    provider: str
    model: str
    lane: str
    status: int | None
    kind: str
    complete: bool
    cancelled: bool
    maybe_charged: bool
    elapsed_ms: float
    first_content_ms: float | None
    counts: Counts
    counted: bool
    tier: str
    raw_usage: dict[str, Any] | None


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request that went down a chain, ended.

    Args:
        request_id: `x-agentbox-request-id`.
        at: when it arrived, in seconds since the epoch.
        alias: whose chain it went down.
        asked: the model that it named.
        endpoint: the path that the client called.
        stream: whether it asked for a stream.
        status: what the client got; 0 if it left before.
        outcome: `answered`, `failed`, `cut` or `cancelled`.
        served_by: who answered, as provider/model; empty if nobody did.
        first_link: the first link of its chain, as provider/model.
        fell_back: whether another link than the first one answered.
        elapsed_ms: from its arrival to its end.
        first_content_ms: from its arrival to the first content; None if there was none.
        caller: who asked: a client token's name, or the family of the user agent.
        project: what it was asked for, as the caller says; empty if it does not.
        pid, process: the caller's process, where it is known.
        calls: the calls to links, in their order.
    """

    request_id: str
    at: float
    alias: str
    asked: str
    endpoint: str
    stream: bool
    status: int
    outcome: str
    served_by: str
    first_link: str
    fell_back: bool
    elapsed_ms: float
    first_content_ms: float | None
    caller: str
    project: str
    pid: int | None
    process: str | None
    calls: tuple[CallRecord, ...]
