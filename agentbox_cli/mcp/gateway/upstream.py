"""One server behind the gateway: its session is kept, shared, and opened anew when it ends."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import anyio
from mcp.shared.dispatcher import ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, REQUEST_TIMEOUT

from agentbox_cli.errors import ConfigError
from agentbox_cli.mcp.gateway.connecting import (
    KINDS,
    Connection,
    Ears,
    Listed,
    connected,
    listed_kind,
    reason_of,
)
from agentbox_cli.mcp.gateway.cutting import cut, failure
from agentbox_cli.mcp.gateway.pins import PinnedBy, Pins, first_pins, pin, read_pins
from agentbox_cli.mcp.gateway.settings import Server
from agentbox_cli.mcp.gateway.stdio import TOO_LONG
from agentbox_cli.mcp.gateway.tools import Filter, Tool, ToolState, instructions_of, sorted_tools
from agentbox_cli.mcp.gateway.watching import Watched
from agentbox_cli.mcp.gateway.words import Words
from agentbox_cli.supervise.backoff import Backoff

_log = logging.getLogger(__name__)

_FIELDS = {"tools": ("tools",), "resources": ("resources", "templates"), "prompts": ("prompts",)}


class State(StrEnum):
    """How a server is."""

    STARTING = "starting"
    READY = "ready"
    DOWN = "down"  # it will be tried again
    DISABLED = "disabled"  # by the config


class Down(Exception):  # noqa: N818 - it names the state of things
    """A server cannot be asked now; the message says why."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of calls."""

    calls: int = 0
    failed: int = 0
    last_ms: float | None = None
    connect_ms: float | None = None
    restarts: int = 0


