"""An agent's config without what we wrote into it, whatever its user did in between."""

from dataclasses import dataclass
from typing import Any

from agentbox_cli.agents.formats.editing import MISSING, data_of, drop, put, value_at
from agentbox_cli.agents.record import FileRecord, digest

OUR_NAME = "agentbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """A text without our values; None if no file is left.

    Args:
        kept: paths of values that were ours and that somebody changed: they stay.
    """

    text: str | None
    kept: tuple[tuple[str, ...], ...] = ()


def without_ours(text: str | None, record: FileRecord) -> Clean:
    """Take our values out of a text.

    The text that we left gives back the text that we found, byte for byte. From one that was
    edited since, our values are removed one by one, and old values come back.

    Raises:
        BrokenTextError: the text is broken.
    """
    if text is None:
        return Clean(text=None)
    if digest(text) == record.after:
        return Clean(text=record.before)
    kept = []
    for path, value in record.values():
        now = value_at(record.format, text, path)
        if now == value or path[-1].startswith(OUR_NAME):
            text = _put_back(text, path, record)
        elif now is not MISSING:
            kept.append(path)
    gone = record.before is None and not data_of(record.format, text)
    return Clean(text=None if gone else text, kept=tuple(kept))


def _put_back(text: str, path: tuple[str, ...], record: FileRecord) -> str:
    old: Any = value_at(record.format, record.before or "", path)
    if old is not MISSING:
        return put(record.format, text, path, old)
    text = drop(record.format, text, path)
    for depth in range(len(path) - 1, 0, -1):
        # Sections that were made for our value go with it, unless there is more in them now.
        made = value_at(record.format, record.before or "", path[:depth]) is MISSING
        if made and value_at(record.format, text, path[:depth]) in ({}, None):
            text = drop(record.format, text, path[:depth])
    return text
