"""HTTP to providers and to the engine: one call, its answer, and every way that it can fail.

What aiohttp's defaults would do wrong here is switched off: redirects (a 307 forwards `x-api-key`
to another host), cookies, decompression, the pool limit of 100 and the total timeout (measured).
"""

import errno
import io
import ipaddress
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
import msgspec
from yarl import URL

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.failure import Failure

CONNECT_SECONDS = 10.0
READ_BUFFER = 64 * 1024
# Some gateways send policies and cookies beyond aiohttp's limit of 8 KiB.
HEADER_BYTES = 64 * 1024
LARGE_BODY = 1024 * 1024
# A batch of 2,048 embeddings has some 130 MiB.
LARGEST_ANSWER = 256 * 1024 * 1024


class AttemptFailed(Exception):  # noqa: N818 - it is how an attempt ends
    """An attempt ended without an answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a call goes: an address, and the proxy in between if the environment names one."""

    url: URL
    proxy: str | None = None

    @classmethod
    def of(cls, address: str) -> Self:
        """The target of an address, with the proxy that the environment names for it."""
        return cls(url=URL(address, encoded=True), proxy=environment_proxy(address))

    def asking(self, query: str) -> Self:
        """The same with a query, as it came."""
        return replace(self, url=URL(f"{self.url}?{query}", encoded=True))


# Whether the call of this task got a connection that had served another one before.
_on_reused_connection: ContextVar[bool] = ContextVar("on_reused_connection")


class _NotingReuse(aiohttp.BaseConnector):
    """A pool that notes whether it hands out a used connection.

    aiohttp's tracing tells the same, at a twentieth of what a call costs (measured).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._used: WeakSet[Any] = WeakSet()

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        connection = await super().connect(*args, **kwargs)
        protocol = connection.protocol
        if protocol in self._used:
            _on_reused_connection.set(True)
        else:
            self._used.add(protocol)
        return connection


class _TCPConnector(_NotingReuse, aiohttp.TCPConnector):
    """Connections to providers."""


class _UnixConnector(_NotingReuse, aiohttp.UnixConnector):
    """Connections to the engine."""


class _PlainRequest(aiohttp.ClientRequest):
    """Sends the headers that it is given, and none of its own invention.

    The session's `skip_auto_headers` does the same by way of two dictionaries for each call.
    """

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add nothing."""


