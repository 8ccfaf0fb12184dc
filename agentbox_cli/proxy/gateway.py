"""The MCP gateway as a child process: started when needed, started anew when it ends.

It is known by its command only; what it does is no business of the proxy.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from agentbox_cli.errors import ProxyError
from agentbox_cli.supervise.health import Question, ask
from agentbox_cli.supervise.keeping import Kept, State, answers_within, misses
from agentbox_cli.supervise.place import free_socket, private_directory
from agentbox_cli.supervise.spawn import spawn

# It takes one to two seconds; with nothing compiled yet on a busy machine, much more.
START_SECONDS = 60.0
# Its servers end by themselves, are asked to, and are killed: two seconds for each.
GRACE_SECONDS = 8.0

_ALIVE = Question(path="/health")
_POLL_SECONDS = 0.02
ANSWER_SECONDS = 5.0
# A busy gateway answers late; one that misses three in a row does not work any more.
CHECK_EVERY_SECONDS = 15.0
_CHECKS_MISSED = 3

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


class GatewayUnavailable(ProxyError):  # noqa: N818 - it names the state of things
    """The gateway takes no call now.

    Args:
        message: why.
        retry_after: seconds until it may be otherwise.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Gateway(Kept):
    """A gateway's process and its supervision.

    Args:
        plan: what it runs on.
    """

    def __init__(self, plan: GatewayPlan) -> None:
        super().__init__("the MCP gateway", plan.socket, _log)
        self._plan = plan

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until it takes calls, for no longer than that; starts it if need be.

        Raises:
            GatewayUnavailable: it does not, or not in time.
        """
        self.ensure_started()
        await self._wait_while({State.STARTING}, seconds)
        if self.state is not State.READY:
            raise self._unavailable()

    async def _live(self) -> str:
        plan = self._plan
        await asyncio.to_thread(_prepare, plan)
        child = await spawn(
            plan.command,
            environ=plan.environ,
            directory=plan.directory,
            on_line=_tell,
        )
        return await self._attend(child, self._watch, lambda: GRACE_SECONDS)

    async def _watch(self) -> str:
        if not await answers_within(self._is_alive, START_SECONDS, _POLL_SECONDS):
            return f"the MCP gateway was not ready after {START_SECONDS:.0f} s"
        self._enter(State.READY)
        await misses(self._is_alive, _CHECKS_MISSED, CHECK_EVERY_SECONDS)
        return "the MCP gateway did not answer any more"

    async def _is_alive(self) -> bool:
        return await ask(self.socket_path, _ALIVE, ANSWER_SECONDS) == HTTPStatus.NO_CONTENT

    def _unavailable(self) -> GatewayUnavailable:
        if self._is_stopped:
            return GatewayUnavailable("the proxy is being stopped", 5.0)
        if self.state is State.STARTING:
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
