"""A translated answer in OpenAI's published shapes.

LiteLLM leaves out fields that clients may rely on, the numbers of events among them, and puts in
some of its own (measured). Both are mended here; what a provider says beyond the published shapes,
such as a thought beside a chat message, stays.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.proxy.signed import SignedThoughts
from agentbox_cli.proxy.sse import EventSplitter, data_of
from agentbox_cli.proxy.stream import StreamState

_Object = dict[str, Any]
_decode = msgspec.json.Decoder(_Object).decode
_encode = msgspec.json.Encoder().encode
_NOT_AS_EXPECTED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

DONE = b"[DONE]"
_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens")
_DETAILS = {
    "prompt_tokens_details": ("audio_tokens", "cached_tokens", "cache_write_tokens"),
    "completion_tokens_details": (
        "accepted_prediction_tokens",
        "audio_tokens",
        "reasoning_tokens",
        "rejected_prediction_tokens",
    ),
    "input_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "output_tokens_details": ("reasoning_tokens",),
}
_RESPONSE_DETAILS = ("input_tokens_details", "output_tokens_details")
# What may be null, but not missing.
_OF_A_RESPONSE = (
    "error",
    "incomplete_details",
    "instructions",
    "metadata",
    "temperature",
    "top_p",
)
_WITH_LOGPROBS = frozenset({"response.output_text.delta", "response.output_text.done"})


def shaped(body: bytes, protocol: Protocol, model: str | None = None) -> bytes:
    """A whole answer in its published shape; as it came if it is nothing that is known.

    Args:
        body: LiteLLM's answer.
        protocol: what it is written in.
        model: who answered, in the provider's words; None leaves what LiteLLM says.
    """
    shape = _SHAPES.get(protocol)
    if shape is None:
        return body
    try:
        told = _decode(body)
        shape(told)
        name(told, model)
    except _NOT_AS_EXPECTED:
        return body
    return _encode(told)


def name(told: _Object, model: str | None) -> None:
    """Say who answered as the provider did: LiteLLM tells what it was asked for, or its prefix."""
    if model is not None and "model" in told:
        told["model"] = model


def _chat(told: _Object) -> None:
    for choice in told["choices"]:
        choice.setdefault("logprobs", None)
        if (message := choice.get("message")) is not None:
            message.setdefault("content", None)
            message.setdefault("refusal", None)
            _without_empty(message)
            for call in message.get("tool_calls") or ():
                call.pop("index", None)  # OpenAI refuses it when it is sent back
    _count(told)


def _without_empty(message: _Object) -> None:
    """Leave LiteLLM's own field out if it says nothing; thoughts that go back are in it."""
    if not any((message.get("provider_specific_fields") or {}).values()):
        message.pop("provider_specific_fields", None)


def _response(told: _Object) -> None:
    for name in _OF_A_RESPONSE:
        told.setdefault(name, None)
    told.pop("provider_specific_fields", None)
    for item in told["output"]:
        _item(item)
    _count(told)
    if told.get("usage") is None:
        return
    for name in _RESPONSE_DETAILS:
        details = told["usage"].setdefault(name, {})
        told["usage"][name] = dict.fromkeys(_DETAILS[name], 0) | details


def _item(item: _Object) -> None:
    """Tell a thought as the events before did: as a summary, and not as words of the assistant."""
    if item["type"] != "reasoning":
        return
    words = [part["text"] for part in item.get("content") or () if part["type"] == "output_text"]
    if words:
        del item["content"]
    item.setdefault("summary", [{"type": "summary_text", "text": text} for text in words])
    for name in ("role", "phase"):
        item.pop(name, None)


def _count(told: _Object) -> None:
    """Keep of the token counts what is published."""
    usage = told.get("usage")
    if usage is None:
        return
    counted = {name: usage[name] for name in _TOKENS if name in usage}
    for name, known in _DETAILS.items():
        if details := usage.get(name):
            counted[name] = {key: details[key] for key in known if details.get(key) is not None}
    told["usage"] = counted


_SHAPES: Mapping[Protocol, Callable[[_Object], None]] = {
    Protocol.OPENAI_CHAT: _chat,
    Protocol.OPENAI_RESPONSES: _response,
}


