"""Anthropic's signed thoughts, read from its stream while it passes to LiteLLM.

LiteLLM tells them as `encrypted_content` of a response, but in a stream only when all is over
(measured with 1.106). They are known as soon as the thought ends.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agentbox_cli.proxy.sse import EventSplitter, data_of

_decode = msgspec.json.Decoder(dict[str, Any]).decode
# Each event of a thought holds one of these.
_MARKS = (b"thinking", b"signature_delta")
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "thinking": ("type", "thinking", "signature"),
    "redacted_thinking": ("type", "data"),
}


@dataclass(slots=True)
class SignedThoughts:
    """Collects the thoughts of a stream in Anthropic's words; those of others are never signed."""

    _splitter: EventSplitter = field(default_factory=EventSplitter)
    _blocks: list[dict[str, list[str]]] = field(default_factory=list)

    def take(self, events: bytes) -> None:
        """Take the next bytes of the provider's stream."""
        for event in self._splitter.feed(events):
            if any(mark in event for mark in _MARKS):
                self._note(event)

    @property
    def sealed(self) -> str | None:
        """`encrypted_content` as LiteLLM writes it and reads it; None if nothing is signed."""
        told = [{name: "".join(parts) for name, parts in each.items()} for each in self._blocks]
        signed = [each for each in told if each.get("signature") or each.get("data")]
        return json.dumps(signed, separators=(",", ":")) if signed else None

    def _note(self, event: bytes) -> None:
        try:
            told = _decode(data_of(event))
        except (ValueError, RecursionError):
            return
        block, delta = told.get("content_block"), told.get("delta")
        if isinstance(block, dict):
            self._begin(block)
        elif isinstance(delta, dict) and self._blocks:
            self._go_on(delta)

    def _begin(self, block: dict[str, Any]) -> None:
        names = _FIELDS.get(_text(block, "type"))
        if names is not None:
            self._blocks.append({name: [_text(block, name)] for name in names})

    def _go_on(self, delta: dict[str, Any]) -> None:
        name = str(delta.get("type")).removesuffix("_delta")
        parts = self._blocks[-1].get(name)
        if parts is not None:
            parts.append(_text(delta, name))


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    return value if isinstance(value, str) else ""
