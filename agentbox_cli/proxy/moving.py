"""Makes stories anew where objects are made now, so that the memory they lie in becomes free."""

import asyncio
import io
import pickle
from collections.abc import Sequence
from typing import Any

from agentbox_cli.providers.resolved import Chain, Link
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.story import Stories, Story

# What comes from the config is not a story's own.
_SHARED = (Chain, Link, Endpoint)

# Some milliseconds' work; requests may come in between.
AT_ONCE = 100


async def move(stories: Stories) -> None:
    """Put a copy in the place of each story that has ended."""
    # Not let go of one by one: Python would use their numbers and lists again for the copies.
    ended = stories.ended()
    for first in range(0, len(ended), AT_ONCE):
        stories.replace(copied(ended[first : first + AT_ONCE]))
        await asyncio.sleep(0)


def copied(stories: Sequence[Story]) -> list[Story]:
    """Copies of stories that have ended; they share what comes from the config."""
    stream = io.BytesIO()
    writer = _Writer(stream)
    writer.dump(stories)
    stream.seek(0)
    copies: list[Story] = _Reader(stream, writer.shared).load()
    return copies


class _Writer(pickle.Pickler):
    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self.shared: list[Any] = []
        self._numbers: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, _SHARED):
            return None
        number = self._numbers.setdefault(id(obj), len(self.shared))
        if number == len(self.shared):
            self.shared.append(obj)
        return number


class _Reader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, shared: Sequence[Any]) -> None:
        super().__init__(stream)
        self._shared = shared

    def persistent_load(self, pid: int) -> Any:
        return self._shared[pid]
