"""Answers that are too long are cut, and say so: a model would pay for all of it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

_ROOM_FOR_NOTE = 200


def failure(text: str) -> dict[str, Any]:
    """A tool's answer that says what went wrong, in words for a model."""
    return {"content": [{"type": "text", "text": text}], "isError": True}


def cut(result: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
    """A tool's answer in `limit` bytes: as it is if it fits, else texts cut and the rest left out.

    Without its structured content an answer is not what the tool's schema promises, so it counts
    as an error then.
    """
    size = _size(result)
    if size <= limit:
        return result
    kept, left = [], max(limit - _ROOM_FOR_NOTE, 0)
    content = result.get("content")
    for block in content if isinstance(content, list) else ():
        short = _shortened(block, left)
        if short is not None:
            kept.append(short)
            left -= _size(short)
    note = f"[the answer had {size:,} bytes; cut off at max_output_bytes = {limit:,}]"
    is_error = bool(result.get("isError")) or "structuredContent" in result or not kept
    return {"content": [*kept, {"type": "text", "text": note}], "isError": is_error}


def _shortened(block: Any, left: int) -> dict[str, Any] | None:
    """As much of a block as there is room for; None if that is nothing."""
    if not isinstance(block, dict) or left <= 0:
        return None
    if _size(block) <= left:
        return block
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str):
        return None
    room = left - _size({**block, "text": ""})
    return {**block, "text": _fitting(text, room)} if room > 0 else None


def _fitting(text: str, room: int) -> str:
    """The longest beginning of a text that takes no more than `room` bytes of JSON."""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[:middle]) - 2 <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _size(data: Any) -> int:
    """The bytes of something as JSON."""
    return len(
        json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    )
