"""What the proxy serves beside the chains: pages about itself, and its MCP gateway."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from agentbox_cli import __version__
from agentbox_cli.proxy import explaining, web_page
from agentbox_cli.proxy.body import read_body
from agentbox_cli.proxy.explaining import PATH as REQUESTS
from agentbox_cli.proxy.front import Front
from agentbox_cli.proxy.google_paths import listed_at
from agentbox_cli.proxy.listing import google_model, model_body, models_body
from agentbox_cli.proxy.mcp_relay import STATUS as MCP_STATUS
from agentbox_cli.proxy.mcp_relay import McpRelay, is_mcp, rpc_refusal
from agentbox_cli.proxy.names import Names
from agentbox_cli.proxy.reply import refusal
from agentbox_cli.proxy.request import BadBody
from agentbox_cli.proxy.turned_away import Refused, tongue
from agentbox_cli.proxy.usage_page import PATH as USAGE

HEALTH = "/health"
STATUS = "/agentbox/status"
LIMITS = "/agentbox/limits"
RESET = "/agentbox/limits/reset"
LIVE = "/agentbox/live"
PAUSE = "/agentbox/links/pause"
ONE_MODEL = ("/v1/models/", "/models/")
MODELS = frozenset({"/v1/models", "/models"})

_READS = ("GET", "HEAD")
_WRITES = ("POST",)
_WRITTEN = frozenset({RESET, PAUSE})

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Pages:
    """Finds the page of a path.

    Args:
        front: what the pages tell of.
        names: what models are called.
        sees_servers: whether who asks may know of the MCP servers.
    """

    def __init__(
        self, front: Front, names: Names, sees_servers: Callable[[web.BaseRequest], bool]
    ) -> None:
        self._front = front
        self._sees_servers = sees_servers
        self._names = names
        self._requests = explaining.Pages(front.stories, front.resolved.secrets())
        self._pages: dict[str, Handler] = {
            HEALTH: self._health,
            STATUS: self._status,
            REQUESTS: self._requests.listed,
            LIMITS: self._limits,
            RESET: partial(self._write, front.limits.reset),
            LIVE: self._live,
            USAGE: front.usage.shown,
            PAUSE: partial(self._write, front.pause),
            **dict.fromkeys(MODELS, self._models),
            **dict.fromkeys(web_page.PATHS, web_page.page),
            **({MCP_STATUS: front.mcp.status} if front.mcp else {}),
        }

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer what goes down no chain."""
        page = self._pages.get(http.path)
        if page is None and http.path.startswith(f"{REQUESTS}/"):
            page = self._requests.one
        if page is None and self._front.mcp is not None and is_mcp(http.path):
            return await self._mcp(http, self._front.mcp)
        if listed_at(http.path) is not None and tongue(http).is_google:
            page = self._google_models if http.method in _READS else None
        elif page is None and http.path.startswith(ONE_MODEL):
            page = self._model
        if page is None:
            message = f"nothing is served at {http.path[:100]}"
            return refusal(tongue(http), 404, message, code="not_found")
        methods = _WRITES if http.path in _WRITTEN else _READS
        if http.method not in methods:
            message = f"{http.path} takes {methods[0]}"
            return refusal(tongue(http), 405, message, headers={"allow": ", ".join(methods)})
        return await page(http)

    async def _health(self, _: web.BaseRequest) -> web.StreamResponse:
        body = {"status": "ok", "instance": self._front.instance, "version": __version__}
        return web.json_response(body)

    async def _status(self, http: web.BaseRequest) -> web.StreamResponse:
        told = self._front.status()
        if self._front.mcp is not None:
            seen = self._sees_servers(http)
            servers = await self._front.mcp.servers() if seen else []
            told["gateway"] = self._front.mcp.state() | {"servers": servers}
        return web.json_response(told)

    async def _limits(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(self._front.limits.show())

    async def _live(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(await self._front.live())

    async def _write(
        self, write: Callable[[bytes], dict[str, Any]], http: web.BaseRequest
    ) -> web.StreamResponse:
        try:
            return web.json_response(write(await read_body(http, self._front.body_limit)))
        except Refused as why:
            return refusal(tongue(http), why.status, str(why), code=why.code)
        except BadBody as error:
            return refusal(tongue(http), 400, str(error), code="invalid_body")
        except LookupError as error:
            return refusal(tongue(http), 404, str(error), code="unknown_name")

    async def _models(self, http: web.BaseRequest) -> web.StreamResponse:
        anthropic = "anthropic-version" in http.headers
        return web.json_response(models_body(list(self._names.aliases), anthropic=anthropic))

    async def _model(self, http: web.BaseRequest) -> web.StreamResponse:
        name = http.path.partition("/models/")[2]
        if self._names.chain(name) is None:
            unknown = self._names.unknown(name)
            return refusal(tongue(http), 404, unknown, code="model_not_found")
        return web.json_response(model_body(name, anthropic="anthropic-version" in http.headers))

    async def _google_models(self, http: web.BaseRequest) -> web.StreamResponse:
        name = listed_at(http.path) or ""
        if not name:
            chains = self._names.aliases.values()
            return web.json_response(
                {"models": [google_model(each.alias, each) for each in chains]}
            )
        chain = self._names.chain(name)
        if chain is None:
            unknown = self._names.unknown(name)
            return refusal(tongue(http), 404, unknown, code="model_not_found")
        return web.json_response(google_model(name, chain))

    async def _mcp(self, http: web.BaseRequest, relay: McpRelay) -> web.StreamResponse:
        try:
            return await relay.serve(http, await read_body(http, self._front.body_limit))
        except Refused as why:
            return rpc_refusal(why.status, str(why))
