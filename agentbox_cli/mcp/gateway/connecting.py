"""Open a session with a server, whatever it is spoken to by, and learn what it has."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from anyio.abc import TaskStatus
from mcp.shared.exceptions import MCPError
from mcp_types import METHOD_NOT_FOUND

from agentbox_cli.config.redaction import redact
from agentbox_cli.errors import AgentboxError, ProxyError
from agentbox_cli.mcp.gateway.environment import server_environment
from agentbox_cli.mcp.gateway.remote import remote_streams
from agentbox_cli.mcp.gateway.session import Changed, Greeting, Session
from agentbox_cli.mcp.gateway.settings import Server
from agentbox_cli.mcp.gateway.stdio import Hearing, Program, program_streams

# Lists of tools must be read too, where answers may be short.
_SHORTEST_LINE = 4_000_000

KINDS: Mapping[str, tuple[str, ...]] = {
    "tools": ("tools",),
    "resources": ("resources", "resourceTemplates"),
    "prompts": ("prompts",),
}
_METHODS = {"resourceTemplates": "resources/templates/list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a server lists, as it says it."""

    tools: tuple[Any, ...] = ()
    resources: tuple[Any, ...] = ()
    templates: tuple[Any, ...] = ()
    prompts: tuple[Any, ...] = ()


@dataclass(slots=True, kw_only=True)
class Ears:
    """Who hears what a server says and does beside its answers.

    Args:
        step: told each step of the connection.
        stderr: gets each line of a program's stderr.
        noise: gets each line of its stdout that is no message.
        ended: gets its status at its end.
        changed: told which list the server says has changed.
        updated: told which resource that is watched has changed.
    """

    step: Callable[[str], None] = field(default=lambda _: None)
    stderr: Callable[[str], None] = field(default=lambda _: None)
    noise: Callable[[str], None] = field(default=lambda _: None)
    ended: Callable[[int | None], None] = field(default=lambda _: None)
    changed: Changed = field(default=lambda _: None)
    updated: Changed = field(default=lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """An open session.

    Args:
        session: for requests.
        greeting: what the server said of itself.
        listed: what it has.
        over: set when it has ended.
        forgotten: set when the server does not know the session any more.
    """

    session: Session
    greeting: Greeting
    listed: Listed
    over: anyio.Event
    forgotten: anyio.Event


@asynccontextmanager
async def connected(server: Server, ears: Ears) -> AsyncIterator[Connection]:
    """Connect, greet and list within the server's `connect_timeout`; ends with the context.

    Raises:
        ProxyError: it cannot be started, or something is missing for it.
        TimeoutError: it took too long.
        MCPError: it refused.
    """
    if server.lacking:
        raise ProxyError(
            server.lacking, hint="export it, or put it into the .env beside config.yml"
        )
    over, forgotten = anyio.Event(), anyio.Event()
    with anyio.fail_after(server.config.connect_timeout) as deadline:
        async with (
            _streams(server, ears, forgotten.set) as (read, write),
            anyio.create_task_group() as group,
        ):
            ears.step("connected")
            session = Session(read, write, ears.changed, ears.updated)

            async def run(*, task_status: TaskStatus[None]) -> None:
                await session.run(task_status)
                over.set()

            await group.start(run)
            greeting = await session.greet()
            ears.step("greeted")
            listed = await everything(session, greeting)
            ears.step("listed")
            deadline.deadline = float("inf")
            yield Connection(
                session=session, greeting=greeting, listed=listed, over=over, forgotten=forgotten
            )
            group.cancel_scope.cancel()


async def everything(session: Session, greeting: Greeting) -> Listed:
    """All that a server lists."""
    found: dict[str, tuple[Any, ...]] = {}
    for kind, lists in KINDS.items():
        if greeting.has(kind):
            found |= await listed_kind(session, lists)
    return Listed(
        tools=found.get("tools", ()),
        resources=found.get("resources", ()),
        templates=found.get("resourceTemplates", ()),
        prompts=found.get("prompts", ()),
    )


async def listed_kind(session: Session, lists: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """The lists of one kind, by name."""
    found = {}
    for name in lists:
        try:
            found[name] = tuple(await session.everything(name, _METHODS.get(name)))
        except MCPError as error:
            # A server may have resources and no templates of such.
            if error.error.code != METHOD_NOT_FOUND:
                raise
            found[name] = ()
    return found


def _streams(
    server: Server, ears: Ears, on_forgotten: Callable[[], None]
) -> AbstractAsyncContextManager[tuple[Any, Any]]:
    longest = max(_SHORTEST_LINE, 2 * server.config.max_output_bytes)
    config = server.config
    if config.command is None:
        return remote_streams(server, longest, on_forgotten)
    environ = server_environment(os.environ, server.env)
    directory = Path(config.cwd or environ.get("HOME", "/")).expanduser()
    if not directory.is_dir():
        raise ProxyError(f"there is no directory {directory}", hint="`cwd` names it")
    program = Program(
        command=config.command,
        arguments=config.args,
        environ=environ,
        directory=directory,
        line_limit=longest,
    )
    hearing = Hearing(on_error_line=ears.stderr, on_noise=ears.noise, on_end=ears.ended)
    return program_streams(program, hearing)


def reason_of(error: BaseException, server: Server) -> str:
    """Why a session could not be opened or went on no longer, without a key."""
    return redact(_reason(error, server), server.secrets())


def _reason(error: BaseException, server: Server) -> str:
    match error:
        case BaseExceptionGroup():
            said = _reason(error.exceptions[0], server)
        case TimeoutError():
            said = f"it did not answer within {server.config.connect_timeout:g} s"
        case AgentboxError():
            said = f"{error.message} ({error.hint})" if error.hint else error.message
        case MCPError():
            said = f"it answered with an error: {error.error.message[:500]}"
        case httpx2.HTTPStatusError():
            said = _status_reason(error)
        case httpx2.HTTPError() | OSError():
            said = f"it cannot be reached: {error}" if str(error) else "it cannot be reached"
        case _:
            said = f"{type(error).__name__}: {error}"[:500]
    return said


def _status_reason(error: httpx2.HTTPStatusError) -> str:
    if location := error.response.headers.get("location"):
        return f"it redirects to {location}, which is not followed"
    return f"it answered with HTTP {error.response.status_code}"
