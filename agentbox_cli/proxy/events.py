"""What one stream event means, by protocol.

Content is what a client can show or act upon; everything before it can be held back, and a failure
there stays invisible. A stream ends with its protocol's own marker, never with its bytes. Which
event is which was measured with the clients of each protocol.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.finish import broke_off, declined
from agentbox_cli.proxy.jsontext import decode
from agentbox_cli.proxy.payload import blocked_by, reason_of
from agentbox_cli.proxy.sealed import sealed_in
from agentbox_cli.proxy.sse import event_name


class PieceKind(StrEnum):
    """What a piece of a stream is.

    - HOLD: no content; a comment for one.
    - CONTENT: releases what is held.
    - USAGE: token counts and nothing else, in chat streams.
    - END: the protocol's marker, or `[DONE]`. It releases what is held if the stream is complete;
      if not, the provider ended too early, and it must not be passed on.
    - ERROR: the stream failed.
    """

    HOLD = "hold"
    CONTENT = "content"
    USAGE = "usage"
    END = "end"
    ERROR = "error"


@dataclass(slots=True, kw_only=True)
class StreamState:
    """What a stream has told so far.

    Args:
        complete: the protocol's own marker was seen.
        content_seen: content was seen, or the marker.
        usage: the provider's usage object, merged over the events.
        tier: the service tier that answers, where it stands beside the usage object.
        error: the error that the stream carried, parsed.
        model: who answers, in the provider's words.
        response_id: the provider's id of this answer.
        created_at: the answer's own time, in seconds since the epoch.
        sequence_number: of the last event, where events are numbered.
        started: the indexes of the choices that were seen.
        finished: those of them that have a finish_reason.
        declined: the reason why the provider stopped, if it means that nothing is to be said.
        in_empty_text: a block of text has begun, and nothing of it was seen.
        sealed: what of it only its maker can read.
    """

    complete: bool = False
    content_seen: bool = False
    usage: dict[str, Any] | None = None
    tier: Any = None
    error: Any = None
    model: str | None = None
    response_id: str | None = None
    created_at: float | None = None
    sequence_number: int | None = None
    started: set[int] = field(default_factory=set)
    finished: set[int] = field(default_factory=set)
    declined: Any = None
    in_empty_text: bool = False
    sealed: list[str] = field(default_factory=list)


class _Choice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: dict[str, Any] | None = None
    message: dict[str, Any] | None = None
    text: Any = None
    finish_reason: Any = None
    error: Any = None

    def speaks(self) -> bool:
        """Tell whether there is anything in it for a client, but for a role and an end."""
        if self.text or self.message:
            return True
        if not self.delta:
            return False
        if self.delta.get("content"):  # the usual case
            return True
        return any(value for name, value in self.delta.items() if name != "role")


class _Chunk(msgspec.Struct, gc=False):
    id: Any = None
    object: Any = None
    model: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None
    message: Any = None


def read_chat(state: StreamState, event: bytes, data: bytes) -> PieceKind:
    """Read an event of chat completions, or of completions."""
    chunk = decode(_CHUNKS, data)
    if chunk is None:
        return _opaque(state, event, data)
    state.error = _chat_error(chunk, event, data)
    if state.error:
        return PieceKind.ERROR
    _note_answer(state, chunk.id, chunk.model)
    if isinstance(chunk.usage, dict):
        state.usage = chunk.usage
    if chunk.service_tier:
        state.tier = chunk.service_tier
    for choice in chunk.choices or ():
        _note_finish(state, choice)
    return _kind_of_chunk(state, chunk)


_CHUNKS = msgspec.json.Decoder(_Chunk)
_ANYTHING = msgspec.json.Decoder(dict[str, Any])


def _opaque(state: StreamState, event: bytes, data: bytes) -> PieceKind:
    """Judge data that nobody understands by the event's name."""
    if not _is_named_error(event):
        return PieceKind.CONTENT
    state.error = data.decode("utf-8", "replace")
    return PieceKind.ERROR


