"""A provider's unary answer: whether it is one, and what it cost in tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.classify import CompiledPattern, classify_payload
from agentbox_cli.proxy.errortext import redact_body
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.finish import declined, declined_failure
from agentbox_cli.proxy.jsontext import decode
from agentbox_cli.proxy.payload import BODIES, Body, Chat
from agentbox_cli.usage.record import Tokens


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the body of a 200 holds.

    Args:
        failure: how it failed all the same; None if it answers.
        usage: the provider's usage object.
        tier: the service tier that answered, where it stands beside the usage object.
        response_id: the provider's id of this answer.
    """

    failure: Failure | None = None
    usage: dict[str, Any] | None = None
    tier: Any = None
    response_id: str | None = None


def read_answer(
    protocol: Protocol, body: bytes, patterns: Sequence[CompiledPattern] = ()
) -> Answer:
    """Read the body of a unary 200.

    Args:
        protocol: what it is written in; completions are chat.
        body: the bytes, decoded.
        patterns: the provider's own, for an error inside the 200.
    """
    told = decode(BODIES[protocol], body)
    if told is None:
        return Answer(failure=_garbage(protocol, "is not an answer in JSON", body))
    if error := _error(told):
        is_object = isinstance(told.error, dict) or told.object == "error"
        passable = redact_body(body) if is_object and not told.status else None
        failure = classify_payload({"error": error}, passable, patterns, protocol)
        return Answer(failure=failure, usage=_usage(told), response_id=_id(told))
    if missing := told.lacks():
        return Answer(failure=_garbage(protocol, f"has no {missing!r}", body))
    return Answer(
        failure=_declined(told, protocol, body),
        usage=_usage(told),
        tier=told.service_tier,
        response_id=_id(told),
    )


JSON = "application/json"


def _declined(told: Body, protocol: Protocol, body: bytes) -> Failure | None:
    reason = told.stopped()
    if declined(reason) is None:
        return None
    return declined_failure(reason, protocol, redact_body(body), JSON)


def _error(told: Body) -> Any:
    if told.error:
        return told.error
    if told.status == "failed" or told.type == "error":
        return "the provider says that it failed, and not why"
    if told.object == "error":  # vLLM's flat form
        return {"message": told.message, "type": told.type, "code": told.code}
    # OpenRouter puts it into the choice.
    for choice in (told.choices or ()) if isinstance(told, Chat) else ():
        if error := choice.failed():
            return error
    return None


def _garbage(protocol: Protocol, why: str, body: bytes) -> Failure:
    return Failure(
        kind=ErrorKind.SERVER,
        status=502,
        message=f"garbage: the body of the 200 {why} ({len(body)} bytes)",
        protocol=protocol,
    )


def _usage(told: Body) -> dict[str, Any] | None:
    return told.usage if isinstance(told.usage, dict) else None


def _id(told: Body) -> str | None:
    return told.id if isinstance(told.id, str) else None


def tokens_of(protocol: Protocol, usage: Mapping[str, Any] | None) -> Tokens:
    """Read the counts of a usage object, unary or streamed, as they were reported.

    Anthropic's input does not hold the cached tokens, OpenAI's does.
    """
    if not usage:
        return Tokens()
    return Tokens(**{name: _count(usage, tried) for name, tried in _COUNTS[protocol].items()})


# Where each count stands: the ways that are tried, each one key after the other.
_Ways = Mapping[str, tuple[tuple[str, ...], ...]]

_CHAT_COUNTS: _Ways = {
    "input": (("prompt_tokens",),),
    "output": (("completion_tokens",),),
    "cached": (("prompt_tokens_details", "cached_tokens"), ("prompt_cache_hit_tokens",)),
    "cache_written": (("prompt_tokens_details", "cache_creation_tokens"),),
    "reasoning": (("completion_tokens_details", "reasoning_tokens"),),
}
_COUNTS: Mapping[Protocol, _Ways] = {
    Protocol.OPENAI_CHAT: _CHAT_COUNTS,
    Protocol.OPENAI_EMBEDDINGS: _CHAT_COUNTS,
    Protocol.OPENAI_RESPONSES: {
        "input": (("input_tokens",),),
        "output": (("output_tokens",),),
        "cached": (("input_tokens_details", "cached_tokens"),),
        "reasoning": (("output_tokens_details", "reasoning_tokens"),),
    },
    Protocol.ANTHROPIC_MESSAGES: {
        "input": (("input_tokens",),),
        "output": (("output_tokens",),),
        "cached": (("cache_read_input_tokens",),),
        "cache_written": (("cache_creation_input_tokens",),),
    },
    Protocol.GOOGLE_GENERATE: {
        "input": (("promptTokenCount",),),
        "output": (("candidatesTokenCount",),),
        "cached": (("cachedContentTokenCount",),),
        "reasoning": (("thoughtsTokenCount",),),
    },
}


def _count(usage: Mapping[str, Any], tried: tuple[tuple[str, ...], ...]) -> int | None:
    for way in tried:
        value: Any = usage
        for step in way:
            value = value.get(step) if isinstance(value, dict) else None
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and value >= 0:
            return value
    return None
