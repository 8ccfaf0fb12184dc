"""Who is on the other end of a loopback connection, as the kernel knows it.

The kernel keeps the uid that opened each TCP socket. Netlink tells it for one connection
(sock_diag(7)), `/proc/net/tcp` tells the same for all of them. Both are asked for the client's
socket, so addresses are given to them as the client sees them.

A client that has closed its socket or exited is reported with inode 0 while its request can still
be read, and on some kernels with uid 0 (both measured): inode 0 means that nobody knows who that
was, never root.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol

SocketAddress = tuple[str, int] | tuple[str, int, int, int]

# include/net/tcp_states.h
TCP_ESTABLISHED = 1
TCP_CLOSE_WAIT = 8

# The kernel's stand-in for a user that has no number here (user_namespaces(7)), and `nobody`.
OVERFLOW_UID = 65_534

_V4_LENGTH = 4
_V4_MAPPED = bytes(10) + b"\xff\xff"

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_ANY_STATE = 0xFFFF_FFFF
_NO_COOKIE = 0xFFFF_FFFF
_ANSWER_LIMIT = 8192
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ERROR = struct.Struct("=i")
# nlmsghdr, then inet_diag_req_v2: family, protocol, extensions, states, and the socket's id:
# ports, addresses, interface, cookie.
_QUESTION = struct.Struct("=IHHII BBBx I HH 16s16s I II")
# The part of inet_diag_msg after nlmsghdr that is read: state, uid, inode.
_SOCKET = struct.Struct("=xBxx 48x 12x I I")


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSocket:
    """A client's socket: who opened it, its inode (0: the client is gone) and its TCP state."""

    uid: int
    inode: int
    state: int