@dataclass(slots=True, kw_only=True)
class ChatShaper:
    """Shapes a stream of chat while it passes, event by event.

    Args:
        model: who answers, in the provider's words; None leaves what LiteLLM says.
    """

    model: str | None = None
    _splitter: EventSplitter = field(default_factory=EventSplitter)

    def take(self, events: bytes) -> bytes:
        """The same events in their published shape."""
        return b"".join(map(self._shaped, self._splitter.feed(events)))

    def _shaped(self, event: bytes) -> bytes:
        try:
            told = _decode(data_of(event))
            _chunk(told)
            name(told, self.model)
        except _NOT_AS_EXPECTED:
            return event
        return b"data: %b\n\n" % _encode(told)


def _chunk(told: _Object) -> None:
    for choice in told["choices"]:
        choice.setdefault("finish_reason", None)
        if (delta := choice.get("delta")) is not None:
            _without_empty(delta)
    # LiteLLM tells the counts with a choice that says nothing.
    if told.get("usage") and not any(map(_says, told["choices"])):
        told["choices"] = []
    _count(told)


def _says(choice: _Object) -> bool:
    return bool(choice.get("delta") or choice.get("text") or choice["finish_reason"])


@dataclass(slots=True, kw_only=True)
class ResponsesShaper:
    """Shapes a stream of responses while it passes: named, numbered, and without `[DONE]`.

    Args:
        state: is told the number of each event, so that a bad end can have the next one, and what
            is sealed.
        model: who answers, in the provider's words; None leaves what LiteLLM says.
        thoughts: what the provider has signed so far.
    """

    state: StreamState
    model: str | None = None
    thoughts: SignedThoughts = field(default_factory=SignedThoughts)
    _splitter: EventSplitter = field(default_factory=EventSplitter)
    _number: int = -1
    _names: dict[str, str] = field(default_factory=dict)
    _thoughts: set[str] = field(default_factory=set)

    def take(self, events: bytes) -> bytes:
        """The same events in their published shape."""
        shaped = b"".join(p for each in self._splitter.feed(events) for p in self._parts(each))
        self.state.sequence_number = None if self._number < 0 else self._number
        return shaped

    def _parts(self, event: bytes) -> Iterator[bytes]:
        data = data_of(event)
        if data == DONE:
            return
        try:
            told = _decode(data)
            before = self._before(told)
            _event(told, self._names)
            self._seal(told)
            name(told.get("response") or {}, self.model)
        except _NOT_AS_EXPECTED:
            yield event
            return
        for each in (*before, told):
            self._number += 1
            each["sequence_number"] = self._number
            yield b"event: %b\ndata: %b\n\n" % (each["type"].encode(), _encode(each))

    def _seal(self, told: _Object) -> None:
        """Tell what is signed where a thought ends: clients may take items one by one."""
        if told["type"] != "response.output_item.done" or told["item"]["type"] != "reasoning":
            return
        sealed = told["item"].get("encrypted_content") or self.thoughts.sealed
        if sealed:
            told["item"]["encrypted_content"] = sealed
            self.state.sealed.append(sealed)

    def _before(self, told: _Object) -> Iterable[_Object]:
        """What LiteLLM forgets to tell before an event: that a thought begins."""
        if told["type"] != "response.reasoning_summary_text.delta":
            return ()
        told.setdefault("summary_index", 0)
        if told["item_id"] in self._thoughts:
            return ()
        self._thoughts.add(told["item_id"])
        place = {name: told[name] for name in ("item_id", "output_index", "summary_index")}
        part = {"type": "summary_text", "text": ""}
        return ({"type": "response.reasoning_summary_part.added", **place, "part": part},)


def _event(told: _Object, names: dict[str, str]) -> None:
    """Shape an event; what functions are called is kept in `names`, by the id of the call."""
    kind, item = told["type"], told.get("item")
    told.pop("model", None)
    if "response" in told:
        _response(told["response"])
    if item is not None:
        _item(item)
        if "name" in item:
            names[item["id"]] = item["name"]
    if kind in _WITH_LOGPROBS:
        told.setdefault("logprobs", [])
    if kind == "response.function_call_arguments.done":
        told.setdefault("name", names.get(told["item_id"], ""))
