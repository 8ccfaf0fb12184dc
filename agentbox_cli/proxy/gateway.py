"""The MCP gateway as a child process: started with the first call, started anew when it ends.

It is known by its command only; what it does is no business of the proxy.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

from agentbox_cli.engine.place import free_socket, private_directory
from agentbox_cli.errors import AgentboxError, ProxyError
from agentbox_cli.supervise.backoff import Backoff
from agentbox_cli.supervise.health import Question, ask
from agentbox_cli.supervise.spawn import Child, spawn

# It takes one to two seconds; with nothing compiled yet on a busy machine, much more.
START_SECONDS = 60.0
# Its servers end by themselves, are asked to, and are killed: two seconds for each.
GRACE_SECONDS = 8.0

_ALIVE = Question(path="/health")
_POLL_SECONDS = 0.02
_ANSWER_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlan:
    """What a gateway runs on.

    Args:
        command: how it is started.
        environ: its environment: it looks up variables of the config, as the daemon does.
        directory: its private working directory.
        socket: where it listens.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    directory: Path
    socket: Path


class GatewayState(StrEnum):
    """What the gateway is doing."""

    OFF = "off"  # nobody has asked for it yet
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"  # it ended, and will be started again


class GatewayUnavailable(ProxyError):  # noqa: N818 - it names the state of things
    """The gateway takes no call now.

    Args:
        message: why.
        retry_after: seconds until it may be otherwise.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(slots=True)
class Gateway:
    """A gateway's process and its supervision.

    Args:
        plan: what it runs on.
    """

    plan: GatewayPlan
    state: GatewayState = GatewayState.OFF
    restarts: int = 0
    last_error: str | None = None
    _child: Child | None = None
    _task: asyncio.Task[None] | None = None
    _backoff: Backoff = field(default_factory=Backoff)
    # Replaced at each change of its state, after those who wait have been told.
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _is_stopped: bool = False

    @property
    def pid(self) -> int | None:
        """Its process, None when there is none."""
        return None if self._child is None else self._child.pid

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until it takes calls, for no longer than that; starts it if need be.

        Raises:
            GatewayUnavailable: it does not, or not in time.
        """
        if self._task is None and not self._is_stopped:
            self._enter(GatewayState.STARTING)
            self._task = asyncio.create_task(self._supervise())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.state is GatewayState.STARTING:
                    await self._news.wait()
        if self.state is not GatewayState.READY:
            raise self._unavailable()

    async def stop(self) -> None:
        """End it for good."""
        self._is_stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self.plan.socket.unlink(missing_ok=True)
        self._enter(GatewayState.OFF)

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                self.last_error = await self._live()
            except (AgentboxError, OSError) as error:
                self.last_error = f"the MCP gateway cannot be started: {error}"
            except Exception as error:  # noqa: BLE001 - a bug must not end its supervision
                _log.exception("the MCP gateway's supervision failed")
                self.last_error = f"the MCP gateway cannot be supervised: {error}"
            self._backoff = self._backoff.after(loop.time() - begun)
            delay = self._backoff.delay
            _log.warning("%s; starting it again in %.1f s", self.last_error, delay)
            self._enter(GatewayState.BACKOFF)
            await asyncio.sleep(delay)
            self.restarts += 1
            self._enter(GatewayState.STARTING)

    async def _live(self) -> str:
        """Go through one life of the process, and say why it ended."""
        plan = self.plan
        await asyncio.to_thread(_prepare, plan)
        child = await spawn(
            plan.command,
            environ=plan.environ,
            directory=plan.directory,
            on_line=_tell,
        )
        self._child = child
        watch = asyncio.create_task(self._watch(child))
        try:
            return f"the MCP gateway ended with status {await child.wait()}"
        finally:
            watch.cancel()
            self._child = None
            await child.stop(GRACE_SECONDS)

    async def _watch(self, child: Child) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while await ask(self.plan.socket, _ALIVE, _ANSWER_SECONDS) != HTTPStatus.NO_CONTENT:
            if asyncio.get_running_loop().time() > deadline:
                child.kill()
                return
            await asyncio.sleep(_POLL_SECONDS)
        self._enter(GatewayState.READY)

    def _enter(self, state: GatewayState) -> None:
        self.state = state
        self._news.set()
        self._news = asyncio.Event()

    def _unavailable(self) -> GatewayUnavailable:
        if self._is_stopped:
            return GatewayUnavailable("the proxy is being stopped", 5.0)
        if self.state is GatewayState.STARTING:
            return GatewayUnavailable("the MCP gateway is still starting", 2.0)
        said = f"{self.last_error}; it is being started again. `agentbox litellm logs` tells more"
        return GatewayUnavailable(said, self._backoff.delay + 1.0)


def _prepare(plan: GatewayPlan) -> None:
    for directory in (plan.directory, plan.socket.parent):
        private_directory(directory)
    free_socket(plan.socket)


def _tell(line: str) -> None:
    if line.strip():
        _log.info("[mcp] %s", line)
