"""A server that runs elsewhere: streamable HTTP, or the SSE transport of old."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx2
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from agentbox_cli.mcp.gateway.settings import Server

# A call may take as long as its own limit says, and a stream may be silent for ever.
_SESSION = "mcp-session-id"
_TIMES = httpx2.Timeout(30.0, read=None)


@asynccontextmanager
async def remote_streams(
    server: Server, longest: int, on_forgotten: Callable[[], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """Connect to an address and give the streams of its messages.

    Redirects are followed within the address's origin only, which the SDK sees to: whatever is
    sent was meant for that origin.

    Args:
        server: whose address it is.
        longest: bytes of the longest message that is read.
        on_forgotten: called when the server does not know the session any more.
    """
    url = server.config.url or ""
    headers = {name: value.get_secret_value() for name, value in server.headers.items()}
    if server.transport == "sse":
        timeout = server.config.connect_timeout
        async with sse_client(
            url, headers=headers, timeout=timeout, sse_read_timeout=86_400
        ) as two:
            yield two
        return

    async def look(response: httpx2.Response) -> None:
        # The protocol's sign for it; the SDK passes on what the body says, which may be anything.
        if response.status_code == HTTPStatus.NOT_FOUND and _SESSION in response.request.headers:
            on_forgotten()

    hooks = {"response": [look]}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=_TIMES, event_hooks=hooks) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=longest) as streams,
    ):
        yield streams
