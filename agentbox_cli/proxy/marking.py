"""A translated answer in Anthropic's words, made fit to be sent back to Anthropic one day.

Thoughts of other models get a signature by which they are known and left out; the ids of their
tool calls are made valid, and those of the answers look like Anthropic's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agentbox_cli.proxy.crossing import FOREIGN, valid_id
from agentbox_cli.proxy.shaping import name
from agentbox_cli.proxy.sse import EventSplitter, data_of

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode
# Only events that hold one of these are of interest, or that end a thought.
_BEGINS = (
    b'"message_start"',
    b'"content_block_start"',
    b'"signature_delta"',
    b'"message_delta"',
)
_ENDS = b'"content_block_stop"'
_ID = "msg_"


def marked(body: bytes, model: str | None = None) -> bytes:
    """A whole answer with marks; as it is if it needs none.

    Args:
        body: LiteLLM's answer.
        model: who answered, in the provider's words; None leaves what LiteLLM says.
    """
    try:
        told = _decode(body)
    except (ValueError, RecursionError):
        return body
    content = told.get("content")
    found = content if isinstance(content, list) else []
    blocks = [each for each in found if isinstance(each, dict)]
    changed = [_mark(block) for block in blocks]
    name(told, model)
    named = _identify(told)
    return _encode(told) if any(changed) or named or model is not None else body


def _identify(message: dict[str, Any]) -> bool:
    """Give a message an id as Anthropic's are, that still tells the provider's; tell if it did."""
    told = message.get("id")
    if not isinstance(told, str) or told.startswith(_ID):
        return False
    message["id"] = _ID + told.removeprefix("chatcmpl-")
    return True


def _mark(block: dict[str, Any]) -> bool:
    """Mark a block; tell whether there was something to mark."""
    if block.get("type") == "thinking":
        block["signature"] = FOREIGN
        return True
    name = block.get("id")
    if block.get("type") == "tool_use" and isinstance(name, str) and valid_id(name) != name:
        block["id"] = valid_id(name)
        return True
    return False


@dataclass(slots=True)
class StreamMarker:
    """Marks a stream while it passes, event by event.

    Args:
        model: who answers, in the provider's words; None leaves what LiteLLM says.
    """

    model: str | None = None
    _splitter: EventSplitter = field(default_factory=EventSplitter)
    _thinking: set[int] = field(default_factory=set)

    def take(self, events: bytes) -> bytes:
        """The same events with marks."""
        return b"".join(part for each in self._splitter.feed(events) for part in self._parts(each))

    def _parts(self, event: bytes) -> Iterator[bytes]:
        ends = bool(self._thinking) and _ENDS in event
        if not ends and not any(mark in event for mark in _BEGINS):
            yield event
            return
        try:
            told = _decode(data_of(event) or b"")
        except ValueError:
            yield event
            return
        yield from self._of(told, event)

    def _of(self, told: dict[str, Any], event: bytes) -> Iterator[bytes]:
        index, kind = told.get("index"), told.get("type")
        block, delta = told.get("content_block"), told.get("delta")
        if isinstance(begun := told.get("message"), dict):
            name(begun, self.model)
            yield _event(told) if _identify(begun) or self.model is not None else event
            return
        if kind == "content_block_start" and isinstance(block, dict) and isinstance(index, int):
            if block.get("type") == "thinking":
                self._thinking.add(index)
            yield _event(told) if _mark(block) else event
        elif isinstance(delta, dict) and delta.get("type") == "signature_delta":
            return  # the mark takes its place, at the end of the thought
        elif isinstance(delta, dict) and kind == "message_delta":
            delta.setdefault("stop_sequence", None)  # it may be null, but not missing
            yield _event(told)
        else:
            if kind == "content_block_stop" and index in self._thinking:
                self._thinking.discard(index)
                signature = {"type": "signature_delta", "signature": FOREIGN}
                yield _event({"type": "content_block_delta", "index": index, "delta": signature})
            yield event


def _event(told: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(told["type"]).encode(), _encode(told))
