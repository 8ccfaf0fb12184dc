"""A provider that sends as much as the caller takes, and knows how much that was."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.fakes.scripted import END, _request, begin_stream, chunk

BEGIN = b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}\n\n'
MORE = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"%b%b"}}]}\n\n'
FINISH = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


@dataclass(slots=True)
class Flood:
    """Sends chat streams of a given length.

    Args:
        pieces: how many pieces of content each stream has.
        piece: one of them.
        numbered: whether no piece is like another.

    Attributes:
        sent: bytes of content that the socket took so far.
    """

    pieces: int
    piece: bytes = b"x" * 16_000
    numbered: bool = True
    sent: int = 0
    base: str = ""

    def says(self, pieces: int, piece: bytes, *, numbered: bool) -> None:
        """Let the streams from now on be others."""
        self.pieces, self.piece, self.numbered = pieces, piece, numbered

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _request(reader)
                writer.write(begin_stream() + chunk(BEGIN))
                for number in range(self.pieces):
                    own = b"%d " % number if self.numbered else b""
                    writer.write(chunk(MORE % (own, self.piece)))
                    await writer.drain()
                    self.sent += len(self.piece)
                writer.write(chunk(FINISH) + END)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()


@contextmanager
def flowing(source: Flood) -> Iterator[Flood]:
    """Listen on 127.0.0.1, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> asyncio.Server:
        server = await asyncio.start_server(source.connected, "127.0.0.1", 0)
        source.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(20)

    async def stop() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield source
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
