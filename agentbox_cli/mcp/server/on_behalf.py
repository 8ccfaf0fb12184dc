"""Calls for the holder of a client token are made with it, so that they are counted as theirs."""

from typing import Any

from fastmcp.server.dependencies import get_http_headers
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext

from agentbox_cli.config.client_tokens import PREFIX
from agentbox_cli.mcp.calls.proxy import SHOWN


class OnBehalf(Middleware):
    """Keeps the token of a request at hand for what is asked of the proxy meanwhile."""

    async def on_request(
        self, context: MiddlewareContext[Any], call_next: CallNext[Any, Any]
    ) -> Any:
        """Answer the request; over stdio there is no token."""
        said = get_http_headers(include={"authorization"}).get("authorization", "")
        token = said.partition(" ")[2].strip()
        before = SHOWN.set(token if token.startswith(PREFIX) else None)
        try:
            return await call_next(context)
        finally:
            SHOWN.reset(before)
