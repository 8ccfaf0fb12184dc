"""A server that is a program of ours to start: messages as lines on its stdin and stdout.

Not the SDK's own transport, for three reasons: the program must die with the gateway even if that
is killed, a line without end must not fill the memory, and text between the messages, which many
servers print, must not become a traceback for each line.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, jsonrpc_message_adapter
from pydantic import ValidationError

from agentbox_cli.errors import ProxyError
from agentbox_cli.supervise import shim

# What a server may take to end by itself once its stdin is closed, and then after SIGTERM.
PATIENCE_SECONDS = 2.0

# Marks our own error in place of an answer.
TOO_LONG = "agentbox: too long"

_POLL_SECONDS = 0.01
_BLOCK = 256 * 1024
# Either end of an answer that is too long: its id stands at one of them.
_ENDS = 4 * 1024
# Our ids are numbers; some servers give them back as texts.
_ID = re.compile(rb'"id"\s*:\s*"?(\d+)"?\s*[,}]')

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a server is started.

    Args:
        command: the program, by name or path.
        arguments: its arguments.
        environ: its environment, all of it.
        directory: its working directory.
        line_limit: bytes of the longest message that is read.
    """

    command: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    directory: Path
    line_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Who hears what a program says beside its messages.

    Args:
        on_error_line: gets each line of its stderr.
        on_noise: gets each line of its stdout that is no message.
        on_end: gets its status if it went by itself; None if it cannot be ended.
    """

    on_error_line: Callable[[str], None]
    on_noise: Callable[[str], None]
    on_end: Callable[[int | None], None]


@asynccontextmanager
async def program_streams(
    program: Program, hearing: Hearing
) -> AsyncIterator[tuple[Incoming, Outgoing]]:
    """Start a server and give the streams of its messages; it ends with the context.

    Raises:
        ProxyError: it cannot be started.
    """
    process = await _start(program)
    to_us, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_us = anyio.create_memory_object_stream[SessionMessage](0)
    tasks = (
        asyncio.create_task(_read_messages(process, to_us, program.line_limit, hearing)),
        asyncio.create_task(_write_messages(process, from_us)),
        asyncio.create_task(_read_errors(process, hearing.on_error_line)),
    )
    try:
        yield incoming, outgoing
    finally:
        went = tasks[0].done()
        with anyio.CancelScope(shield=True):
            await _end(process, tasks)
        if went:
            hearing.on_end(process.returncode)
        for stream in (to_us, incoming, outgoing, from_us):
            stream.close()


def find_program(command: str, environ: Mapping[str, str]) -> str:
    """The path of a program.

    Raises:
        ProxyError: there is none.
    """
    found = shutil.which(os.path.expanduser(command), path=environ.get("PATH"))  # noqa: PTH111 - a name has no path yet
    if found is None:
        raise ProxyError(
            f"there is no program {command!r}", hint="install it, or give its whole path"
        )
    return str(Path(found).absolute())


async def _start(program: Program) -> asyncio.subprocess.Process:
    path = find_program(program.command, program.environ)
    tied = [sys.executable, "-I", "-S", shim.__file__, str(os.getpid()), path]
    try:
        return await asyncio.create_subprocess_exec(
            *tied,
            *program.arguments,
            env=dict(program.environ),
            cwd=program.directory,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # A group of its own, to be killed as a whole; in our session, so that whoever ends
            # that finds it too.
            process_group=0,
            limit=_BLOCK,
        )
    except OSError as error:
        raise ProxyError(f"{program.command!r} cannot be started: {error.strerror}") from error


async def _read_messages(
    process: asyncio.subprocess.Process,
    to_us: MemoryObjectSendStream[SessionMessage | Exception],
    limit: int,
    hearing: Hearing,
) -> None:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with to_us:
            async for line in _lines(process.stdout, limit):
                message = _message(line, limit)
                if message is not None:
                    await to_us.send(message)
                elif text := bytes(line.head).decode("utf-8", "replace").strip():
                    hearing.on_noise(text)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # nobody listens any more


@dataclass(frozen=True, slots=True)
class _Line:
    """A line: whole in `head`, or of one that is too long its two ends."""

    head: bytes
    tail: bytes = b""
    size: int = 0


class _Assembly:
    """A line in the making, of which no more is kept than is read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._tail = b""
        self._size = 0

    def add(self, part: bytes) -> None:
        """Go on with the line."""
        self._size += len(part)
        if self._tail:
            self._tail = (self._tail + part)[-_ENDS:]
            return
        self._held += part
        if self._size > self._limit:
            self._tail = bytes(self._held[-_ENDS:])
            del self._held[_ENDS:]

    def finished(self) -> _Line:
        """The line as it is; the next one begins."""
        line = _Line(bytes(self._held), self._tail, self._size if self._tail else 0)
        self._held, self._tail, self._size = bytearray(), b"", 0
        return line


async def _lines(reader: asyncio.StreamReader, limit: int) -> AsyncIterator[_Line]:
    assembly = _Assembly(limit)
    while block := await reader.read(_BLOCK):
        *whole, rest = block.split(b"\n")
        for part in whole:
            assembly.add(part)
            yield assembly.finished()
        assembly.add(rest)
    yield assembly.finished()


def _message(line: _Line, limit: int) -> SessionMessage | None:
    """What a line says; None if that is no message."""
    if line.size:
        return _refusal(line, limit)
    if not line.head.lstrip().startswith(b"{"):
        return None
    try:
        # Bytes that are no UTF-8 in one text must not cost the whole answer.
        text = line.head.decode("utf-8", "replace")
        return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
    except ValidationError:
        return None


def _refusal(line: _Line, limit: int) -> SessionMessage | None:
    """An error in place of an answer that is too long to be read."""
    found = _ID.findall(line.tail)[-1:] or _ID.findall(line.head)[:1]
    if not found:
        return None
    size, most = line.size / 1_000_000, limit / 1_000_000
    error = ErrorData(
        code=INTERNAL_ERROR,
        message=f"the answer has {size:.0f} MB, more than the {most:.0f} MB that are read",
        data=TOO_LONG,
    )
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=int(found[0]), error=error))


async def _write_messages(
    process: asyncio.subprocess.Process, from_us: MemoryObjectReceiveStream[SessionMessage]
) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    async with from_us:
        async for sent in from_us:
            text = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            # One that reads no more ends soon; its reader tells of that.
            with contextlib.suppress(ConnectionError):
                await process.stdin.drain()


async def _read_errors(
    process: asyncio.subprocess.Process, on_line: Callable[[str], None]
) -> None:
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    async for line in _lines(process.stderr, _ENDS):
        if text := line.head.decode("utf-8", "replace").rstrip():
            on_line(text)


async def _end(process: asyncio.subprocess.Process, tasks: tuple[asyncio.Task[None], ...]) -> None:
    """Let it end by itself, ask it to, and kill what is left of its group."""
    tasks[1].cancel()
    if process.stdin is not None:
        process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if await _status(process, PATIENCE_SECONDS) is not None:
            break
        _signal(process.pid, number)
    await _status(process, PATIENCE_SECONDS)
    # Its own children may outlive it.
    _signal(process.pid, signal.SIGKILL)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _status(process: asyncio.subprocess.Process, seconds: float) -> int | None:
    """The status of a process that ends in time; None for one that does not.

    Not process.wait(): that waits for its pipes too, which its children may hold open.
    """
    for _ in range(int(seconds / _POLL_SECONDS)):
        if process.returncode is not None:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return process.returncode


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
