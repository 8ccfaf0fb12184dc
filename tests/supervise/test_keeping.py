"""A program that is kept, whatever it is."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from agentbox_cli.errors import ProxyError
from agentbox_cli.supervise.keeping import Hopeless, Kept, State, answers_within, misses


class Scripted(Kept):
    """One life after the other, as a test wants them."""

    def __init__(self, socket: Path, *lives: Callable[[], str]) -> None:
        super().__init__("it", socket, logging.getLogger("kept"))
        self._lives = list(lives)

    async def _live(self) -> str:
        self._enter(State.READY)
        return self._lives.pop(0)()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.01)


def fails(error: Exception) -> Callable[[], str]:
    def life() -> str:
        raise error

    return life


@pytest.mark.parametrize(
    ("life", "told"),
    [
        (lambda: "it ended", "it ended"),
        (fails(ProxyError("no room")), "it cannot be started: no room"),
        (fails(OSError(2, "gone")), "it cannot be started: [Errno 2] gone"),
        (fails(LookupError("surprise")), "it cannot be supervised: surprise"),
    ],
)
async def test_it_is_started_again_after_every_end(
    tmp_path: Path, life: Callable[[], str], told: str
) -> None:
    hopeless = fails(Hopeless(ProxyError("enough", hint="mend it")))
    kept = Scripted(tmp_path / "s", life, hopeless)
    kept.ensure_started()
    await until(lambda: kept.state is State.BACKOFF)
    assert kept.last_error == told
    await until(lambda: kept.state is State.FAILED)
    assert (kept.restarts, kept.last_error) == (1, "enough")


async def test_one_that_was_ended_is_not_started_any_more(tmp_path: Path) -> None:
    kept = Scripted(tmp_path / "s", lambda: "it ended")
    kept.socket_path.touch()
    kept.ensure_started()
    await until(lambda: kept.state is State.BACKOFF)
    await kept.stop()
    kept.ensure_started()
    assert (kept.state, kept.pid, kept.rss_mb) == (State.OFF, None, None)
    assert not kept.socket_path.exists()


async def test_misses_must_be_in_a_row_and_a_late_answer_is_too_late() -> None:
    answers = [False, True, False, False]

    async def ask() -> bool:
        return answers.pop(0)

    async with asyncio.timeout(5):
        await misses(ask, 2, 0)
    assert answers == []

    async def never() -> bool:
        return False

    assert not await answers_within(never, 0.05, 0.01)
