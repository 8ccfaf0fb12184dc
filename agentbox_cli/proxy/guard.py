"""Who may call: the user who runs the proxy, on this machine, or holders of its key or a token.

The kernel vouches for a connection once, when it is accepted; each request on it is then checked
by its headers. `Host` defeats names that were rebound to 127.0.0.1, `Origin` and `Sec-Fetch-Site`
keep web pages out, whatever the user's browser lets them send.

Where a header stands twice, the reading against the caller counts. Keys are the exception: they
are never passed on and all mean the same, so one right key is enough.
"""

import ipaddress
import os
import pwd
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Literal, Protocol

from pydantic import SecretStr

from agentbox_cli.proxy.client_tokens import TokenBook
from agentbox_cli.proxy.peer import (
    OVERFLOW_UID,
    TCP_CLOSE_WAIT,
    TCP_ESTABLISHED,
    PeerLookup,
    PeerSocket,
    SocketAddress,
)

RefusalCode = Literal[
    "host_missing",
    "host_repeated",
    "host_not_allowed",
    "origin_not_allowed",
    "cross_site",
    "key_missing",
    "key_wrong",
]


class Headers(Protocol):
    """A request's headers by case-insensitive name, such as aiohttp's."""

    def getall(self, key: str, default: tuple[()], /) -> Sequence[str]:
        """Every value of one header."""

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """What the config says about callers.

    Attributes:
        auth: `same-user` lets the kernel vouch, `key` demands the key from everybody.
        allowed_uids: other local users that count as the own one.
        allowed_hosts: `Host` values besides the loopback ones; without a port they fit any port.
        allowed_origins: browser origins, compared as a whole.
    """

    auth: Literal["same-user", "key"] = "same-user"
    allowed_uids: frozenset[int] = frozenset()
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not served: the HTTP status, a code for programs, a text for people."""

    status: int
    code: RefusalCode
    message: str


_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/\s]+)(?::(?P<port>[0-9]{1,5}))?")
_LAST_PORT = 65_535
_V6_LOOPBACK = ipaddress.IPv6Address("::1")
_HOSTS_KEPT = 64

HOST_MISSING = Refusal(status=400, code="host_missing", message="the request names no Host")
HOST_REPEATED = Refusal(status=400, code="host_repeated", message="the request has several Hosts")
CROSS_SITE = Refusal(
    status=403, code="cross_site", message="a web page of another site may not call this proxy"
)
KEY_MISSING = Refusal(
    status=401,
    code="key_missing",
    message=(
        "the caller is not known to be this proxy's own user; send the key that"
        " `agentbox litellm key` prints or a token that its owner gave you, as a Bearer token or"
        " x-api-key"
    ),
)
KEY_WRONG = Refusal(
    status=401,
    code="key_wrong",
    message=(
        "the caller is not known to be this proxy's own user and the key is neither the right one"
        " nor a token of a known client; `agentbox litellm key` prints it, and"
        " `agentbox litellm key add` makes a token"
    ),
)


class Guard:
    """Decides on connections and requests.

    Args:
        policy: what the config says.
        lookup: asks the kernel; `None` where it cannot tell, so the key is required.
        key: the install's key.
        tokens: who holds which other one; None for nobody.
    """

    def __init__(
        self,
        policy: GuardPolicy,
        lookup: PeerLookup | None,
        key: SecretStr,
        tokens: TokenBook | None = None,
    ) -> None:
        self._lookup = lookup
        self._tokens = tokens
        self._key_always = policy.auth == "key"
        self._uids = (policy.allowed_uids | {os.geteuid(), 0}) - {OVERFLOW_UID}
        self._hosts = frozenset(host.lower() for host in policy.allowed_hosts)
        self._origins = frozenset(_origin(entry) for entry in policy.allowed_origins) - {""}
        self._accepted_hosts: set[str] = set()
        self._key = _as_bytes(key.get_secret_value())

    def peer(self, local: SocketAddress, remote: SocketAddress) -> PeerSocket | None:
        """Whom the kernel sees at the other end; ask at accept and keep the answer.

        None if that makes no difference, because everybody needs the key.
        """
        if self._lookup is None or self._key_always:
            return None
        return self._lookup.lookup(local, remote)

    def vouches_for(self, peer: PeerSocket | None) -> bool:
        """Whether a caller needs no key."""
        return peer is not None and self._is_same_user(peer)

    def holder(self, headers: Headers, query_key: str | None = None) -> str | None:
        """The name of the first client token that a request shows; None if it shows none."""
        if self._tokens is None:
            return None
        names = map(self._tokens.name_of, _offered_keys(headers, query_key))
        return next(filter(None, names), None)

    def check(
        self,
        headers: Headers,
        *,
        same_user: bool,
        on_unix_socket: bool = False,
        holder: str | None = None,
        query_key: str | None = None,
    ) -> Refusal | None:
        """The reason to refuse a request, or None; preflights are requests like any other.

        Args:
            headers: the request's headers.
            same_user: the verdict on its connection.
            on_unix_socket: no name was looked up to get here, so `Host` says nothing.
            holder: whose token it shows; it passes wherever the key does.
            query_key: a key that stands in the query, where the protocol allows that.
        """
        return (
            (None if on_unix_socket else self._check_host(headers))
            or self._check_page(headers)
            or (None if holder else self._check_caller(headers, query_key, same_user=same_user))
        )

    def _is_same_user(self, peer: PeerSocket) -> bool:
        # Inode 0: the client is gone, and its uid may read as root's.
        if peer.inode == 0 or peer.state not in (TCP_ESTABLISHED, TCP_CLOSE_WAIT):
            return False
        return peer.uid in self._uids

    def _check_host(self, headers: Headers) -> Refusal | None:
        values = headers.getall("Host", ())
        if len(values) == 1 and values[0] in self._accepted_hosts:
            return None
        if not any(values):
            return HOST_MISSING
        if len(values) > 1:
            return HOST_REPEATED
        name = _host_name(values[0])
        if name is None or not self._is_allowed_host(name, values[0]):
            return _host_not_allowed(values[0])
        if len(self._accepted_hosts) < _HOSTS_KEPT:
            self._accepted_hosts.add(values[0])
        return None

    def _is_allowed_host(self, name: str, value: str) -> bool:
        return name in self._hosts or value.lower() in self._hosts or _is_loopback(name)

    def _check_page(self, headers: Headers) -> Refusal | None:
        origins = headers.getall("Origin", ())
        for origin in origins:
            if origin.lower() not in self._origins:
                return _origin_not_allowed(origin)
        # An allowed origin is cross-site by nature. `same-site` is another port of this host: what
        # such a page can send without an Origin are GETs whose answers it cannot read.
        if not origins and "cross-site" in map(str.lower, headers.getall("Sec-Fetch-Site", ())):
            return CROSS_SITE
        return None

    def _check_caller(
        self, headers: Headers, query_key: str | None, *, same_user: bool
    ) -> Refusal | None:
        if same_user and not self._key_always and not _is_relayed(headers):
            return None
        offered = [key for key in _offered_keys(headers, query_key) if key]
        if any(compare_digest(_as_bytes(key), self._key) for key in offered):
            return None
        return KEY_WRONG if offered else KEY_MISSING


def _host_name(value: str) -> str | None:
    """The name or address in a `Host` value without its port, or None for what is not strictly so.

    Nothing is interpreted: user info, blanks and anything beyond ASCII make no host.
    """
    match = _HOST.fullmatch(value) if value.isascii() else None
    if match is None or int(match["port"] or 0) > _LAST_PORT:
        return None
    return match["name"].lower()


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        if name.startswith("["):
            return ipaddress.IPv6Address(name[1:-1]) == _V6_LOOPBACK
        # A short or odd form such as `127.1` is no address here.
        return ipaddress.IPv4Address(name).is_loopback
    except ValueError:
        return False


def _is_relayed(headers: Headers) -> bool:
    # Whoever relays is the peer that the kernel sees; the caller behind it is unknown.
    for name in headers:
        if name[:1] in "FfXx" and name.lower().startswith(("forwarded", "x-forwarded")):
            return True
    return False


def _offered_keys(headers: Headers, query_key: str | None) -> Iterator[str]:
    for value in headers.getall("Authorization", ()):
        scheme, _, token = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            yield token.strip()
    for name in ("x-api-key", "x-goog-api-key"):
        for value in headers.getall(name, ()):
            yield value.strip()
    if query_key:
        yield query_key


def _as_bytes(key: str) -> bytes:
    # Header values may hold lone surrogates, which no other handler encodes without an error.
    return key.encode("utf-8", "surrogatepass")


def _origin(entry: str) -> str:
    return entry.rstrip("/").lower()


def _host_not_allowed(value: str) -> Refusal:
    return Refusal(
        status=403,
        code="host_not_allowed",
        message=f"the Host {_shown(value)} is neither loopback nor in litellm.allowed_hosts",
    )


def _origin_not_allowed(value: str) -> Refusal:
    return Refusal(
        status=403,
        code="origin_not_allowed",
        message=f"the Origin {_shown(value)} is not in litellm.allowed_origins",
    )


def _shown(value: str) -> str:
    return ascii(value[:80])


def uids_of(clients: Iterable[str | int]) -> tuple[frozenset[int], tuple[str, ...]]:
    """The uids of users given by name or number, and the names that this machine does not know."""
    known: set[int] = set()
    unknown: list[str] = []
    for client in clients:
        if isinstance(client, int) or (client.isascii() and client.isdecimal()):
            known.add(int(client))
            continue
        try:
            known.add(pwd.getpwnam(client).pw_uid)
        except (KeyError, ValueError):
            unknown.append(client)
    return frozenset(known), tuple(unknown)