class PeerLookup(Protocol):
    """A way to ask the kernel."""

    @property
    def name(self) -> str:
        """What is asked, as `status` shows it."""

    def lookup(self, local: SocketAddress, remote: SocketAddress) -> PeerSocket | None:
        """The socket at `remote` of the connection that we accepted at `local`."""

    def close(self) -> None:
        """Give back what is held open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupChoice:
    """The lookup that works here, or the reason, for people, why there is none."""

    lookup: PeerLookup | None
    reason: str = ""


def open_netlink() -> socket.socket:
    """A netlink socket that talks to the kernel's sock_diag and never blocks.

    Raises:
        OSError: the kernel refuses, or has no sock_diag.
    """
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
    try:
        # Connected to the kernel, it takes messages from no other process.
        netlink.connect((0, 0))
        # The kernel answers within send(), so there is never anything to wait for.
        netlink.setblocking(False)  # noqa: FBT003 - the socket module's own signature
    except OSError:
        netlink.close()
        raise
    return netlink


def find_lookup(
    *,
    proc: Path = Path("/proc"),
    netlink: Callable[[], socket.socket] = open_netlink,
    platform: str = sys.platform,
    uid: int | None = None,
) -> LookupChoice:
    """Choose the lookup once, by trying it on a connection of our own.

    Args:
        proc: where procfs is mounted.
        netlink: opens the netlink socket.
        platform: `sys.platform`.
        uid: the daemon's own uid; the effective one by default.
    """
    own = os.geteuid() if uid is None else uid
    reason = _why_uids_are_unknown(proc, platform, own)
    if reason:
        return LookupChoice(lookup=None, reason=reason)
    ways: tuple[Callable[[], PeerLookup], ...] = (
        partial(NetlinkLookup, netlink),
        partial(ProcLookup, proc),
    )
    for way in ways:
        lookup = _tried(way, own)
        if lookup is not None:
            return LookupChoice(lookup=lookup)
    return LookupChoice(
        lookup=None, reason="neither sock_diag nor /proc/net/tcp tells who opened a connection"
    )


def _why_uids_are_unknown(proc: Path, platform: str, own: int) -> str:
    if platform != "linux":
        return "only Linux tells which user opened a connection"
    if own == OVERFLOW_UID:
        return f"the proxy runs as uid {OVERFLOW_UID}, which stands for unknown users too"
    try:
        uid_map = (proc / "self" / "uid_map").read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return f"{proc}/self/uid_map cannot be read, so uids may not mean what they say"
    # Every uid is itself: the map of the initial user namespace (user_namespaces(7)). In any other
    # one several users of the host, root included, look like the same unknown one (measured).
    if uid_map != ["0", "0", "4294967295"]:
        return "the proxy runs in a user namespace, where uids do not tell users apart"
    return ""


def _tried(way: Callable[[], PeerLookup], own: int) -> PeerLookup | None:
    with suppress(OSError), ExitStack() as on_failure:
        lookup = way()
        on_failure.callback(lookup.close)
        if _knows_us(lookup, own):
            on_failure.pop_all()
            return lookup
    return None


def _knows_us(lookup: PeerLookup, own: int) -> bool:
    # The connection stays in the backlog: accept() could hand out somebody else's.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=8) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        found = lookup.lookup(server.getsockname(), client.getsockname())
        inode = os.fstat(client.fileno()).st_ino
    return found == PeerSocket(uid=own, inode=inode, state=TCP_ESTABLISHED)


class ProcLookup:
    """Searches `/proc/net/tcp` and `/proc/net/tcp6`: the cost grows with the number of sockets."""

    name = "/proc/net/tcp"

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._net = proc / "net"

    def lookup(self, local: SocketAddress, remote: SocketAddress) -> PeerSocket | None:
        """The socket at `remote` of the connection that we accepted at `local`."""
        with suppress(OSError, ValueError):
            for table, ends in _table_rows(local, remote):
                rows = (self._net / table).read_bytes()
                _before, found, after = rows.partition(ends)
                if found:
                    return _peer_from_row(after.split(maxsplit=7))
        return None

    def close(self) -> None:
        """Nothing is held open."""


def _table_rows(local: SocketAddress, remote: SocketAddress) -> Iterator[tuple[str, bytes]]:
    here, there = _packed(local[0]), _packed(remote[0])
    if len(there) == _V4_LENGTH:
        yield "tcp", _row_ends(there, remote[1], here, local[1])
        # A dual-stack client stands in the other table, with both addresses mapped.
        here, there = _V4_MAPPED + here, _V4_MAPPED + there
    yield "tcp6", _row_ends(there, remote[1], here, local[1])


def _row_ends(there: bytes, their_port: int, here: bytes, our_port: int) -> bytes:
    return f" {_hex(there)}:{their_port:04X} {_hex(here)}:{our_port:04X} ".encode()


def _hex(address: bytes) -> str:
    # proc_pid_net(5): words of four bytes, each in the machine's own byte order.
    return "".join(f"{word:08X}" for (word,) in struct.iter_unpack("=I", address))


def _peer_from_row(fields: list[bytes]) -> PeerSocket:
    state, _queues, _timer, _retransmits, uid, _timeout, inode, *_rest = fields
    return PeerSocket(uid=int(uid), inode=int(inode), state=int(state, 16))


class NetlinkLookup:
    """Asks sock_diag for one connection over a netlink socket that stays open (not thread-safe).

    Raises:
        OSError: the kernel refuses netlink, or has no sock_diag.
    """

    name = "sock_diag"

    def __init__(self, netlink: Callable[[], socket.socket] = open_netlink) -> None:
        self._open = netlink
        self._netlink = netlink()
        self._sequence = 0

    def lookup(self, local: SocketAddress, remote: SocketAddress) -> PeerSocket | None:
        """The socket at `remote` of the connection that we accepted at `local`."""
        try:
            return self._ask(_packed(remote[0]), remote[1], _packed(local[0]), local[1])
        except OSError:
            # This caller stays unknown; the next one gets a fresh socket.
            self.close()
            with suppress(OSError):
                self._netlink = self._open()
            return None

    def close(self) -> None:
        """Close the netlink socket."""
        self._netlink.close()

    def _ask(self, there: bytes, their_port: int, here: bytes, our_port: int) -> PeerSocket | None:
        self._sequence = (self._sequence + 1) & 0xFFFF_FFFF
        family = socket.AF_INET if len(there) == _V4_LENGTH else socket.AF_INET6
        self._netlink.send(
            _QUESTION.pack(
                _QUESTION.size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, self._sequence, 0,
                family, socket.IPPROTO_TCP, 0, _ANY_STATE,
                socket.htons(their_port), socket.htons(our_port), there, here,
                0, _NO_COOKIE, _NO_COOKIE,
            )
        )  # fmt: skip
        answer = self._netlink.recv(_ANSWER_LIMIT)
        while _HEADER.unpack_from(answer)[3] != self._sequence:
            answer = self._netlink.recv(_ANSWER_LIMIT)
        return _peer_from_answer(answer)


def _peer_from_answer(answer: bytes) -> PeerSocket | None:
    if _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        (code,) = _ERROR.unpack_from(answer, _HEADER.size)
        if code == -errno.ENOENT:
            return None
        raise OSError(-code, "sock_diag failed")
    state, uid, inode = _SOCKET.unpack_from(answer, _HEADER.size)
    return PeerSocket(uid=uid, inode=inode, state=state)


@lru_cache(maxsize=64)
def _packed(host: str) -> bytes:
    """The address in 4 or 16 bytes; IPv4 mapped into IPv6 becomes IPv4 again.

    Raises:
        OSError: this is no IP address.
    """
    if ":" not in host:
        return socket.inet_pton(socket.AF_INET, host)
    address = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return address.removeprefix(_V4_MAPPED)
