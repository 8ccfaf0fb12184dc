"""The published shapes of both protocols, as the SDKs' own models tell them, taken strictly.

The SDKs themselves are lenient: they build what they get without looking, and keep fields that
they do not know. Here nothing is converted, every required field has to be there, every value has
to be one of those that are published, and what is not published is named.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args

from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.raw_message_delta_event import Delta
from anthropic.types.shared import ErrorObject as AnthropicErrorObject
from openai.types import Completion, CompletionChoice
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.shared import ErrorObject
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agentbox_cli.providers.model import Protocol

# What may be null but has to be there. The Python models do not tell this from what may be
# missing; the types of the SDKs for TypeScript do.
PRESENT: Mapping[type[BaseModel], tuple[str, ...]] = {
    Choice: ("logprobs",),
    ChunkChoice: ("finish_reason",),
    ChatCompletionMessage: ("content", "refusal"),
    CompletionChoice: ("logprobs",),
    Delta: ("stop_reason", "stop_sequence"),
    ErrorObject: ("code", "param"),
    Message: ("stop_reason", "stop_sequence"),
    Response: (
        "error",
        "incomplete_details",
        "instructions",
        "metadata",
        "temperature",
        "top_p",
    ),
}
# OpenAI sends it with each response; its models do not know it.
BESIDE = frozenset({"store", "response.store"})


class StreamedChoice(CompletionChoice):
    """One of a stream of completions: until the last it has no reason, whatever the model says."""

    finish_reason: Literal["stop", "length", "content_filter"] | None = None  # type: ignore[assignment] # as OpenAI sends it


class StreamedCompletion(Completion):
    """A chunk of a stream of completions."""

    choices: list[StreamedChoice]  # type: ignore[assignment] # as above


class Ping(BaseModel):
    """Anthropic's event that says nothing; its SDKs skip it."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["ping"]


class OpenAIError(BaseModel):
    """An error body of OpenAI."""

    model_config = ConfigDict(extra="allow")
    error: ErrorObject


class TooLarge(BaseModel):
    """Anthropic's documented error for a 413, which its models do not know."""

    model_config = ConfigDict(extra="allow")
    type: Literal["request_too_large"]
    message: str


class AnthropicError(BaseModel):
    """An error body, or an event, of Anthropic."""

    model_config = ConfigDict(extra="allow")
    type: Literal["error"]
    error: AnthropicErrorObject | TooLarge
    request_id: str | None = None


_EVENTS = {
    Protocol.OPENAI_RESPONSES: ResponseStreamEvent,
    Protocol.ANTHROPIC_MESSAGES: RawMessageStreamEvent,
}


def error_shape(protocol: Protocol) -> type[BaseModel]:
    """The shape of error bodies."""
    return AnthropicError if protocol is Protocol.ANTHROPIC_MESSAGES else OpenAIError


def event_shape(protocol: Protocol, data: bytes) -> Any:
    """The shape of an event, which its `type` names: the faults of all others say nothing."""
    told = json.loads(data)
    name = told.get("type")
    if name == "ping":
        return Ping
    if name == "error" or (protocol is Protocol.OPENAI_CHAT and "error" in told):
        return error_shape(protocol)
    if protocol is Protocol.OPENAI_CHAT:
        text = told["object"] == "text_completion"
        return StreamedCompletion if text else ChatCompletionChunk
    known = get_args(get_args(_EVENTS[protocol])[0])
    named = (each for each in known if name in get_args(each.model_fields["type"].annotation))
    return next(named, _EVENTS[protocol])


def faults(shape: Any, body: bytes, beside: frozenset[str] = BESIDE) -> list[str]:
    """What is wrong with a body, place by place; empty if it has its published shape.

    Args:
        shape: a model, or a union of models.
        body: JSON, as it came.
        beside: fields that may be there though they are not published, as `a.b`.
    """
    try:
        found = _adapter(shape).validate_json(body, strict=True)
    except ValidationError as error:
        return sorted({f"{_place(each['loc'])}: {each['msg']}" for each in _telling(error)})
    told = dict.fromkeys(_faults_of(found))
    return [each for each in told if each.removesuffix(NOT_PUBLISHED) not in beside]


NOT_PUBLISHED = ": not published"


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _telling(error: ValidationError) -> list[Any]:
    """The errors without those of a union's members that are of another `type`."""
    all_errors = error.errors()
    others = {each["loc"][:-1] for each in all_errors if each["loc"][-1:] == ("type",)}
    fitting = [
        each
        for each in all_errors
        if not any(each["loc"][: len(other)] == other for other in others)
    ]
    return fitting or all_errors


def _place(steps: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in steps)


def _faults_of(value: Any, place: str = "") -> Iterator[str]:
    """What is there and should not be, and the reverse; lists have no numbers."""
    if isinstance(value, list):
        for item in value:
            yield from _faults_of(item, place)
    if isinstance(value, BaseModel):
        yield from (f"{place}{name}{NOT_PUBLISHED}" for name in value.model_extra or ())
        present = PRESENT.get(type(value), ())
        yield from (f"{place}{n}: missing" for n in present if n not in value.model_fields_set)
        for name in type(value).model_fields:
            yield from _faults_of(getattr(value, name), f"{place}{name}.")


def faults_of_stream(
    protocol: Protocol, stream: bytes, beside: frozenset[str] = BESIDE
) -> set[str]:
    """What is wrong with a stream of events, and with its frame."""
    found: set[str] = set()
    numbers = []
    *events, rest = stream.split(b"\n\n")
    if rest:
        found.add(f"the last event has no end: {rest!r}")
    for event in events:
        name, data = _name_and_data(event)
        if data in {b"[DONE]", b""}:
            found |= _faults_of_mark(protocol, data, last=event is events[-1])
            continue
        told = json.loads(data)
        kind = told.get("type", "chunk")
        found |= {f"{kind}: {each}" for each in faults(event_shape(protocol, data), data, beside)}
        if protocol is not Protocol.OPENAI_CHAT and name != kind:
            found.add(f"{kind}: its event is named {name!r}")
        numbers.append(told.get("sequence_number"))
    if protocol is Protocol.OPENAI_RESPONSES and numbers != list(range(len(numbers))):
        found.add(f"events are numbered {numbers}")
    return found


def _name_and_data(event: bytes) -> tuple[str, bytes]:
    lines = dict(line.partition(b": ")[::2] for line in event.splitlines())
    return lines.get(b"event", b"").decode(), lines.get(b"data", b"")


def _faults_of_mark(protocol: Protocol, data: bytes, *, last: bool) -> set[str]:
    if not data:
        return set()  # a comment
    fits = protocol is Protocol.OPENAI_CHAT and last
    return set() if fits else {"[DONE] where none belongs"}
