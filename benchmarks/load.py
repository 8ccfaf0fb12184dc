"""The load: many keep-alive connections that each send the next request as the last is answered.

One process with one epoll: about 20 microseconds per request, several times as fast as anything
that is measured with it, which the direct figure proves each time.
"""

import select
import socket
import time
from dataclasses import dataclass, field

from benchmarks.wire import TIMEOUT_SECONDS, is_whole, status_of

WARM_UP_SECONDS = 0.3

_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load came to.

    Args:
        rate: good answers per second, after the warm-up.
        failed: answers that were not a 200.
        answered: good answers, those of the warm-up too.
    """

    rate: float
    failed: int
    answered: int


@dataclass(slots=True)
class _Client:
    socket: socket.socket
    raw: bytes = b""


@dataclass(slots=True)
class _Crowd:
    request: bytes
    poll: select.epoll
    clients: dict[int, _Client] = field(default_factory=dict)
    answered: int = 0
    failed: int = 0

    def join(self, port: int) -> None:
        """Add a connection, and send its first request."""
        joined = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        joined.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.clients[joined.fileno()] = _Client(joined)
        self.poll.register(joined, select.EPOLLIN)
        joined.sendall(self.request)

    def go_on(self, until: float) -> None:
        """Answer what comes with the next request."""
        while time.perf_counter() < until:
            for descriptor, _ in self.poll.poll(0.5):
                self._hear(self.clients[descriptor])

    def leave(self) -> None:
        """Close everything."""
        for client in self.clients.values():
            client.socket.close()
        self.poll.close()

    def _hear(self, client: _Client) -> None:
        block = client.socket.recv(_BLOCK)
        if not block:
            raise ConnectionError(f"closed after {client.raw[:300]!r}")
        client.raw += block
        if not is_whole(client.raw):
            return
        good = status_of(client.raw) == 200
        self.answered += good
        self.failed += not good
        client.raw = b""
        client.socket.sendall(self.request)


def drive(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Ask as fast as answers come, for so long after a short warm-up."""
    crowd = _Crowd(request, select.epoll())
    try:
        for _ in range(connections):
            crowd.join(port)
        crowd.go_on(time.perf_counter() + WARM_UP_SECONDS)
        early = crowd.answered
        begun = time.perf_counter()
        crowd.go_on(begun + seconds)
        return Load(
            rate=(crowd.answered - early) / (time.perf_counter() - begun),
            failed=crowd.failed,
            answered=crowd.answered,
        )
    finally:
        crowd.leave()
