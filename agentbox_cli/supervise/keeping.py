"""A program that is kept running: started, watched, started anew when it ends, ended for good."""

import asyncio
import contextlib
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection
from enum import StrEnum
from pathlib import Path

from agentbox_cli.errors import AgentboxError
from agentbox_cli.supervise.backoff import Backoff
from agentbox_cli.supervise.spawn import Child


class State(StrEnum):
    """What a program is doing."""

    OFF = "off"  # not started yet, or ended for good
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"  # it ended, and will be started again
    FAILED = "failed"  # it cannot be started; only a person can mend that


class Hopeless(Exception):  # noqa: N818 - it names the state of things
    """A program cannot be started, and another attempt would change nothing.

    Args:
        why: what a person has to mend.
    """

    def __init__(self, why: AgentboxError) -> None:
        super().__init__(why.message)
        self.why = why


class Kept(ABC):
    """A program and its supervision; what one life of it is like, its kind knows.

    Args:
        title: what it is called in messages.
        socket: where it listens.
        log: who is told of its ends.
    """

    def __init__(self, title: str, socket: Path, log: logging.Logger) -> None:
        self.state = State.OFF
        self.restarts = 0
        self.last_error: str | None = None
        self.title = title
        self.socket_path = socket
        self._log = log
        self._backoff = Backoff()
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        # Replaced at each change of its state, after those who wait have been told.
        self._news = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Its process, None when there is none."""
        return None if self._child is None else self._child.pid

    @property
    def rss_mb(self) -> float | None:
        """The memory it holds."""
        if self._child is None:
            return None
        try:
            pages = int(Path(f"/proc/{self._child.pid}/statm").read_text("ascii").split()[1])
        except OSError:
            return None
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576, 1)

    def ensure_started(self) -> None:
        """Start it unless it runs, or was ended for good; returns at once."""
        if self._task is None and not self._is_stopped:
            self._enter(State.STARTING)
            self._task = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End it for good."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self.socket_path.unlink(missing_ok=True)
        self._enter(State.OFF)

    @abstractmethod
    async def _live(self) -> str:
        """Go through one life of the process, and say why it ended.

        Raises:
            Hopeless: it must not be tried again.
        """

    async def _wait_while(self, states: Collection[State], seconds: float) -> None:
        """Wait until it is in none of these, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.state in states:
                    await self._news.wait()

    async def _attend(
        self, child: Child, watch: Callable[[], Awaitable[str]], grace: Callable[[], float]
    ) -> str:
        """Have a process until it ends, or until the watch says why it must; says why."""
        self._child = child
        end = asyncio.create_task(child.wait())
        watching = asyncio.ensure_future(watch())
        try:
            await asyncio.wait([end, watching], return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return f"{self.title} ended with status {end.result()}"
            child.kill()
            return watching.result()
        finally:
            end.cancel()
            watching.cancel()
            self._child = None
            await child.stop(grace())

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                self.last_error = await self._live()
            except Hopeless as end:
                self._give_up(end.why)
                return
            except (AgentboxError, OSError) as error:
                self.last_error = f"{self.title} cannot be started: {error}"
            except Exception as error:  # noqa: BLE001 - a bug must not end its supervision
                self._log.exception("the supervision of %s failed", self.title)
                self.last_error = f"{self.title} cannot be supervised: {error}"
            self._backoff = self._backoff.after(loop.time() - begun)
            delay = self._backoff.delay
            self._log.warning("%s; starting it again in %.1f s", self.last_error, delay)
            self._enter(State.BACKOFF)
            await asyncio.sleep(delay)
            self.restarts += 1
            self._enter(State.STARTING)

    def _give_up(self, error: AgentboxError) -> None:
        self.last_error = error.message
        self._enter(State.FAILED)
        told = f"{error.message} ({error.hint})" if error.hint else error.message
        self._log.error("%s", told)

    def _enter(self, state: State) -> None:
        self.state = state
        self._news.set()
        self._news = asyncio.Event()


async def answers_within(ask: Callable[[], Awaitable[bool]], seconds: float, pause: float) -> bool:
    """Ask again and again until the answer is yes; no if that takes longer than `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await ask():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(pause)
    return True


async def misses(ask: Callable[[], Awaitable[bool]], times: int, pause: float) -> None:
    """Ask again and again, and return when the answer was no so many times in a row."""
    missed = 0
    while missed < times:
        await asyncio.sleep(pause)
        missed = 0 if await ask() else missed + 1