def environment_proxy(address: str) -> str | None:
    """The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name; none on this machine."""
    parts = urlsplit(address)
    here = _is_loopback(parts.hostname or "")
    if here or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Reply:
    """An answer whose headers have arrived; use it as a context, which ends the call."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def read(self) -> bytes:
        """The whole body; raises AttemptFailed when it is cut or larger than can be kept."""
        content = self._response.content
        parts: list[bytes] = []
        size = 0
        try:
            # As `chunks`, whose generator costs as much again for the usual single part.
            while part := await content.readany():
                parts.append(part)
                size += len(part)
                if size > LARGEST_ANSWER:
                    raise AttemptFailed(_too_large())
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailed(failure_of(error)) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises AttemptFailed when it is cut."""
        content = self._response.content
        try:
            while chunk := await content.readany():
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise AttemptFailed(failure_of(error)) from error

    def close(self) -> None:
        """End the call; an answer that was not read to its end costs its connection."""
        self._response.close()


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """A call: its method, where to, its headers as they are sent, and its body."""

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Upstream:
    """The connections to providers, or with `socket_path` those to a unix socket."""

    socket_path: str | None = None
    _sessions: dict[bool, aiohttp.ClientSession] = field(default_factory=dict)

    async def post(
        self,
        target: Target,
        headers: Mapping[str, str],
        body: bytes,
        *,
        fresh: bool = False,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> Reply:
        """Send a call and wait for the headers of its answer.

        Args:
            target: where to.
            headers: sent as they are.
            body: the request body.
            fresh: use a new connection.
            connect_seconds: how long a new connection may take, name and TLS included.

        Raises:
            AttemptFailed: when no answer came.
        """
        call = Outgoing("POST", target, headers, body)
        return await self.send(call, fresh=fresh, connect_seconds=connect_seconds)

    async def send(
        self,
        call: "Outgoing",
        *,
        fresh: bool = False,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> Reply:
        """As `post`, by any method."""
        session = self._sessions.get(fresh) or self._open(fresh=fresh)
        target, body = call.target, call.body
        _on_reused_connection.set(False)
        try:
            response = await session.request(
                call.method,
                target.url,
                # aiohttp warns of large bodies in one piece: they would block the loop.
                data=body if len(body) <= LARGE_BODY else io.BytesIO(body),
                headers=call.headers,
                proxy=target.proxy,
                allow_redirects=False,
                timeout=_patience(connect_seconds),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reused = _on_reused_connection.get()
            raise AttemptFailed(failure_of(error, reused=reused)) from error
        return Reply(response)

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _open(self, *, fresh: bool) -> aiohttp.ClientSession:
        connector: aiohttp.BaseConnector
        if self.socket_path is None:
            connector = _TCPConnector(limit=0, force_close=fresh, ttl_dns_cache=60)
        else:
            connector = _UnixConnector(self.socket_path, limit=0, force_close=fresh)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            request_class=_PlainRequest,
        )
        self._sessions[fresh] = session
        return session


@lru_cache
def _patience(connect_seconds: float) -> aiohttp.ClientTimeout:
    # How long an answer may take is the chain's business.
    return aiohttp.ClientTimeout(total=None, connect=connect_seconds)


def failure_of(error: Exception, *, reused: bool = False) -> Failure:  # noqa: PLR0911 - a table
    """The failure that an exception of the HTTP client stands for.

    Which of them mean that nothing was sent was measured: connecting, DNS and TLS errors. All
    others may have been processed, and a repeated call may be paid twice.
    """
    match error:
        case aiohttp.ClientHttpProxyError():
            return _connection(f"the proxy refused: {error.status} {error.message}", sent=False)
        case aiohttp.ClientProxyConnectionError():
            return _connection("the proxy cannot be reached", sent=False)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return _connection(f"TLS failed: {_reason(error)}", sent=False)
        case aiohttp.ConnectionTimeoutError():
            # Lost packets were sent again by then: another try would only take as long.
            return Failure(
                kind=ErrorKind.TIMEOUT, status=None, message="no connection in time", sent=False
            )
        case aiohttp.ClientConnectorError():
            return _connection(f"cannot connect: {_reason(error)}", sent=False)
        case aiohttp.ServerDisconnectedError() | OSError(errno=errno.ECONNRESET | errno.EPIPE):
            return Failure(
                kind=ErrorKind.CONNECTION,
                status=None,
                message="the connection was closed without an answer",
                reused_closed=reused,
            )
        case aiohttp.ClientPayloadError():
            return _connection("the answer was cut", sent=True)
        case aiohttp.ClientResponseError():
            return Failure(
                kind=ErrorKind.SERVER, status=None, message="the answer is not proper HTTP"
            )
        case aiohttp.InvalidURL() | ValueError():
            return _connection("the address cannot be used", sent=False)
        case _:
            return _connection(f"the connection failed: {_reason(error)}", sent=True)


def timed_out(seconds: float) -> Failure:
    """The failure of a link that did not answer in time."""
    return Failure(
        kind=ErrorKind.TIMEOUT, status=None, message=f"no answer within {seconds:g} seconds"
    )


def _too_large() -> Failure:
    mebibytes = LARGEST_ANSWER // (1024 * 1024)
    return Failure(
        kind=ErrorKind.SERVER, status=None, message=f"the answer is over {mebibytes} MiB"
    )


def _connection(message: str, *, sent: bool) -> Failure:
    return Failure(kind=ErrorKind.CONNECTION, status=None, message=message, sent=sent)


def _reason(error: BaseException) -> str:
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLError):
        return cause.reason or "handshake failed"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__
