"""Answers to requests that go down no chain: refused, unknown, or not to be had here."""

from collections.abc import Mapping

from aiohttp import web

from agentbox_cli.proxy import web_page
from agentbox_cli.proxy.endpoints import SERVED, Endpoint, tongue_of
from agentbox_cli.proxy.guard import Refusal
from agentbox_cli.proxy.mcp_relay import is_mcp, rpc_refusal
from agentbox_cli.proxy.reply import refusal


class Refused(Exception):  # noqa: N818 - it names the answer
    """A request that goes down no chain: the status and the code of the answer."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


def turned_away(
    http: web.BaseRequest, endpoint: Endpoint | None, refused: Refusal
) -> web.StreamResponse:
    """The guard's refusal, as the caller reads it."""
    if http.path in web_page.PATHS:
        return web_page.refused(refused)
    if is_mcp(http.path):
        return rpc_refusal(refused.status, refused.message)
    return refusal(endpoint or tongue(http), refused.status, refused.message, code=refused.code)


def tongue(http: web.BaseRequest) -> Endpoint:
    """An endpoint of the protocol that the caller seems to speak."""
    return tongue_of(http.path, http.headers)


def no_websocket(http: web.BaseRequest) -> web.StreamResponse:
    """Refuse what cannot be served; clients of responses go on by HTTP after a 426."""
    if http.path in SERVED:
        message = f"{http.path} is served by HTTP only, not by websocket: send a POST"
        return refusal(tongue(http), 426, message, code="websocket_not_supported")
    message = "the proxy serves no websockets and no realtime sessions: call the provider itself"
    return refusal(tongue(http), 501, message, code="realtime_not_supported")
