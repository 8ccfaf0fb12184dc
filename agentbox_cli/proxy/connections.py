"""Who is at the other end of each open connection."""

from typing import Any

from agentbox_cli.proxy.front import Front
from agentbox_cli.proxy.strangers import Strangers, most_by_files


class Connections:
    """What is known of the open connections, each by its protocol handler.

    Args:
        front: asks the kernel about callers, and knows the sockets of containers.
        most: how many connections strangers may hold, and each container; by default what the
            limit of open files allows.
    """

    def __init__(self, front: Front, most: int | None = None) -> None:
        self._front = front
        self._most = most or most_by_files()
        self.strangers = Strangers(self._most)
        self.same_user: set[Any] = set()
        self.sockets: dict[Any, int] = {}
        self.containers: dict[Any, str] = {}
        self._held: dict[str, int] = {}

    def made(self, handler: Any, transport: Any) -> None:
        """Keep the kernel's word for as long as a connection lasts."""
        local = transport.get_extra_info("sockname")
        if isinstance(local, str):
            self._came_in_by(handler, transport, self._front.containers[local])
            return
        remote = transport.get_extra_info("peername")
        guard = self._front.guard
        peer = guard.peer(local, remote) if local and remote else None
        if guard.vouches_for(peer):
            self.same_user.add(handler)
        else:
            self.strangers.made(handler, transport)
        if peer is not None and peer.inode:
            self.sockets[handler] = peer.inode
            self._front.seek(peer.inode)

    def lost(self, handler: Any) -> None:
        """Forget a connection."""
        self.strangers.lost(handler)
        self.same_user.discard(handler)
        self.sockets.pop(handler, None)
        if (container := self.containers.pop(handler, None)) is not None:
            self._held[container] -= 1

    def _came_in_by(self, handler: Any, transport: Any, container: str) -> None:
        """Whoever could open a container's socket may call."""
        held = self._held.get(container, 0)
        if held >= self._most:
            transport.abort()
        self._held[container] = held + 1
        self.containers[handler] = container
        self.same_user.add(handler)
