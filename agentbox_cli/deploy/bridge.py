"""A plain 127.0.0.1 port for agents in a container, bridged to the proxy's socket of its host.

Bytes are passed on as they come, both ways, and an end of one way is an end of that way only. The
socket is opened anew for each connection, so the host's proxy may come and go.
"""

import asyncio
import json
import os
import signal
import socket
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from agentbox_cli.daemon import ports
from agentbox_cli.deploy.health import at_port, at_socket
from agentbox_cli.errors import ProxyError, UsageError
from agentbox_cli.paths import SOCKET_PATH_LIMIT

GRACE_SECONDS = 30.0

_BLOCK = 64 * 1024
_BACKLOG = 1024
_OPEN_SECONDS = 10.0
# A connection on which the proxy spoke last, and so long ago, waits for another request.
_QUIET_SECONDS = 2.0
_POLL_SECONDS = 0.1

# Linger for no time: the kernel sends a reset instead of an end (socket(7)).
_RESET = struct.pack("ii", 1, 0)

_DOWN = json.dumps(
    {
        "type": "error",
        "error": {
            "type": "overloaded_error",
            "code": "host_proxy_down",
            "message": "the proxy of the host does not answer on the socket of this container;"
            " start it on the host: agentbox litellm start",
        },
    }
).encode()
_ANSWER_DOWN = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nretry-after: 5\r\nconnection: close\r\n\r\n%b" % (len(_DOWN), _DOWN)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """A bridge that is about to run.

    Args:
        path: the socket that the host's proxy listens on.
        bound: the listening port of this machine.
    """

    path: Path
    bound: tuple[socket.socket, ...]

    @property
    def url(self) -> str:
        """The address that agents are pointed at."""
        return f"http://127.0.0.1:{self.bound[0].getsockname()[1]}"


def prepare(path: Path, port: int) -> Bridge | None:
    """Bind the port; None if a bridge to this very proxy is there already.

    Args:
        path: the socket; it need not be there yet, its directory must.
        port: the port on loopback; 0 for any.

    Raises:
        UsageError: the path cannot be one of a socket.
        ProxyError: the directory is missing, the socket cannot be opened, or the port is taken.
    """
    _check(path)
    try:
        return Bridge(path=path, bound=_bind(port))
    except OSError as error:
        there = at_port(port)
        if there is not None and there == at_socket(path):
            return None
        raise ProxyError(
            f"port {port} on 127.0.0.1 is taken by {ports.holder_of(port)}: {error.strerror}",
            hint="choose another one with --port, and point agents there",
        ) from error


def run(bridge: Bridge, ready: Callable[[], None], grace: float = GRACE_SECONDS) -> None:
    """Relay until SIGTERM or SIGINT; open answers get `grace` seconds, a second signal cuts them.

    Args:
        bridge: what `prepare` gave.
        ready: called once it serves and takes signals.
        grace: seconds for open answers.
    """
    asyncio.run(_serve(bridge, ready, grace))


def is_mounted(path: Path) -> bool:
    """Whether there is a directory that the socket may be in."""
    return os.path.isdir(path.parent)  # noqa: PTH112 - Path.is_dir raises where it may not look


def _check(path: Path) -> None:
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise UsageError(f"{path} is longer than the {SOCKET_PATH_LIMIT} bytes of a socket")
    if not is_mounted(path):
        raise ProxyError(
            f"there is no directory {path.parent}",
            hint="mount the directory of this container's socket there; on the host"
            " agentbox litellm status shows it",
        )
    try:
        found = path.stat()
    except FileNotFoundError:
        return  # the host's proxy may start later
    except OSError as error:
        raise ProxyError(f"cannot look at {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(found.st_mode):
        raise ProxyError(f"{path} is not a socket", hint="mount its directory, not a file")
    if not os.access(path, os.W_OK):
        mode = stat.S_IMODE(found.st_mode)
        raise ProxyError(
            f"uid {os.geteuid()} may not open {path},"
            f" which belongs to uid {found.st_uid} and has mode {mode:04o}",
            hint="run the bridge as that uid, or set litellm.socket_access on the host",
        )


def _bind(port: int) -> tuple[socket.socket, ...]:
    first = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    with suppress(OSError):  # where there is no ::1, nobody misses it
        own = first.getsockname()[1]
        return first, socket.create_server(("::1", own), family=socket.AF_INET6, backlog=_BACKLOG)
    return (first,)


async def _serve(bridge: Bridge, ready: Callable[[], None], grace: float) -> None:
    stop, now = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _told, stop, now)
    relay = _Relay(bridge.path)
    servers = [await asyncio.start_server(relay.accept, sock=each) for each in bridge.bound]
    ready()
    await stop.wait()
    for server in servers:
        server.close()
    await relay.finish(now, grace)


def _told(stop: asyncio.Event, now: asyncio.Event) -> None:
    (now if stop.is_set() else stop).set()


@dataclass(eq=False, slots=True)
class _Call:
    """One connection: whether the proxy spoke last, and when anybody did."""

    task: "asyncio.Task[None]"
    answered: bool = True
    at: float = 0.0

    def idle(self, now: float) -> bool:
        return self.answered and now - self.at > _QUIET_SECONDS


@dataclass(slots=True)
class _Relay:
    path: Path
    calls: set[_Call] = field(default_factory=set)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as one
        call = _Call(task, at=asyncio.get_running_loop().time())
        self.calls.add(call)
        try:
            await self._relayed(call, reader, writer)
        except (OSError, asyncio.CancelledError):
            if not call.idle(asyncio.get_running_loop().time()):
                _cut(writer)
        finally:
            self.calls.discard(call)
            writer.close()

    async def finish(self, now: asyncio.Event, grace: float) -> None:
        """Wait for open answers; what waits for another request is closed at once."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace
        while self.calls and loop.time() < deadline and not now.is_set():
            for call in self.calls:
                if call.idle(loop.time()):
                    call.task.cancel()
            await asyncio.sleep(_POLL_SECONDS)
        left = [call.task for call in self.calls]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _relayed(
        self, call: _Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                up_reader, up_writer = await asyncio.open_unix_connection(self.path)
        except (OSError, TimeoutError):
            await _say_down(reader, writer)
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(call, reader, up_writer, answered=False))
                both.create_task(_pump(call, up_reader, writer, answered=True))
        except* OSError as group:
            raise group.exceptions[0] from None
        finally:
            up_writer.transport.abort()


def _cut(writer: asyncio.StreamWriter) -> None:
    """End a connection so that what came by it does not look whole: by a reset."""
    own: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _pump(
    call: _Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answered: bool
) -> None:
    """Pass bytes on until the end of this way."""
    loop = asyncio.get_running_loop()
    while data := await reader.read(_BLOCK):
        call.answered, call.at = answered, loop.time()
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _say_down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer instead of the host's proxy, once something was asked."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_OPEN_SECONDS):
            if await reader.read(_BLOCK):
                writer.write(_ANSWER_DOWN)
                await writer.drain()
                writer.write_eof()
                # Unread bytes would make the kernel reset the connection before it is read.
                while await reader.read(_BLOCK):
                    pass
