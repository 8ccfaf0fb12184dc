"""A provider's unary answer: whether it is one, and what it cost in tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.classify import CompiledPattern, classify_payload
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.jsontext import decode
from agentbox_cli.usage.record import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the body of a 200 holds.

    Args:
        failure: how it failed all the same; None if it answers.
        usage: the provider's usage object.
        response_id: the provider's id of this answer.
    """

    failure: Failure | None = None
    usage: dict[str, Any] | None = None
    response_id: str | None = None


class _Part(msgspec.Struct, gc=False):
    """An item of a payload; only an error in it is of interest."""

    error: Any = None


class _Body(msgspec.Struct, gc=False):
    id: Any = None
    type: Any = None
    status: Any = None
    usage: Any = None
    error: Any = None
    choices: list[_Part] | None = None
    content: list[_Part] | None = None
    output: list[_Part] | None = None
    data: list[_Part] | None = None


def read_answer(
    protocol: Protocol, body: bytes, patterns: Sequence[CompiledPattern] = ()
) -> Answer:
    """Read the body of a unary 200.

    Args:
        protocol: what it is written in; completions are chat.
        body: the bytes, decoded.
        patterns: the provider's own, for an error inside the 200.
    """
    told = decode(_BODIES, body)
    if told is None:
        return Answer(failure=_garbage(protocol, "is not an answer in JSON", body))
    if error := _error(told):
        passable = body if isinstance(told.error, dict) and not told.status else None
        failure = classify_payload({"error": error}, passable, patterns, protocol)
        return Answer(failure=failure, usage=_usage(told), response_id=_id(told))
    payload = _PAYLOAD[protocol]
    if getattr(told, payload) is None:
        return Answer(failure=_garbage(protocol, f"has no {payload!r}", body))
    return Answer(usage=_usage(told), response_id=_id(told))


_BODIES = msgspec.json.Decoder(_Body)
_PAYLOAD = {
    Protocol.OPENAI_CHAT: "choices",
    Protocol.OPENAI_EMBEDDINGS: "data",
    Protocol.OPENAI_RESPONSES: "output",
    Protocol.ANTHROPIC_MESSAGES: "content",
}


def _error(told: _Body) -> Any:
    if told.error:
        return told.error
    if told.status == "failed" or told.type == "error":
        return "the provider says that it failed, and not why"
    # OpenRouter puts it into the choice.
    return next((choice.error for choice in told.choices or () if choice.error), None)


def _garbage(protocol: Protocol, why: str, body: bytes) -> Failure:
    return Failure(
        kind=ErrorKind.SERVER,
        status=502,
        message=f"garbage: the body of the 200 {why} ({len(body)} bytes)",
        protocol=protocol,
    )


def _usage(told: _Body) -> dict[str, Any] | None:
    return told.usage if isinstance(told.usage, dict) else None


def _id(told: _Body) -> str | None:
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
