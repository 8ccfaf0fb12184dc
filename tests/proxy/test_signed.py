"""Anthropic's signed thoughts are known while they pass; LiteLLM itself is in tests/e2e."""

import json
from typing import Any

import pytest

from agentbox_cli.proxy.signed import SignedThoughts


def begins(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def goes_on(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


EVENTS = (
    begins(0, type="thinking", thinking="", signature=""),
    goes_on(0, type="thinking_delta", thinking="so “it” "),
    goes_on(0, type="thinking_delta", thinking="is"),
    goes_on(0, type="signature_delta", signature="Eq0+/="),
    {"type": "content_block_stop", "index": 0},
    begins(1, type="redacted_thinking", data="EmwK"),
    begins(2, type="text", text=""),
    goes_on(2, type="text_delta", text='of "thinking" and "signature_delta"'),
    begins(3, type="thinking", thinking="", signature=""),
    goes_on(3, type="thinking_delta", thinking="not signed yet"),
)
SEALED = [
    {"type": "thinking", "thinking": "so “it” is", "signature": "Eq0+/="},
    {"type": "redacted_thinking", "data": "EmwK"},
]


def stream(*events: dict[str, Any]) -> bytes:
    told = ((each["type"], json.dumps(each)) for each in events)
    return b"".join(f"event: {kind}\ndata: {data}\n\n".encode() for kind, data in told)


def told(thoughts: SignedThoughts) -> Any:
    return json.loads(thoughts.sealed or "[]")


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_what_is_signed_is_known_wherever_the_stream_is_cut(size: int) -> None:
    thoughts, sent = SignedThoughts(), stream(*EVENTS)
    for start in range(0, len(sent), size):
        thoughts.take(sent[start : start + size])
    assert told(thoughts) == SEALED


def test_it_is_known_as_soon_as_it_is_signed() -> None:
    thoughts = SignedThoughts()
    thoughts.take(stream(*EVENTS[:3]))
    assert told(thoughts) == []
    thoughts.take(stream(EVENTS[3]))
    assert told(thoughts) == SEALED[:1]


@pytest.mark.parametrize(
    "odd",
    [
        b"data: {thinking\n\n",
        b'data: ["thinking"]\n\n',
        b": thinking\n\n",
        stream(goes_on(0, type="signature_delta", signature="before any thought")),
        stream(begins(0, type="thinking"), goes_on(0, type="signature_delta", signature=7)),
        stream(begins(0, type="redacted_thinking"), goes_on(0, type="thinking_delta")),
        stream(begins(0, type=["thinking"], thinking="x", signature="y")),
        b'data: {"content_block": 7, "thinking": 1}\n\n',
    ],
)
def test_what_is_no_thought_is_passed_over(odd: bytes) -> None:
    thoughts = SignedThoughts()
    thoughts.take(odd)
    assert thoughts.sealed is None