def _chat_error(chunk: _Chunk, event: bytes, data: bytes) -> Any:
    if chunk.error:
        return {"error": chunk.error}
    # vLLM's flat form, or an object under the event's own name.
    if chunk.object == "error" or _is_named_error(event):
        return decode(_ANYTHING, data)
    for choice in chunk.choices or ():
        if error := choice.error or broke_off(choice.finish_reason):
            return {"error": error}
    return None


def _is_named_error(event: bytes) -> bool:
    return not event.startswith(b"data:") and event_name(event) == "error"


def _note_answer(state: StreamState, response_id: Any, model: Any) -> None:
    if state.response_id is None and isinstance(response_id, str):
        state.response_id = response_id
    if state.model is None and isinstance(model, str):
        state.model = model


def _note_finish(state: StreamState, choice: _Choice) -> None:
    """Of several choices each has to finish; what follows a finish does not open it again."""
    index = choice.index or 0
    state.started.add(index)
    if choice.finish_reason:
        state.finished.add(index)
    state.complete = state.finished == state.started


def _kind_of_chunk(state: StreamState, chunk: _Chunk) -> PieceKind:
    choices = chunk.choices or []
    for choice in choices:
        if choice.speaks():
            return PieceKind.CONTENT
    reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
    if reasons:
        return _end_or_nothing(state, reasons)
    # LiteLLM's usage chunk has a choice with an empty delta (measured); one with a role is not it.
    bare = not any(any((choice.delta or {}).values()) for choice in choices)
    return PieceKind.USAGE if chunk.usage is not None and bare else PieceKind.HOLD


def _end_or_nothing(state: StreamState, reasons: list[Any]) -> PieceKind:
    """An end is something for a client to act upon, unless it says that there is nothing."""
    state.declined = next((reason for reason in reasons if declined(reason)), state.declined)
    whole = all(declined(reason) for reason in reasons)
    return PieceKind.HOLD if whole else PieceKind.CONTENT


class _Message(msgspec.Struct, gc=False):
    id: Any = None
    model: Any = None
    usage: Any = None


class _Delta(msgspec.Struct, gc=False):
    stop_reason: Any = None


class _Block(msgspec.Struct, gc=False):
    type: Any = None
    text: Any = None


class _MessagesEvent(msgspec.Struct, gc=False):
    type: str | None = None
    message: _Message | str | None = None
    delta: _Delta | None = None
    content_block: _Block | None = None
    usage: Any = None
    error: Any = None


def read_messages(state: StreamState, event: bytes, data: bytes) -> PieceKind:
    """Read an event of Anthropic messages."""
    told = decode(_MESSAGES_EVENTS, data)
    if told is None:
        return _opaque(state, event, data)
    name = told.type or event_name(event)
    if name == "error" or (told.error and not told.type):
        state.error = decode(_ANYTHING, data)
        return PieceKind.ERROR
    if isinstance(told.message, _Message):
        _note_answer(state, told.message.id, told.message.model)
        _merge_usage(state, told.message.usage)
    _merge_usage(state, told.usage)
    if name == "message_stop":
        state.complete = True
        return PieceKind.END
    return _kind_of_message_event(state, name, told)


_MESSAGES_EVENTS = msgspec.json.Decoder(_MessagesEvent)


def _kind_of_message_event(state: StreamState, name: str, told: _MessagesEvent) -> PieceKind:
    if name == "content_block_delta":
        state.in_empty_text = False
        return PieceKind.CONTENT
    if name == "content_block_start" and told.content_block:
        state.in_empty_text = told.content_block.type == "text" and not told.content_block.text
    # LiteLLM opens and closes an empty text before it tells of a refusal (seen in bug reports).
    if name == "content_block_stop":
        return PieceKind.HOLD if state.in_empty_text else PieceKind.CONTENT
    if name == "message_delta":
        reason = told.delta.stop_reason if told.delta else None
        return _end_or_nothing(state, [reason])
    return PieceKind.HOLD


def _merge_usage(state: StreamState, usage: Any) -> None:
    """Merge field by field: input stands in one event, output in another, zeros anywhere."""
    if not isinstance(usage, dict):
        return
    merged = state.usage or {}
    news = {name: value for name, value in usage.items() if value or name not in merged}
    state.usage = merged | news


