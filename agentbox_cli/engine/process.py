"""The engine: stock LiteLLM as a child process on a unix socket, started anew when it ends."""

import asyncio
import logging
import os
import re
import secrets
from collections import deque
from dataclasses import replace
from http import HTTPStatus

from pydantic import SecretStr

from agentbox_cli.config.redaction import redact
from agentbox_cli.engine.environment import engine_environment
from agentbox_cli.engine.plan import DRAIN_SECONDS, EnginePlan
from agentbox_cli.errors import AgentboxError, ProxyError
from agentbox_cli.supervise.health import Question, ask
from agentbox_cli.supervise.keeping import Hopeless, Kept, State, answers_within, misses
from agentbox_cli.supervise.place import free_socket, private_directory, write_private
from agentbox_cli.supervise.spawn import spawn

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
_SILENT = "LiteLLM did not answer any more"
_EXCEPTION = re.compile(r"[\w.]+(Error|Exception|Exit|Interrupt)\b")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

_log = logging.getLogger(__name__)


class EngineUnavailable(ProxyError):  # noqa: N818 - it names the state of things
    """No translated call can be made now.

    Args:
        message: why.
        retry_after: seconds until it may be otherwise; None if it will not be by itself.
    """

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Engine(Kept):
    """A LiteLLM process and its supervision.

    Args:
        plan: what it runs on.
    """

    def __init__(self, plan: EnginePlan) -> None:
        super().__init__("LiteLLM", plan.socket, _log)
        self.master_key = SecretStr(f"sk-{secrets.token_urlsafe(32)}")
        self._plan = plan
        self._grace = float(DRAIN_SECONDS)
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)

    def start(self) -> None:
        """Start it if it is to run from the beginning; returns at once."""
        if self._plan.mode == "eager":
            self.ensure_started()

    def ensure_started(self) -> None:
        """Start it unless it runs, or must not; returns at once."""
        if self._plan.mode != "off":
            super().ensure_started()

    async def wait_ready(self, seconds: float) -> None:
        """Wait until it takes calls; starts a lazy one.

        Raises:
            EngineUnavailable: it does not, or not in time.
        """
        self.ensure_started()
        await self._wait_while({State.STARTING, State.BACKOFF}, seconds)
        if self.state is not State.READY:
            raise self._unavailable()

    async def stop(self, grace: float = DRAIN_SECONDS) -> None:
        """End it for good: open answers may finish for `grace` seconds, then it is killed."""
        self._grace = grace
        await super().stop()

    async def _live(self) -> str:
        try:
            return await self._live_once()
        except AgentboxError as error:
            raise Hopeless(error) from error
        except Exception as error:
            # A bug must not look like an endless start.
            _log.exception("the engine's supervision ended")
            why = ProxyError(f"the engine cannot be supervised: {error}")
            raise Hopeless(why) from error

    async def _live_once(self) -> str:
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
        why = await self._attend(child, self._watch, lambda: self._grace)
        return why if why == _SILENT else f"{why}{self._last_words()}"

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

    async def _watch(self) -> str:
        """Go on for as long as it works, and say why it does not any more."""
        begun = asyncio.get_running_loop().time()
        if not await answers_within(self._is_up, START_SECONDS, _POLL_SECONDS):
            return f"LiteLLM was not ready after {START_SECONDS:.0f} s"
        _log.info("LiteLLM is ready after %.1f s", asyncio.get_running_loop().time() - begun)
        self._enter(State.READY)
        for question in self._plan.warm_up:
            await self._ask(question, WARM_UP_SECONDS)
        await misses(self._is_alive, CHECKS_MISSED, CHECK_EVERY_SECONDS)
        return _SILENT

    async def _is_up(self) -> bool:
        return await self._ask(_ALIVE, _POLL_ANSWER_SECONDS) == HTTPStatus.OK

    async def _is_alive(self) -> bool:
        return await self._ask(_ALIVE, CHECK_SECONDS) == HTTPStatus.OK

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

    def _unavailable(self) -> EngineUnavailable:
        match self.state:
            case State.STARTING:
                return EngineUnavailable("LiteLLM is still starting", START_RETRY_SECONDS)
            case State.BACKOFF:
                said = f"LiteLLM is being started again: {self.last_error}"
                return EngineUnavailable(said, self._backoff.delay + START_RETRY_SECONDS)
            case State.FAILED:
                return EngineUnavailable(self.last_error or "LiteLLM cannot be started", None)
            case _:
                why = "stopped" if self._is_stopped else "switched off (engine.mode)"
                return EngineUnavailable(f"LiteLLM is {why}, so no call can be translated", None)
