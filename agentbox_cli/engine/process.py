"""The engine: stock LiteLLM as a child process on a unix socket, started anew when it ends."""

import asyncio
import contextlib
import logging
import os
import re
import secrets
from collections import deque
from dataclasses import replace
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

from pydantic import SecretStr

from agentbox_cli.config.redaction import redact
from agentbox_cli.engine.environment import engine_environment
from agentbox_cli.engine.place import free_socket, private_directory, write_private
from agentbox_cli.engine.plan import DRAIN_SECONDS, EnginePlan
from agentbox_cli.errors import AgentboxError, ProxyError
from agentbox_cli.supervise.backoff import Backoff
from agentbox_cli.supervise.health import Question, ask
from agentbox_cli.supervise.spawn import Child, spawn

# A first start, with nothing compiled yet and other starts beside it, took 38 s (measured).
START_SECONDS = 120.0
# What a caller is told to wait for a start that is under way; it takes 5 to 15 s (measured).
START_RETRY_SECONDS = 5.0
WARM_UP_SECONDS = 30.0

# A busy engine answers late; one that misses three in a row does not work any more.
CHECK_EVERY_SECONDS = 15.0
CHECK_SECONDS = 10.0
CHECKS_MISSED = 3

_ALIVE = Question(path="/health/liveliness")
_POLL_SECONDS = 0.05
_POLL_ANSWER_SECONDS = 5.0
_LINES_KEPT = 20
_EXCEPTION = re.compile(r"[\w.]+(Error|Exception|Exit|Interrupt)\b")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

_log = logging.getLogger(__name__)


