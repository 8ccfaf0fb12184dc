"""`/mcp`: passes requests on to the gateway's socket, and its answers back as they come."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from agentbox_cli.proxy.gateway import Gateway, GatewayPlan, GatewayUnavailable
from agentbox_cli.proxy.upstream import HEADER_BYTES, READ_BUFFER
from agentbox_cli.supervise.keeping import State

PATH = "/mcp"
STATUS = "/agentbox/mcp"

# Of the gateway's own paths; the host is not looked at.
_SERVERS = "/servers"
_GATEWAY: dict[str, Any] = {"scheme": "http", "host": "localhost"}
# Whoever asks how the proxy is does not wait for a gateway that hangs.
_TELLING_SECONDS = 1.0

_METHODS = ("GET", "POST", "DELETE")
# What the protocol has; nothing of the caller's credentials goes on.
_ASKED = frozenset(
    {
        "accept",
        "content-type",
        "last-event-id",
        "mcp-method",
        "mcp-name",
        "mcp-protocol-version",
        "mcp-session-id",
        "user-agent",
    }
)
_ASKED_PREFIX = "mcp-param-"
_ANSWERED = frozenset(
    {"allow", "cache-control", "content-type", "mcp-protocol-version", "mcp-session-id"}
)
# JSON-RPC 2.0, section 5.1, and the number that the protocol's SDKs give to other refusals.
_INTERNAL_ERROR = -32603
_REFUSED = -32000

_UNAVAILABLE = 503
_FORBIDDEN = 403
_BAD_METHOD = 405

Body = Callable[[web.BaseRequest], Awaitable[bytes]]


class McpRelay:
    """Serves `/mcp` and `/mcp/<server>`.

    Args:
        plan: how the gateway is started, when it is needed.
    """

    def __init__(self, plan: GatewayPlan) -> None:
        self.gateway = Gateway(plan)
        self._session: aiohttp.ClientSession | None = None
        # Requests that go on until one side is gone; they must not keep a daemon from ending.
        self._endless: set[asyncio.Task[object]] = set()

    async def serve(self, http: web.BaseRequest, body: bytes) -> web.StreamResponse:
        """Answer a request whose body is read already."""
        if http.method not in _METHODS:
            said = f"{PATH} takes {', '.join(_METHODS)}"
            return rpc_refusal(_BAD_METHOD, said, {"allow": ", ".join(_METHODS)})
        task = asyncio.current_task()
        if task is not None and _is_endless(http):
            self._endless.add(task)
            task.add_done_callback(self._endless.discard)
        return await self._passed_on(http, body, http.rel_url.raw_path)

    async def status(self, http: web.BaseRequest) -> web.StreamResponse:
        """Tell how the servers are."""
        return await self._passed_on(http, b"", "/status")

    def state(self) -> dict[str, Any]:
        """How the gateway is."""
        gateway = self.gateway
        ready = gateway.state is State.READY
        return {
            "state": gateway.state.value,
            "pid": gateway.pid,
            "rss_mb": gateway.rss_mb,
            "restarts": gateway.restarts,
            "last_error": None if ready else gateway.last_error,
        }

    def warnings(self) -> list[str]:
        """What somebody should know of the gateway."""
        if self.gateway.state is State.BACKOFF:
            return [f"tools of MCP servers fail: {self.gateway.last_error}"]
        return []

    async def part(self) -> None:
        """Let go of those who wait for news."""
        for task in list(self._endless):
            task.cancel()

    async def stop(self) -> None:
        """End the gateway."""
        await self.gateway.stop()
        if self._session is not None:
            await self._session.close()

    async def servers(self) -> list[Any]:
        """How each server is, in few words; none unless the gateway is ready."""
        if self.gateway.state is not State.READY:
            return []
        try:
            async with asyncio.timeout(_TELLING_SECONDS):
                reply = await self._session_open().get(URL.build(**_GATEWAY, path=_SERVERS))
                async with reply:
                    told: list[Any] = await reply.json()
                    return told
        except (aiohttp.ClientError, OSError, ValueError):
            return []

    async def _passed_on(
        self, http: web.BaseRequest, body: bytes, path: str
    ) -> web.StreamResponse:
        try:
            await self.gateway.wait_ready()
            reply = await self._ask(http, body, path)
        except GatewayUnavailable as why:
            return _unavailable(str(why), why.retry_after)
        except (aiohttp.ClientError, OSError):
            return _unavailable("the MCP gateway ended before it answered", 1.0)
        try:
            return await _streamed(http, reply)
        finally:
            reply.close()

    async def _ask(self, http: web.BaseRequest, body: bytes, path: str) -> aiohttp.ClientResponse:
        return await self._session_open().request(
            http.method,
            URL.build(**_GATEWAY, path=path, encoded=True),
            headers=_passed(http.headers, asked=True),
            data=body or None,
            allow_redirects=False,
        )

    def _session_open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._opened()
        return self._session

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(self.gateway.socket_path), limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A tool may take its time, and a stream of news may be silent for ever.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            skip_auto_headers=("user-agent", "accept", "accept-encoding"),
        )


def rpc_refusal(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A refusal as MCP clients read it."""
    code = _INTERNAL_ERROR if status >= 500 else _REFUSED  # noqa: PLR2004 - HTTP's server errors
    error = {"code": code, "message": message}
    return web.Response(
        status=status,
        body=json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode(),
        content_type="application/json",
        headers=headers,
    )


def not_for_containers() -> web.Response:
    """The refusal of a container, which would get out of itself by the servers of its host."""
    return rpc_refusal(
        _FORBIDDEN,
        "the MCP servers of the host are not for containers; `litellm.socket_mcp: true` in its"
        " config.yml lets them in",
    )


def is_mcp(path: str) -> bool:
    """Whether a path is `/mcp` or `/mcp/<server>`."""
    return path == PATH or path.startswith(f"{PATH}/")


def _is_endless(http: web.BaseRequest) -> bool:
    return http.method == "GET" or http.headers.get("mcp-method") == "subscriptions/listen"


def _passed(headers: Mapping[str, str], *, asked: bool) -> dict[str, str]:
    names = _ASKED if asked else _ANSWERED
    return {
        name: value
        for name, value in headers.items()
        if name.lower() in names or (asked and name.lower().startswith(_ASKED_PREFIX))
    }


def _unavailable(message: str, seconds: float) -> web.Response:
    return rpc_refusal(_UNAVAILABLE, message, {"retry-after": str(math.ceil(seconds))})


async def _streamed(http: web.BaseRequest, reply: aiohttp.ClientResponse) -> web.StreamResponse:
    answer = web.StreamResponse(status=reply.status, headers=_passed(reply.headers, asked=False))
    if reply.content_length is not None:
        answer.content_length = reply.content_length
    await answer.prepare(http)
    try:
        while chunk := await reply.content.readany():
            await answer.write(chunk)
    except aiohttp.ClientError:
        # Without its last chunk the client sees that the answer was cut.
        raise ConnectionResetError("the MCP gateway ended during an answer") from None
    await answer.write_eof()
    return answer
