"""Messages and their token count, in Anthropic's form."""

from collections.abc import Iterator
from typing import Any

from agentbox_cli.simulate.answer import Answer, named_event, new_id, pieces, streamed, unary
from agentbox_cli.simulate.asked import Asked


def answer_messages(asked: Asked) -> Answer:
    """Answer `/messages`."""
    if asked.stream:
        return streamed(map(named_event, _events(asked)), after_marker=1)
    message = _message(asked, output_tokens=asked.output_tokens)
    block = {**_empty_block(asked), **_filling(asked)}
    return unary({**message, "content": [block], "stop_reason": _stop_reason(asked)})


def answer_count_tokens(asked: Asked) -> Answer:
    """Answer `/messages/count_tokens`."""
    return unary({"input_tokens": asked.input_tokens})


def _message(asked: Asked, *, output_tokens: int) -> dict[str, Any]:
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": asked.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
            "service_tier": "standard",
        },
    }


def _empty_block(asked: Asked) -> dict[str, Any]:
    if asked.tool is None:
        return {"type": "text", "text": ""}
    return {"type": "tool_use", "id": new_id("toolu_"), "name": asked.tool.name, "input": {}}


def _filling(asked: Asked) -> dict[str, Any]:
    return {"text": asked.reply} if asked.tool is None else {"input": asked.tool.arguments}


def _stop_reason(asked: Asked) -> str:
    return "end_turn" if asked.tool is None else "tool_use"


def _events(asked: Asked) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _message(asked, output_tokens=1)}
    yield {"type": "ping"}
    yield {"type": "content_block_start", "index": 0, "content_block": _empty_block(asked)}
    for delta in _deltas(asked):
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": _stop_reason(asked), "stop_sequence": None},
        "usage": {"output_tokens": asked.output_tokens},
    }
    yield {"type": "message_stop"}


def _deltas(asked: Asked) -> Iterator[dict[str, Any]]:
    if asked.tool is None:
        for piece in pieces(asked.reply):
            yield {"type": "text_delta", "text": piece}
        return
    for piece in pieces(asked.tool.arguments_json):
        yield {"type": "input_json_delta", "partial_json": piece}
