"""When memory is taken otherwise, and when what a crowd leaves behind is given back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from agentbox_cli.proxy.crowds import FEW, MANY, Crowds


class Place:
    """Takes down what is wanted of it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.trimmed = asyncio.Event()

    def by_c(self) -> None:
        self.said.append("by C")

    def by_python(self) -> None:
        self.said.append("by Python")

    def trim(self) -> None:
        self.said.append("trim")
        self.trimmed.set()

    async def move(self) -> None:
        self.said.append("move")

    async def fail(self) -> None:
        raise TypeError("another version's arguments")


@asynccontextmanager
async def crowds(
    place: Place, *movers: Callable[[], Awaitable[None]], rest: float = 0.0
) -> AsyncIterator[Crowds]:
    made = Crowds(place, *(movers or (place.move,)), rest=rest)
    yield made
    await made.close()


def come(counted: Crowds, number: int) -> None:
    for _ in range(number):
        counted.made(None, None)


def go(counted: Crowds, number: int) -> None:
    for _ in range(number):
        counted.lost(None)


async def test_a_few_connections_change_nothing() -> None:
    place = Place()
    async with crowds(place) as counted:
        come(counted, MANY)
        go(counted, MANY)
        await asyncio.sleep(0.02)
    assert place.said == []


async def test_after_a_crowd_what_lives_on_is_moved_and_the_rest_given_back() -> None:
    place = Place()
    async with crowds(place) as counted:
        come(counted, MANY + 1)
        assert place.said == ["by C"]
        go(counted, MANY + 1 - FEW)
        assert place.said == ["by C"]
        go(counted, 1)
        await place.trimmed.wait()
        go(counted, FEW - 1)
    assert place.said == ["by C", "by Python", "move", "trim"]


async def test_a_crowd_that_comes_back_is_waited_for() -> None:
    place = Place()
    async with crowds(place, rest=0.02) as counted:
        for _ in range(3):
            come(counted, MANY + 1)
            go(counted, MANY + 1)
        come(counted, MANY + 1)
        await asyncio.sleep(0.05)
        assert "trim" not in place.said
        go(counted, MANY + 1)
        await place.trimmed.wait()
    assert place.said == ["by C", "by Python"] * 4 + ["move", "trim"]


async def test_what_cannot_be_moved_does_not_keep_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = Place()
    async with crowds(place, place.fail, place.move) as counted:
        come(counted, MANY + 1)
        go(counted, MANY + 1)
        await place.trimmed.wait()
    assert place.said[-2:] == ["move", "trim"]
    assert "not given back" in caplog.text


async def test_a_proxy_that_ends_does_not_wait_for_it() -> None:
    place = Place()
    async with crowds(place, asyncio.Event().wait) as counted:  # type: ignore[arg-type] # never ends
        come(counted, MANY + 1)
        go(counted, MANY + 1)
        await asyncio.sleep(0.02)
    assert "trim" not in place.said
