"""Chat completions and text completions, in OpenAI's form."""

import time
from collections.abc import Iterator
from typing import Any

from agentbox_cli.simulate.answer import (
    DONE,
    Answer,
    data_event,
    new_id,
    pieces,
    streamed,
    unary,
)
from agentbox_cli.simulate.asked import Asked, ToolCall


def answer_chat(asked: Asked) -> Answer:
    """Answer `/chat/completions`."""
    if not asked.stream:
        choice = {"index": 0, "logprobs": None, **_message(asked)}
        head = _head("chat.completion", asked)
        return unary({**head, "choices": [choice], "usage": _usage(asked)})
    return _streamed(asked, "chat.completion.chunk", _chat_choices(asked))


def answer_completion(asked: Asked) -> Answer:
    """Answer `/completions`."""
    if not asked.stream:
        choice = _text_choice(asked.reply, finish_reason="stop")
        head = _head("text_completion", asked)
        return unary({**head, "choices": [choice], "usage": _usage(asked)})
    return _streamed(asked, "text_completion", _text_choices(asked))


def _head(kind: str, asked: Asked) -> dict[str, Any]:
    return {
        "id": new_id("cmpl-" if kind == "text_completion" else "chatcmpl-"),
        "object": kind,
        "created": int(time.time()),
        "model": asked.model,
        "system_fingerprint": "fp_simulated",
    }


def _usage(asked: Asked) -> dict[str, Any]:
    return {
        "prompt_tokens": asked.input_tokens,
        "completion_tokens": asked.output_tokens,
        "total_tokens": asked.input_tokens + asked.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _message(asked: Asked) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": asked.reply, "refusal": None}
    if asked.tool is None:
        return {"message": message, "finish_reason": "stop"}
    called = _called(asked.tool, arguments=asked.tool.arguments_json)
    message |= {"content": None, "tool_calls": [called]}
    return {"message": message, "finish_reason": "tool_calls"}


def _called(tool: ToolCall, *, arguments: str) -> dict[str, Any]:
    function = {"name": tool.name, "arguments": arguments}
    return {"id": new_id("call_"), "type": "function", "function": function}


def _streamed(asked: Asked, kind: str, choices: Iterator[dict[str, Any]]) -> Answer:
    head = _head(kind, asked)
    if asked.include_usage:
        head["usage"] = None
    events = [data_event({**head, "choices": [choice]}) for choice in choices]
    if asked.include_usage:
        events.append(data_event({**head, "choices": [], "usage": _usage(asked)}))
    return streamed([*events, DONE], after_marker=3 if asked.include_usage else 2)


def _chat_choices(asked: Asked) -> Iterator[dict[str, Any]]:
    if asked.tool is None:
        yield _delta({"role": "assistant", "content": "", "refusal": None})
        for piece in pieces(asked.reply):
            yield _delta({"content": piece})
        yield _delta({}, finish_reason="stop")
        return
    yield _delta({"role": "assistant", "content": None})
    yield _delta({"tool_calls": [{"index": 0, **_called(asked.tool, arguments="")}]})
    for piece in pieces(asked.tool.arguments_json):
        yield _delta({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield _delta({}, finish_reason="tool_calls")


def _delta(delta: dict[str, Any], *, finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _text_choices(asked: Asked) -> Iterator[dict[str, Any]]:
    for piece in pieces(asked.reply):
        yield _text_choice(piece)
    yield _text_choice("", finish_reason="stop")


def _text_choice(text: str, *, finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish_reason}