class Upstream:
    """A server and its supervision.

    Args:
        server: what it is.
        pins: the file of pinned tools.
        on_changed: told which list is not as it was.
        on_updated: told the URI of a resource that somebody watches and that has changed.
    """

    def __init__(
        self,
        server: Server,
        pins: Path,
        on_changed: Callable[[str], None],
        on_updated: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.server = server
        self.state = State.STARTING if server.config.enabled else State.DISABLED
        self.reason: str | None = None
        self.tools: tuple[Tool, ...] = ()
        self.instructions: Tool | None = None
        self.listed = Listed()
        self._instructions = ""
        self._announced = Listed()
        self.pins: Pins | None = None
        self.pin_problem: str | None = None
        self.tally = Tally()
        self._words = Words(server)
        self._file = pins
        self._on_changed = on_changed
        self._on_updated = on_updated
        self.watched = Watched(self.ask)
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._backoff = Backoff()
        self._next_try: float | None = None
        # Its first attempt is over, however that went.
        self._settled = asyncio.Event()
        # Replaced at each change of its state, after those who wait have been told.
        self._news = asyncio.Event()
        self._was_ready = False
        self._dirty: set[str] = set()
        self._stir = asyncio.Event()

    @property
    def retry_s(self) -> float | None:
        """Seconds until it is tried again."""
        return None if self._next_try is None else max(self._next_try - time.monotonic(), 0.0)

    @property
    def greeting(self) -> Any:
        """What the server says of itself; None while there is no session."""
        return None if self._connection is None else self._connection.greeting

    def start(self) -> None:
        """Open a session, and keep one open; returns at once."""
        if self.state is State.DISABLED:
            self._settled.set()
        elif self._task is None:
            self._task = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """End the session and its process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def wait_settled(self, seconds: float) -> None:
        """Wait until it is known how it is, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settled.wait()

    def usable(self) -> dict[str, Tool]:
        """The tools that clients may see and call, by the server's own name."""
        return {tool.name: tool for tool in self.tools if tool.state is ToolState.OK}

    def judged(self) -> tuple[Tool, ...]:
        """The tools, and the instructions as if they were one."""
        return (*self.tools, *([self.instructions] if self.instructions else ()))

    def told(self) -> str:
        """The instructions that clients may read; empty if there are none."""
        found = self.instructions
        usable = found is not None and found.state is ToolState.OK and self.state is State.READY
        return str(found.definition["description"]) if found and usable else ""

    def shown(self) -> Listed:
        """What clients see: as listed, but without tools that are left out; nothing when down."""
        if self.state in (State.DOWN, State.DISABLED):
            return Listed()
        tools = tuple(tool.definition for tool in self.usable().values())
        return replace(self.listed, tools=tools)

    async def call(
        self, name: str, arguments: Mapping[str, Any], on_progress: ProgressFnT | None
    ) -> Mapping[str, Any]:
        """Call a tool; what goes wrong is an answer in words, for the model.

        Raises:
            MCPError: the server itself answers with an error.
        """
        begun = time.monotonic()
        self.tally.calls += 1
        params = {"name": name, "arguments": dict(arguments)}
        try:
            result = await self.ask("tools/call", params, on_progress)
        except Down as why:
            self.tally.failed += 1
            return failure(str(why))
        except MCPError as error:
            self.tally.failed += 1
            if error.error.data == TOO_LONG:
                return failure(error.error.message)
            raise
        self.tally.failed += bool(result.get("isError"))
        self.tally.last_ms = (time.monotonic() - begun) * 1_000
        return cut(result, self.server.config.max_output_bytes)

    async def ask(
        self, method: str, params: Mapping[str, Any], on_progress: ProgressFnT | None = None
    ) -> dict[str, Any]:
        """Send a request over the session; one that the server has forgotten is opened anew.

        Raises:
            Down: there is no session, it ended meanwhile, or no answer came in time.
            MCPError: the server answers with an error.
        """
        for _ in range(2):
            connection = await self._ready()
            seconds = self.server.config.timeout
            try:
                return await connection.session.ask(
                    method, params, seconds=seconds, on_progress=on_progress
                )
            except MCPError as error:
                if not connection.forgotten.is_set():
                    raise self._told(error) from None
                # It was refused before anybody looked at it, so it can be sent again.
                self._give_up(connection)
        raise Down(f"the MCP server {self.server.name} keeps forgetting its session")

    def judge(self) -> None:
        """Sort the tools anew, as after a change of the pins."""
        if self._connection is not None:
            self._judge()
            self._announce()

    async def _ready(self) -> Connection:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.server.config.connect_timeout):
                while self._connection is None and self._is_promising():
                    await self._news.wait()
        if self._connection is None:
            raise Down(self._why_down())
        return self._connection

    def _is_promising(self) -> bool:
        """Whether it is worth waiting: it is on its way, or ended after it had worked."""
        return self.state is State.STARTING or (self.state is State.DOWN and self._was_ready)

    def _why_down(self) -> str:
        name = self.server.name
        if self.state is State.DISABLED:
            return f"the MCP server {name} is switched off in config.yml"
        if self.state is State.STARTING:
            return f"the MCP server {name} is still starting"
        again = f"; it is tried again in {self.retry_s:.0f} s" if self.retry_s else ""
        return (
            f"the MCP server {name} is down: {self.reason}{again}."
            f" `agentbox litellm mcp test {name}` tells more"
        )

    def _told(self, error: MCPError) -> Exception:
        name = self.server.name
        if error.error.code == REQUEST_TIMEOUT:
            seconds = self.server.config.timeout
            return Down(f"the MCP server {name} did not answer within {seconds:g} s")
        if error.error.code == CONNECTION_CLOSED:
            return Down(
                f"the MCP server {name} ended during the call, so nobody knows what it did;"
                " it is being started again"
            )
        return error

    def _give_up(self, connection: Connection) -> None:
        if self._connection is connection:
            self._leave(State.STARTING)
            self.reason = "it has forgotten the session"
        connection.over.set()

    async def _supervise(self) -> None:
        while True:
            begun = time.monotonic()
            self._was_ready = False
            self._words.begin()
            try:
                await self._live()
            except Exception as error:  # noqa: BLE001 - one server must not take others along
                self.reason = self._words.end_reason() or reason_of(error, self.server)
            self._backoff = self._backoff.after(time.monotonic() - begun)
            self._leave(State.STARTING)
            # One that worked until now is started again at once: the next call need not wait.
            if not self._was_ready or self._backoff.ends > 1:
                await self._pause(self._backoff.delay)
            self.tally.restarts += 1

    async def _pause(self, delay: float) -> None:
        _log.warning("[%s] %s; trying again in %.1f s", self.server.name, self.reason, delay)
        self._next_try = time.monotonic() + delay
        self._enter(State.DOWN)
        self._settled.set()
        self._announce()
        await asyncio.sleep(delay)
        self._next_try = None
        self._enter(State.STARTING)

    def _leave(self, state: State) -> None:
        self._connection = None
        self._enter(state)

    def _enter(self, state: State) -> None:
        self.state = state
        self._news.set()
        self._news = asyncio.Event()

    async def _live(self) -> None:
        """Go through one session, from its opening to its end."""
        begun = time.monotonic()
        ears = Ears(
            stderr=self._words.hear,
            noise=self._words.hear_noise,
            ended=self._words.end,
            changed=self._shift,
            updated=self._on_updated,
        )
        async with connected(self.server, ears) as connection:
            self._take(connection, (time.monotonic() - begun) * 1_000)
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_fresh, connection)
                await connection.over.wait()
                group.cancel_scope.cancel()
            self._leave(State.STARTING)
        self.reason = self._words.end_reason() or self.reason or "the connection was closed"

    def _take(self, connection: Connection, took: float) -> None:
        self.listed, self._instructions = connection.listed, connection.greeting.instructions
        self._judge()
        self.tally.connect_ms = took
        self._connection, self._was_ready, self.reason = connection, True, None
        self._enter(State.READY)
        self._settled.set()
        _log.info("[%s] ready after %.0f ms", self.server.name, took)
        self._announce()

    def _shift(self, kind: str) -> None:
        self._dirty.add(kind)
        self._stir.set()

    async def _keep_fresh(self, connection: Connection) -> None:
        """Watch again what is watched; read the lists anew that the server says have changed."""
        for uri in self.watched.uris():
            with contextlib.suppress(MCPError):
                await connection.session.ask(
                    "resources/subscribe", {"uri": uri}, seconds=self.server.config.timeout
                )
        while True:
            await self._stir.wait()
            self._stir.clear()
            await self._refresh(connection)

    async def _refresh(self, connection: Connection) -> None:
        while self._dirty:
            kind = self._dirty.pop()
            if not connection.greeting.has(kind):
                continue
            with contextlib.suppress(MCPError, TimeoutError):
                async with asyncio.timeout(self.server.config.connect_timeout):
                    found = await listed_kind(connection.session, KINDS[kind])
                names = {"resourceTemplates": "templates"}
                fresh = {names.get(name, name): items for name, items in found.items()}
                self.listed = replace(self.listed, **fresh)
                self._judge()
                self._announce()

    def _judge(self) -> None:
        config = self.server.config
        chosen = Filter(allow=config.allow, deny=config.deny)
        try:
            self.pins = self._pinned(chosen)
            self.pin_problem = None
        except ConfigError as error:
            # What was pinned is not known: what is there already may go on, and nothing else.
            self.pin_problem = error.message
            self.pins = self.pins or Pins(by=PinnedBy.FIRST_CONTACT, at="", tools={})
        self.tools = sorted_tools(self.listed.tools, chosen, self.pins.tools)
        self.instructions = instructions_of(self._instructions, chosen, self.pins.tools)

    def _pinned(self, chosen: Filter) -> Pins:
        known = read_pins(self._file).get(self.server.name)
        if known is not None:
            return known
        told = instructions_of(self._instructions, chosen, None)
        tools = (*sorted_tools(self.listed.tools, chosen, None), *([told] if told else ()))
        try:
            return pin(self._file, self.server.name, tools, PinnedBy.FIRST_CONTACT)
        except ConfigError as error:
            self.pin_problem = f"{error.message}; the tools are pinned until the gateway ends"
            return self.pins or first_pins(tools)

    def _announce(self) -> None:
        """Tell which lists are not as clients saw them last."""
        before, self._announced = self._announced, self.shown()
        for kind, fields in _FIELDS.items():
            if any(getattr(before, name) != getattr(self._announced, name) for name in fields):
                self._on_changed(kind)
