"""Who is at the other end of each open connection."""

from typing import Any

from aiohttp import web

from agentbox_cli.proxy.front import Front


class Connections:
    """What is known of the open connections, each by its protocol handler.

    Args:
        front: asks the kernel about callers, and knows the sockets of containers.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self.same_user: set[Any] = set()
        self.sockets: dict[Any, int] = {}
        self.containers: dict[Any, str] = {}

    def made(self, handler: Any, transport: Any) -> None:
        """Keep the kernel's word for as long as a connection lasts."""
        local = transport.get_extra_info("sockname")
        if isinstance(local, str):
            self._came_in_by(handler, local)
            return
        remote = transport.get_extra_info("peername")
        guard = self._front.guard
        peer = guard.peer(local, remote) if local and remote else None
        if guard.vouches_for(peer):
            self.same_user.add(handler)
        if peer is not None and peer.inode:
            self.sockets[handler] = peer.inode
            self._front.seek(peer.inode)

    def lost(self, handler: Any) -> None:
        """Forget a connection."""
        self.same_user.discard(handler)
        self.sockets.pop(handler, None)
        self.containers.pop(handler, None)

    def _came_in_by(self, handler: Any, path: str) -> None:
        """Whoever could open a socket may call."""
        self.containers[handler] = self._front.containers[path]
        self.same_user.add(handler)


class Server(web.Server):
    """aiohttp's server, which has each connection noted when it is accepted.

    Args:
        answer: answers any request.
        connections: takes the notes.
    """

    def __init__(self, answer: Any, connections: Connections) -> None:
        # A client that goes away must end its upstream call, so its handler is cancelled.
        super().__init__(answer, handler_cancellation=True, access_log=None)
        self._noted = connections

    def connection_made(self, handler: Any, transport: Any) -> None:
        """Note who called."""
        super().connection_made(handler, transport)
        self._noted.made(handler, transport)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Forget who called."""
        self._noted.lost(handler)
        super().connection_lost(handler, exc)
