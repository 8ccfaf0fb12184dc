"""The proxy's front: every request passes the guard, then finds its path or a 404."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from agentbox_cli import __version__
from agentbox_cli.providers.resolved import Chain, Lane, Resolved
from agentbox_cli.proxy import headers as names
from agentbox_cli.proxy import web_page
from agentbox_cli.proxy.callers import caller_of, project_of
from agentbox_cli.proxy.drill import HEADER as DRILL
from agentbox_cli.proxy.drill import Drills, Scope
from agentbox_cli.proxy.endpoints import CHAT, COUNT_TOKENS, SERVED, Endpoint, tongue_of
from agentbox_cli.proxy.exchange import SILENCE_SECONDS, Exchange
from agentbox_cli.proxy.explaining import PATH as REQUESTS
from agentbox_cli.proxy.explaining import Pages
from agentbox_cli.proxy.form import is_form
from agentbox_cli.proxy.guard import Guard, Refusal
from agentbox_cli.proxy.lanes import DirectLane, LaneCaller
from agentbox_cli.proxy.limits_page import LimitsPage
from agentbox_cli.proxy.listing import model_body, models_body
from agentbox_cli.proxy.mcp_relay import STATUS as MCP_STATUS
from agentbox_cli.proxy.mcp_relay import McpRelay, is_mcp, rpc_refusal
from agentbox_cli.proxy.names import Names
from agentbox_cli.proxy.pinning import Unpinnable, links_for, named_things
from agentbox_cli.proxy.pins import Pins
from agentbox_cli.proxy.purse import Budgets
from agentbox_cli.proxy.relay import Relay
from agentbox_cli.proxy.reply import CONFLICT, STATE_CODE, refusal
from agentbox_cli.proxy.request import Ask, BadBody, kind_of, read_ask, read_form
from agentbox_cli.proxy.resources import NotHere, Resources, Thing, allows, named_model, thing_at
from agentbox_cli.proxy.story import End, Stories, Story, StorySink
from agentbox_cli.proxy.token_counting import Counting
from agentbox_cli.proxy.usage_page import PATH as USAGE
from agentbox_cli.proxy.usage_page import UsagePage

BODY_LIMIT = 64 * 1024 * 1024
HEALTH = "/health"
STATUS = "/agentbox/status"
LIMITS = "/agentbox/limits"
RESET = "/agentbox/limits/reset"
LIVE = "/agentbox/live"
PAUSE = "/agentbox/links/pause"
ONE_MODEL = ("/v1/models/", "/models/")
MODELS = frozenset({"/v1/models", "/models"})
REALTIME = frozenset({"/v1/realtime", "/v1/realtime/sessions", "/v1/realtime/client_secrets"})

_READS = ("GET", "HEAD")
_WRITES = ("POST",)
_WRITTEN = frozenset({RESET, PAUSE})

_log = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Teller = Callable[[web.BaseRequest, Endpoint, Story], Awaitable[web.StreamResponse]]


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


def nobody_seeks(_: int) -> None:
    """Look for no process."""


@dataclass(slots=True, kw_only=True)
class Front:
    """Everything that a request meets.

    Args:
        resolved: what the proxy runs on.
        guard: who may call.
        scope: what ordinary requests share.
        lanes: how attempts are made.
        direct: the direct one of them.
        sink: takes the stories of requests that went down a chain.
        stories: takes down what becomes of each request.
        instance: the token of this run of the daemon.
        status: what `/agentbox/status` tells.
        limits: what `/agentbox/limits` tells and resets.
        live: what `/agentbox/live` tells.
        pause: pauses a link, or lets it go on.
        usage: what `/agentbox/usage` tells.
        drills: honours drill headers; None outside drills.
        project: what requests that name no project are for.
        body_limit: bytes of the largest request body.
        silence: seconds that a client of a stream waits before keep-alives begin.
        budgets: what may be spent; None if nothing limits it.
        pins: who made what providers keep.
        seek: has the process looked for that owns a socket's inode.
        containers: the paths of unix sockets, and whose calls come in by each.
        mcp: serves `/mcp`; None where there is no gateway.
    """

    resolved: Resolved
    guard: Guard
    scope: Scope
    lanes: Mapping[Lane, LaneCaller]
    direct: DirectLane
    sink: StorySink
    stories: Stories
    instance: str
    status: Callable[[], dict[str, Any]]
    limits: LimitsPage
    live: Callable[[], Awaitable[dict[str, Any]]]
    pause: Callable[[bytes], dict[str, Any]]
    usage: UsagePage
    drills: Drills | None = None
    project: str = ""
    body_limit: int = BODY_LIMIT
    silence: float = SILENCE_SECONDS
    budgets: Budgets | None = None
    pins: Pins = field(default_factory=Pins)
    seek: Callable[[int], None] = nobody_seeks
    containers: Mapping[str, str] = field(default_factory=dict)
    mcp: McpRelay | None = None

    def server(self) -> "Server":
        """The server that answers with this front."""
        return Server(Dispatcher(self), self.guard)


class Server(web.Server):
    """aiohttp's server, asking the kernel about each caller when its connection is accepted."""

    def __init__(self, dispatcher: "Dispatcher", guard: Guard) -> None:
        # A client that goes away must end its upstream call, so its handler is cancelled.
        super().__init__(dispatcher.answer, handler_cancellation=True, access_log=None)
        self._guard = guard
        self._dispatcher = dispatcher

    def connection_made(self, handler: Any, transport: Any) -> None:
        """Keep the kernel's word for as long as the connection lasts."""
        super().connection_made(handler, transport)
        local = transport.get_extra_info("sockname")
        if isinstance(local, str):
            self._dispatcher.met(handler, local)
            return
        remote = transport.get_extra_info("peername")
        peer = self._guard.peer(local, remote) if local and remote else None
        if self._guard.vouches_for(peer):
            self._dispatcher.same_user.add(handler)
        if peer is not None and peer.inode:
            self._dispatcher.sockets[handler] = peer.inode
            self._dispatcher.seek(peer.inode)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Forget the connection."""
        self._dispatcher.same_user.discard(handler)
        self._dispatcher.sockets.pop(handler, None)
        self._dispatcher.containers.pop(handler, None)
        super().connection_lost(handler, exc)


class Dispatcher:
    """Sends each request to what answers it."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._names = Names(front.resolved)
        self._relay = Relay(
            lanes=front.lanes,
            router=front.resolved.router,
            silence=front.silence,
            budgets=front.budgets,
            pins=front.pins,
        )
        self._counting = Counting(direct=front.direct)
        self._resources = Resources(
            names=self._names,
            direct=front.direct,
            pins=front.pins,
            timeout=front.resolved.router.timeout,
        )
        self._requests = Pages(front.stories, front.resolved.secrets())
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
        self.same_user: set[Any] = set()
        self.sockets: dict[Any, int] = {}
        self.containers: dict[Any, str] = {}
        self.seek = front.seek

    def met(self, handler: Any, path: str) -> None:
        """Keep which socket a connection came in by; whoever could open it may call."""
        self.containers[handler] = self._front.containers[path]
        self.same_user.add(handler)

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        endpoint = SERVED.get(http.path)
        refused = self._front.guard.check(
            http.headers,
            same_user=http.protocol in self.same_user,
            on_unix_socket=http.protocol in self.containers,
        )
        if refused is not None and not (http.path == HEALTH and refused.status == 401):  # noqa: PLR2004 - HTTP's Unauthorized
            return _turned_away(http, endpoint, refused)
        try:
            return await self._find(http, endpoint)
        except ConnectionResetError:
            raise  # the client is gone, there is nobody to tell
        except Exception:  # noqa: BLE001 - this is the boundary of a request
            _log.exception("a request failed by a fault of ours")
            if http.writer.output_size:
                # Half an answer is out. Without its last chunk clients see that it was cut.
                raise ConnectionResetError from None
            message = "agentbox failed on this request; `agentbox litellm logs` tells more"
            return refusal(endpoint or CHAT, 500, message, code="agentbox_bug")

    async def _find(self, http: web.BaseRequest, endpoint: Endpoint | None) -> web.StreamResponse:
        """Find what answers at a path."""
        if http.headers.get("upgrade", "").lower() == "websocket" or http.path in REALTIME:
            return _no_websocket(http)
        if endpoint is not None:
            answer = self._counted if endpoint is COUNT_TOKENS else self._relayed
            return await self._told(http, endpoint, answer)
        if thing := thing_at(http.path, http.headers):
            return await self._told(http, thing.endpoint, partial(self._passed_on, thing))
        return await self._page(http)

    async def _told(
        self, http: web.BaseRequest, endpoint: Endpoint, answer: Teller
    ) -> web.StreamResponse:
        """Answer while the request's story is taken down."""
        request_id = f"req_{secrets.token_hex(12)}"
        caller = self.containers.get(http.protocol) or caller_of(http.headers)
        project = project_of(http.headers, self._front.project)
        story = self._front.stories.begin(request_id, endpoint, caller, project)
        story.socket = self.sockets.get(http.protocol)
        try:
            return await answer(http, endpoint, story)
        except Refused as why:
            story.ends(End.REFUSED, why.status, str(why))
            headers = {**why.headers, names.REQUEST_ID: request_id}
            return refusal(endpoint, why.status, str(why), code=why.code, headers=headers)
        except (asyncio.CancelledError, ConnectionError):
            story.client_left()
            raise
        except Exception:
            story.ends(End.BUG, None, "a fault of ours; `agentbox litellm logs` tells more")
            raise
        finally:
            if story.chain is not None:
                self._front.sink(story)

    async def _relayed(
        self, http: web.BaseRequest, endpoint: Endpoint, story: Story
    ) -> web.StreamResponse:
        return await self._relay.serve(await self._exchange(http, endpoint, story))

    async def _counted(
        self, http: web.BaseRequest, endpoint: Endpoint, story: Story
    ) -> web.StreamResponse:
        ask = await self._ask(http, endpoint)
        story.asks(ask.model, stream=False)
        story.chain = chain = self._chain_of(ask, endpoint)
        return await self._counting.answer(http, endpoint, ask, chain, self._scope(http), story)

    async def _passed_on(
        self, thing: Thing, http: web.BaseRequest, endpoint: Endpoint, story: Story
    ) -> web.StreamResponse:
        if not allows(http.method):
            message = f"{endpoint.path} takes GET, POST and DELETE"
            raise Refused(405, message, headers={"allow": "GET, POST, DELETE"})
        body = await self._body(http)
        model = named_model(http)
        story.asks(model or "", stream=False)
        try:
            story.chain = chain = self._resources.chain_for(thing, model, body)
            return await self._resources.pass_on(http, thing, chain, story, body)
        except NotHere as why:
            raise Refused(why.status, str(why), why.code) from None

    async def _exchange(self, http: web.BaseRequest, endpoint: Endpoint, story: Story) -> Exchange:
        ask = await self._ask(http, endpoint)
        story.asks(ask.model, stream=ask.stream)
        story.chain = chain = self._chain_of(ask, endpoint)
        things = named_things(ask, endpoint)
        return Exchange(
            http=http,
            endpoint=endpoint,
            ask=ask,
            chain=chain,
            scope=self._scope(http),
            story=story,
            things=things,
            pinned=self._pinned(chain, things, endpoint) if things else None,
        )

    def _pinned(self, chain: Chain, things: list[str], endpoint: Endpoint) -> frozenset[int]:
        try:
            return links_for(chain, things, endpoint.protocol, self._front.pins)
        except Unpinnable as why:
            raise Refused(CONFLICT, str(why), STATE_CODE) from None

    async def _ask(self, http: web.BaseRequest, endpoint: Endpoint) -> Ask:
        if http.method != "POST":
            raise Refused(405, f"{endpoint.path} takes POST", headers={"allow": "POST"})
        try:
            body = await self._body(http)
            media = http.headers.get("content-type", "") if endpoint.opaque else ""
            return read_form(body, media) if is_form(media) else read_ask(body)
        except BadBody as error:
            raise Refused(400, str(error), "invalid_body") from None
        except web.RequestPayloadError as error:
            raise Refused(400, f"the body cannot be read: {error}", "invalid_body") from None

    def _chain_of(self, ask: Ask, endpoint: Endpoint) -> Chain:
        chain = self._names.chain(ask.model)
        if chain is None:
            raise Refused(404, self._names.unknown(ask.model), "model_not_found")
        if kind_of(endpoint) not in {chain.kind, None}:
            message = f"{ask.model!r} holds {chain.kind} models, which {endpoint.path} cannot use"
            raise Refused(400, message, "wrong_model_kind")
        return chain

    def _scope(self, http: web.BaseRequest) -> Scope:
        drills = self._front.drills
        header = http.headers.get(DRILL) if drills else None
        if drills is None or header is None:
            return self._front.scope
        return drills.scope(header) or self._front.scope

    async def _body(self, http: web.BaseRequest) -> bytes:
        limit = self._front.body_limit
        too_large = f"the body is over the limit of {limit // (1024 * 1024)} MiB"
        if (http.content_length or 0) > limit:
            raise Refused(413, too_large, "body_too_large")
        if http.headers.get("expect", "").lower() == "100-continue" and http.transport:
            http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        content = http.content
        parts = []
        size = 0
        while chunk := await content.readany():
            size += len(chunk)
            if size > limit:
                raise Refused(413, too_large, "body_too_large")
            parts.append(chunk)
            if content.at_eof():
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _mcp(self, http: web.BaseRequest, relay: McpRelay) -> web.StreamResponse:
        try:
            return await relay.serve(http, await self._body(http))
        except Refused as why:
            return rpc_refusal(why.status, str(why))

    async def _page(self, http: web.BaseRequest) -> web.StreamResponse:
        page = self._pages.get(http.path)
        if page is None and http.path.startswith(f"{REQUESTS}/"):
            page = self._requests.one
        if page is None and self._front.mcp is not None and is_mcp(http.path):
            return await self._mcp(http, self._front.mcp)
        if page is None and http.path.startswith(ONE_MODEL):
            page = self._model
        if page is None:
            message = f"nothing is served at {http.path[:100]}"
            return refusal(_tongue(http), 404, message, code="not_found")
        methods = _WRITES if http.path in _WRITTEN else _READS
        if http.method not in methods:
            message = f"{http.path} takes {methods[0]}"
            return refusal(_tongue(http), 405, message, headers={"allow": ", ".join(methods)})
        return await page(http)

    async def _health(self, _: web.BaseRequest) -> web.StreamResponse:
        body = {"status": "ok", "instance": self._front.instance, "version": __version__}
        return web.json_response(body)

    async def _status(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(self._front.status())

    async def _limits(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(self._front.limits.show())

    async def _live(self, _: web.BaseRequest) -> web.StreamResponse:
        return web.json_response(await self._front.live())

    async def _write(
        self, write: Callable[[bytes], dict[str, Any]], http: web.BaseRequest
    ) -> web.StreamResponse:
        try:
            return web.json_response(write(await self._body(http)))
        except Refused as why:
            return refusal(_tongue(http), why.status, str(why), code=why.code)
        except BadBody as error:
            return refusal(_tongue(http), 400, str(error), code="invalid_body")
        except LookupError as error:
            return refusal(_tongue(http), 404, str(error), code="unknown_name")

    async def _models(self, http: web.BaseRequest) -> web.StreamResponse:
        anthropic = "anthropic-version" in http.headers
        return web.json_response(models_body(list(self._names.aliases), anthropic=anthropic))

    async def _model(self, http: web.BaseRequest) -> web.StreamResponse:
        name = http.path.partition("/models/")[2]
        if self._names.chain(name) is None:
            tongue = _tongue(http)
            return refusal(tongue, 404, self._names.unknown(name), code="model_not_found")
        return web.json_response(model_body(name, anthropic="anthropic-version" in http.headers))


def _turned_away(
    http: web.BaseRequest, endpoint: Endpoint | None, refused: Refusal
) -> web.StreamResponse:
    """The guard's refusal, as the caller reads it."""
    if http.path in web_page.PATHS:
        return web_page.refused(refused)
    if is_mcp(http.path):
        return rpc_refusal(refused.status, refused.message)
    return refusal(endpoint or _tongue(http), refused.status, refused.message, code=refused.code)


def _tongue(http: web.BaseRequest) -> Endpoint:
    return tongue_of(http.path, http.headers)


def _no_websocket(http: web.BaseRequest) -> web.StreamResponse:
    """Refuse what cannot be served; clients of responses go on by HTTP after a 426."""
    if http.path in SERVED:
        message = f"{http.path} is served by HTTP only, not by websocket: send a POST"
        return refusal(_tongue(http), 426, message, code="websocket_not_supported")
    message = "the proxy serves no websockets and no realtime sessions: call the provider itself"
    return refusal(_tongue(http), 501, message, code="realtime_not_supported")