class EngineState(StrEnum):
    """What the engine is doing."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"  # it ended, and will be started again
    FAILED = "failed"  # it cannot be started; only a person can mend that


class EngineUnavailable(ProxyError):  # noqa: N818 - it names the state of things
    """No translated call can be made now.

    Args:
        message: why.
        retry_after: seconds until it may be otherwise; None if it will not be by itself.
    """

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Engine:
    """A LiteLLM process and its supervision.

    Args:
        plan: what it runs on.
    """

    def __init__(self, plan: EnginePlan) -> None:
        self.master_key = SecretStr(f"sk-{secrets.token_urlsafe(32)}")
        self.state = EngineState.OFF
        self.restarts = 0
        self.last_error: str | None = None
        self._plan = plan
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._backoff = Backoff()
        self._grace = float(DRAIN_SECONDS)
        self._is_stopped = False
        # Not on its way to anything: there is nothing to wait for.
        self._settled = asyncio.Event()
        self._settled.set()
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)

    @property
    def socket_path(self) -> Path:
        """Where it listens."""
        return self._plan.socket

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

    def start(self) -> None:
        """Start it if it is to run from the beginning; returns at once."""
        if self._plan.mode == "eager":
            self.ensure_started()

    def ensure_started(self) -> None:
        """Start it unless it runs, or must not; returns at once."""
        if self._task is None and self._plan.mode != "off" and not self._is_stopped:
            self._enter(EngineState.STARTING)
            self._task = asyncio.create_task(self._supervise())

    async def wait_ready(self, seconds: float) -> None:
        """Wait until it takes calls; starts a lazy one.

        Raises:
            EngineUnavailable: it does not, or not in time.
        """
        self.ensure_started()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        if self.state is not EngineState.READY:
            raise self._unavailable()

    async def stop(self, grace: float = DRAIN_SECONDS) -> None:
        """End it for good: open answers may finish for `grace` seconds, then it is killed."""
        self._is_stopped, self._grace = True, grace
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self._plan.socket.unlink(missing_ok=True)
        self._enter(EngineState.OFF)

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                self.last_error = await self._live()
            except AgentboxError as error:
                self._give_up(error)
                return
            except Exception as error:  # noqa: BLE001 - a bug must not look like an endless start
                _log.exception("the engine's supervision ended")
                self._give_up(ProxyError(f"the engine cannot be supervised: {error}"))
                return
            self._backoff = self._backoff.after(loop.time() - begun)
            self._enter(EngineState.BACKOFF)
            delay = self._backoff.delay
            _log.warning("%s; starting it again in %.1f s", self.last_error, delay)
            await asyncio.sleep(delay)
            self.restarts += 1
            self._enter(EngineState.STARTING)

    async def _live(self) -> str:
        """Go through one life of the process, and say why it ended."""
        self._lines.clear()
        version = await asyncio.to_thread(self._prepare)
        _log.info("starting LiteLLM %s", version)
        try:
            child = await spawn(
                self._plan.command(self._plan.socket),
                environ=self._environment(),
                directory=self._plan.directory,
                on_line=self._hear,
            )
        except OSError as error:
            return f"LiteLLM cannot be started: {error.strerror}"
        self._child = child
        try:
            return await self._attend(child)
        finally:
            self._child = None
            await child.stop(self._grace)

    def _prepare(self) -> str:
        plan = self._plan
        version = plan.check()
        for directory in (plan.directory, plan.socket.parent):
            private_directory(directory)
        write_private(plan.config_file, plan.rendered)
        free_socket(plan.socket)
        return version

    def _environment(self) -> dict[str, str]:
        return engine_environment(
            os.environ,
            home=self._plan.directory,
            config_file=self._plan.config_file,
            master_key=self.master_key,
            egress_secret=self._plan.egress_secret,
        )

    async def _attend(self, child: Child) -> str:
        end = asyncio.create_task(child.wait())
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.wait([end, watch], return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                return f"LiteLLM ended with status {end.result()}{self._last_words()}"
            child.kill()
            return watch.result()
        finally:
            end.cancel()
            watch.cancel()

    async def _watch(self) -> str:
        """Go on for as long as it works, and say why it does not any more."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while await self._ask(_ALIVE, _POLL_ANSWER_SECONDS) != HTTPStatus.OK:
            if loop.time() - begun > START_SECONDS:
                return f"LiteLLM was not ready after {START_SECONDS:.0f} s{self._last_words()}"
            await asyncio.sleep(_POLL_SECONDS)
        _log.info("LiteLLM is ready after %.1f s", loop.time() - begun)
        self._enter(EngineState.READY)
        for question in self._plan.warm_up:
            await self._ask(question, WARM_UP_SECONDS)
        missed = 0
        while missed < CHECKS_MISSED:
            await asyncio.sleep(CHECK_EVERY_SECONDS)
            alive = await self._ask(_ALIVE, CHECK_SECONDS) == HTTPStatus.OK
            missed = 0 if alive else missed + 1
        return "LiteLLM did not answer any more"

    async def _ask(self, question: Question, seconds: float) -> int | None:
        key = {"Authorization": f"Bearer {self.master_key.get_secret_value()}"}
        shown = replace(question, headers={**question.headers, **key})
        return await ask(self._plan.socket, shown, seconds)

    def _hear(self, line: str) -> None:
        plain = _ESCAPES.sub("", line).strip()
        if plain:
            said = redact(plain, (self.master_key, self._plan.egress_secret))
            self._lines.append(said)
            _log.info("[engine] %s", said)

    def _last_words(self) -> str:
        # uvicorn's own last word is only that the start failed.
        telling = [line for line in self._lines if _EXCEPTION.match(line)] or list(self._lines)
        return f": {telling[-1]}" if telling else ""

    def _give_up(self, error: AgentboxError) -> None:
        self.last_error = error.message
        self._enter(EngineState.FAILED)
        _log.error("%s", f"{error.message} ({error.hint})" if error.hint else error.message)

    def _enter(self, state: EngineState) -> None:
        self.state = state
        if state in {EngineState.STARTING, EngineState.BACKOFF}:
            self._settled.clear()
        else:
            self._settled.set()

    def _unavailable(self) -> EngineUnavailable:
        match self.state:
            case EngineState.STARTING:
                return EngineUnavailable("LiteLLM is still starting", START_RETRY_SECONDS)
            case EngineState.BACKOFF:
                said = f"LiteLLM is being started again: {self.last_error}"
                return EngineUnavailable(said, self._backoff.delay + START_RETRY_SECONDS)
            case EngineState.FAILED:
                return EngineUnavailable(self.last_error or "LiteLLM cannot be started", None)
            case _:
                why = "stopped" if self._is_stopped else "switched off (engine.mode)"
                return EngineUnavailable(f"LiteLLM is {why}, so no call can be translated", None)