class _Response(msgspec.Struct, gc=False):
    id: Any = None
    incomplete_details: Any = None
    model: Any = None
    created_at: Any = None
    usage: Any = None
    service_tier: Any = None
    error: Any = None


class _ResponsesEvent(msgspec.Struct, gc=False):
    type: str | None = None
    sequence_number: int | None = None
    response: _Response | None = None
    error: Any = None


def read_responses(state: StreamState, event: bytes, data: bytes) -> PieceKind:
    """Read an event of OpenAI responses."""
    told = decode(_RESPONSES_EVENTS, data)
    if told is None:
        return _opaque(state, event, data)
    if told.sequence_number is not None:
        state.sequence_number = told.sequence_number
    if told.response:
        _note_response(state, told.response)
    name = told.type or event_name(event)
    # LiteLLM tells only at the end all that is sealed.
    if name == "response.output_item.done" or name in _ENDS:
        state.sealed += [each for each in sealed_in(data) if each not in state.sealed]
    if name in {"error", "response.failed"} or (told.error and not told.type):
        inner = told.error or (told.response and told.response.error)
        state.error = {"error": inner} if inner else decode(_ANYTHING, data)
        return PieceKind.ERROR
    if name in _ENDS:
        state.complete = True
        return PieceKind.END
    return PieceKind.CONTENT if name.endswith((".delta", ".done")) else PieceKind.HOLD


_RESPONSES_EVENTS = msgspec.json.Decoder(_ResponsesEvent)
_ENDS = frozenset({"response.completed", "response.incomplete"})


def _note_response(state: StreamState, response: _Response) -> None:
    _note_answer(state, response.id, response.model)
    if isinstance(response.created_at, int | float):
        state.created_at = response.created_at
    if isinstance(response.usage, dict):
        state.usage = response.usage
    # The first event repeats what was asked for; the last one says who answered.
    state.tier = response.service_tier or state.tier
    reason = reason_of(response.incomplete_details)
    if declined(reason):
        state.declined = reason


class _Content(msgspec.Struct, gc=False):
    parts: list[dict[str, Any]] | None = None

    def speaks(self) -> bool:
        """Tell whether a part has anything in it besides marks, such as a signature."""
        return any(part.keys() - _MARKS and part.get("text") != "" for part in self.parts or ())


_MARKS = frozenset({"thought", "thoughtSignature"})


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    index: int | None = None
    content: _Content | None = None
    finish_reason: Any = None


class _Generated(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: dict[str, Any] | None = None
    usage_metadata: Any = None
    model_version: Any = None
    response_id: Any = None
    error: Any = None


def read_generated(state: StreamState, event: bytes, data: bytes) -> PieceKind:
    """Read an event of Google's protocol, which has no marker but the reason why each ended."""
    told = decode(_GENERATED, data)
    if told is None:
        return _opaque(state, event, data)
    if told.error:
        state.error = {"error": told.error}
        return PieceKind.ERROR
    _note_answer(state, told.response_id, told.model_version)
    if isinstance(told.usage_metadata, dict):
        state.usage = (state.usage or {}) | told.usage_metadata
    if blocked := blocked_by(told.prompt_feedback):
        state.declined, state.complete = blocked, True
        return PieceKind.HOLD
    return _kind_of_candidates(state, told.candidates or [])


_GENERATED = msgspec.json.Decoder(_Generated)


def _kind_of_candidates(state: StreamState, candidates: list[_Candidate]) -> PieceKind:
    for each in candidates:
        _note_finish(state, _Choice(index=each.index, finish_reason=each.finish_reason))
    if any(each.content and each.content.speaks() for each in candidates):
        return PieceKind.CONTENT
    reasons = [each.finish_reason for each in candidates if each.finish_reason]
    return _end_or_nothing(state, reasons) if reasons else PieceKind.HOLD


READERS: Mapping[Protocol, Callable[[StreamState, bytes, bytes], PieceKind]] = {
    Protocol.OPENAI_CHAT: read_chat,
    Protocol.OPENAI_RESPONSES: read_responses,
    Protocol.ANTHROPIC_MESSAGES: read_messages,
    Protocol.GOOGLE_GENERATE: read_generated,
}
