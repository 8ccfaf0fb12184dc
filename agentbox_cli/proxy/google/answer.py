"""A chat's answer in Google's words."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.google.told import Told, object_in, objects_in, text_in
from agentbox_cli.usage.counting import counts_of

_decode = msgspec.json.Decoder(Told).decode
_encode = msgspec.json.Encoder().encode

_REASONS = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "function_call": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
}
# Google's own name for arguments that are no JSON object; its clients ask again then.
_MALFORMED = "MALFORMED_FUNCTION_CALL"


def answer_of(body: bytes, spent: Spent, *, thoughts: bool) -> bytes:
    """A whole answer.

    Args:
        body: of the chat's answer, decoded.
        spent: what it has cost.
        thoughts: whether the client wants to see what the model thinks.

    Raises:
        ValueError: the body is no JSON object.
    """
    told = _decode(body)
    candidates = [_candidate(choice, thoughts=thoughts) for choice in objects_in(told, "choices")]
    return _encode(
        {
            "candidates": candidates,
            **usage_of(spent),
            **named(told),
        }
    )


def _candidate(choice: Told, *, thoughts: bool) -> Told:
    message = object_in(choice, "message")
    parts = [*spoken(message, thoughts=thoughts)]
    calls = [called(each) for each in objects_in(message, "tool_calls")]
    index = choice.get("index")
    return ended(index if isinstance(index, int) else 0, parts, calls, choice.get("finish_reason"))


def ended(index: int, parts: Iterable[Told], calls: Iterable[Told | None], reason: Any) -> Told:
    """A candidate that is whole, or the end of one.

    Args:
        index: which of the answers it is.
        parts: what it says besides.
        calls: the calls of tools; None for one that cannot be read.
        reason: why it ended, in a chat's words.
    """
    every = list(calls)
    told = [*parts, *(call for call in every if call is not None)]
    why = _MALFORMED if None in every else _REASONS.get(str(reason), "OTHER")
    content = {"role": "model", "parts": told or [{"text": ""}]}
    return {"content": content, "finishReason": why, "index": index}


def spoken(message: Told, *, thoughts: bool) -> Iterator[Told]:
    """The parts of a message, or of a piece of one, that are text."""
    thought = text_in(message, "reasoning_content") or text_in(message, "reasoning")
    if thought and thoughts:
        yield {"text": thought, "thought": True}
    if text := _text(message.get("content")) or text_in(message, "refusal"):
        yield {"text": text}


def _text(content: Any) -> str:
    """A text, or the texts of a list of parts, as some providers have it."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(text_in(part, "text") for part in parts if isinstance(part, dict))


def called(call: Told) -> Told | None:
    """A call of a tool; None if its arguments are no JSON object."""
    function = object_in(call, "function")
    arguments = function.get("arguments") or "{}"
    try:
        args = json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return None
    if not isinstance(args, dict):
        return None
    made: Told = {"name": text_in(function, "name"), "args": args}
    if call_id := text_in(call, "id"):
        made["id"] = call_id
    return {"functionCall": made}


def usage_of(spent: Spent) -> Told:
    """The token counts, as Google names them; nothing if the provider reported none."""
    counts = counts_of(spent.protocol, spent.usage)
    if counts is None:
        return {}
    prompt = counts.fresh + counts.cached + counts.written + counts.written_1h
    usage = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": counts.output - counts.reasoning,
        "totalTokenCount": prompt + counts.output,
    }
    if counts.cached:
        usage["cachedContentTokenCount"] = counts.cached
    if counts.reasoning:
        usage["thoughtsTokenCount"] = counts.reasoning
    return {"usageMetadata": usage}


def named(told: Told) -> Told:
    """Who answers, and the answer's id."""
    found = {"modelVersion": text_in(told, "model"), "responseId": text_in(told, "id")}
    return {name: text for name, text in found.items() if text}
