"""Responses, in OpenAI's form."""

import time
from collections.abc import Iterator
from typing import Any

from agentbox_cli.simulate.answer import Answer, named_event, new_id, pieces, streamed, unary
from agentbox_cli.simulate.asked import Asked, ToolCall

Item = dict[str, Any]


def answer_responses(asked: Asked) -> Answer:
    """Answer `/responses`."""
    begun, item = _head(asked.model), _item(asked)
    done = {
        **begun,
        "status": "completed",
        "output": [item],
        "usage": _usage(asked),
    }
    if not asked.stream:
        return unary(done)
    events = enumerate(_events(asked, begun, item, done))
    numbered = ({**event, "sequence_number": number} for number, event in events)
    return streamed(map(named_event, numbered), after_marker=1)


def failed_event(model: str, *, code: str, message: str) -> bytes:
    """Encode the event that ends a response which failed under way."""
    response = {
        **_head(model),
        "status": "failed",
        "error": {"code": code, "message": message},
    }
    return named_event({"type": "response.failed", "sequence_number": 0, "response": response})


def _head(model: str) -> dict[str, Any]:
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
    }


def _usage(asked: Asked) -> dict[str, Any]:
    return {
        "input_tokens": asked.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": asked.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked.input_tokens + asked.output_tokens,
    }


def _item(asked: Asked) -> Item:
    if asked.tool is not None:
        return {
            "id": new_id("fc_"),
            "type": "function_call",
            "status": "completed",
            "call_id": new_id("call_"),
            "name": asked.tool.name,
            "arguments": asked.tool.arguments_json,
        }
    return {
        "id": new_id("msg_"),
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [_part(asked.reply)],
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _events(
    asked: Asked, begun: dict[str, Any], item: Item, done: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    if asked.tool is None:
        yield from _text_events(item, asked.reply)
    else:
        yield from _call_events(item, asked.tool)
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": done}


def _text_events(item: Item, text: str) -> Iterator[dict[str, Any]]:
    yield _added({**item, "status": "in_progress", "content": []})
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": _part("")}
    for piece in pieces(text):
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **place, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": _part(text)}


def _call_events(item: Item, tool: ToolCall) -> Iterator[dict[str, Any]]:
    yield _added({**item, "status": "in_progress", "arguments": ""})
    place = {"item_id": item["id"], "output_index": 0}
    for piece in pieces(tool.arguments_json):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    yield {
        "type": "response.function_call_arguments.done",
        **place,
        "name": tool.name,
        "arguments": tool.arguments_json,
    }


def _added(item: Item) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": 0, "item": item}
