"""What the simulated provider says in Anthropic's protocol: the same words as in OpenAI's."""

import json
from typing import Any

Fields = dict[str, Any]


def whole_message(text: str) -> bytes:
    """The body of a whole answer."""
    content = [{"type": "text", "text": text}]
    return json.dumps(_message(content, "end_turn", _USAGE)).encode()


def beginning(word: str) -> bytes:
    """The events of a stream up to and with its first word."""
    start = {
        "type": "message_start",
        "message": _message([], None, {**_USAGE, "output_tokens": 1}),
    }
    block = {"type": "content_block_start", "index": 0, "content_block": _block("text", "")}
    return _framed(start) + _framed(block) + _delta(word)


def rest(words: list[str]) -> bytes:
    """The events after the first word, and the end of the body."""
    deltas = b"".join(_delta(f" {word}") for word in words)
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    ends: list[Fields] = [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 17}},
        {"type": "message_stop"},
    ]
    return deltas + b"".join(_framed(each) for each in ends) + b"0\r\n\r\n"


_USAGE = {"input_tokens": 42, "output_tokens": 17}


def _message(content: list[Fields], reason: str | None, usage: Fields) -> Fields:
    return {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "echo",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _block(kind: str, text: str) -> Fields:
    return {"type": kind, "text": text}


def _delta(text: str) -> bytes:
    delta = _block("text_delta", text)
    return _framed({"type": "content_block_delta", "index": 0, "delta": delta})


def _framed(event: Fields) -> bytes:
    said = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(said), said)
