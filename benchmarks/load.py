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
# Connections of a load at an even pace; more than are ever busy, and less than a crowd, which is
# a case of its own (`streams.py`).
MOST_OPEN = 48

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What a load at an even pace came to.

    Args:
        answered: good answers.
        failed: answers that were not a 200.
        took_ms: each from the time at which its request was due.
    """

    answered: int
    failed: int
    took_ms: list[float]


@dataclass(slots=True)
class _Client:
    socket: socket.socket
    raw: bytes = b""
    due: float = 0.0


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
        self.is_answered(client)

    def is_answered(self, client: _Client) -> None:
        """Send the next request at once."""
        client.socket.sendall(self.request)


@dataclass(slots=True)
class _Paced(_Crowd):
    idle: list[_Client] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)

    def join(self, port: int) -> None:
        """Add a connection that waits for its turn."""
        joined = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        joined.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = self.clients[joined.fileno()] = _Client(joined)
        self.poll.register(joined, select.EPOLLIN)
        self.idle.append(client)

    def keep_pace(self, rate: float, seconds: float) -> None:
        """Send each request when it is due, and hear out the last one."""
        begun = time.perf_counter()
        due = [begun + n / rate for n in reversed(range(int(rate * seconds)))]
        while due or len(self.idle) < len(self.clients):
            now = time.perf_counter()
            while due and due[-1] <= now and self.idle:
                client = self.idle.pop()
                client.due = due.pop()
                client.socket.sendall(self.request)
            pause = max(0.0, due[-1] - now) if due and self.idle else 0.5
            for descriptor, _ in self.poll.poll(pause):
                self._hear(self.clients[descriptor])

    def is_answered(self, client: _Client) -> None:
        """Note how long it took."""
        self.took_ms.append((time.perf_counter() - client.due) * 1_000)
        self.idle.append(client)


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


def steadily(port: int, request: bytes, *, rate: float, seconds: float) -> Steady:
    """Ask at an even pace, whatever the answers take."""
    crowd = _Paced(request, select.epoll())
    try:
        for _ in range(MOST_OPEN):
            crowd.join(port)
        crowd.keep_pace(rate, seconds)
        return Steady(answered=crowd.answered, failed=crowd.failed, took_ms=crowd.took_ms)
    finally:
        crowd.leave()
