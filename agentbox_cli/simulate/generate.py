"""Answers and token counts in Google's form."""

from collections.abc import Iterator
from typing import Any

from agentbox_cli.simulate.answer import Answer, data_event, new_id, pieces, streamed, unary
from agentbox_cli.simulate.asked import Asked


def answer_generate(asked: Asked) -> Answer:
    """Answer `:generateContent` and `:streamGenerateContent`."""
    named = {"modelVersion": asked.model, "responseId": new_id("")}
    if asked.stream:
        return streamed((data_event(event | named) for event in _events(asked)), after_marker=1)
    return unary(_ended([_whole(asked)], asked) | named)


def answer_google_count(asked: Asked) -> Answer:
    """Answer `:countTokens`."""
    return unary({"totalTokens": asked.input_tokens})


def _whole(asked: Asked) -> dict[str, Any]:
    if asked.tool is None:
        return {"text": asked.reply}
    called = {"name": asked.tool.name, "args": asked.tool.arguments}
    return {"functionCall": called, "thoughtSignature": "c2ltdWxhdGVk"}


def _events(asked: Asked) -> Iterator[dict[str, Any]]:
    # Nothing yet, as the first event of a chat: what breaks behind it has said nothing.
    yield {"candidates": [_candidate([{"text": ""}])]}
    if asked.tool is not None:
        yield {"candidates": [_candidate([_whole(asked)])]}
    else:
        for piece in pieces(asked.reply):
            yield {"candidates": [_candidate([{"text": piece}])]}
    yield _ended([{"text": ""}], asked)


def _ended(parts: list[dict[str, Any]], asked: Asked) -> dict[str, Any]:
    usage = {
        "promptTokenCount": asked.input_tokens,
        "candidatesTokenCount": asked.output_tokens,
        "totalTokenCount": asked.input_tokens + asked.output_tokens,
    }
    candidate = _candidate(parts) | {"finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": usage}


def _candidate(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": parts}, "index": 0}
