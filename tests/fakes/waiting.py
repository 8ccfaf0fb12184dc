"""Wait for what other processes do, with a deadline instead of a guess."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

DEADLINE_SECONDS = 20.0


T = TypeVar("T")


def eventually(condition: Callable[[], T], what: str = "the condition") -> T:
    """Return the first true value of the condition."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.01)


async def soon(condition: Callable[[], Awaitable[T]], what: str = "the condition") -> T:
    """Return the first true value of a condition that is awaited."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        value = await condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"never came true: {what}"
        await asyncio.sleep(0.02)
