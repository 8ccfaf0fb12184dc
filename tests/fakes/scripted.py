"""A provider that sends exactly the bytes it is told, connection by connection."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

SO_LINGER_NOW = struct.pack("ii", 1, 0)


class Do(Enum):
    """What a script may do besides sending bytes and keeping the connection."""

    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"
    MEET = "wait until a second connection is there"


Script = Sequence[bytes | Do]


@dataclass(slots=True)
class ScriptedProvider:
    """Answers each request with the next script; the last one is used again and again.

    Attributes:
        requests: what arrived, head and body.
        connections: how many were accepted.
        ended: how many the caller has ended.
    """

    scripts: deque[Script] = field(default_factory=deque)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: int = 0
    base: str = ""
    _met: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self, *scripts: Script) -> None:
        self.scripts = deque(scripts)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.connections > 1:
            self._met.set()
        with suppress(ConnectionError, asyncio.CancelledError):
            keep = True
            while keep:
                try:
                    self.requests.append(await _request(reader))
                except asyncio.IncompleteReadError:
                    self.ended += 1
                    break
                keep = await self._play(writer)
        writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> bool:
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        for step in script:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step is Do.HANG:
                await asyncio.Event().wait()
            elif step is Do.MEET:
                await self._met.wait()
            else:
                if step is Do.RESET:
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(1, 13, SO_LINGER_NOW)  # SOL_SOCKET, SO_LINGER
                return False
        return True


@asynccontextmanager
async def scripted_provider(*scripts: Script) -> AsyncIterator[ScriptedProvider]:
    """Listen on 127.0.0.1 until the end of the block."""
    provider = ScriptedProvider(deque(scripts))
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await provider._connected(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    provider.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def closed_port() -> AsyncIterator[int]:
    """A port of 127.0.0.1 where every connection is refused, and that nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def whole(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer with its length."""
    length = b"content-length: %d" % len(body)
    head = (b"HTTP/1.1 " + status, b"content-type: application/json", *headers, length, b"", b"")
    return b"\r\n".join(head) + body


def begin_stream(*headers: bytes) -> bytes:
    """The head of a chunked event stream."""
    told = (b"HTTP/1.1 200 OK", b"content-type: text/event-stream", *headers)
    return b"\r\n".join((*told, b"transfer-encoding: chunked", b"", b""))


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


END = b"0\r\n\r\n"


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    return head + await reader.readexactly(lengths[0] if lengths else 0)
