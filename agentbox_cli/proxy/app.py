"""The proxy's front door: every request passes the guard, then finds its path or a 404."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from agentbox_cli.proxy import headers as names
from agentbox_cli.proxy.asking import Reader
from agentbox_cli.proxy.body import read_body
from agentbox_cli.proxy.callers import caller_of, project_of
from agentbox_cli.proxy.connections import Connections
from agentbox_cli.proxy.endpoints import CHAT, COUNT_TOKENS, GOOGLE_COUNT, SERVED, Endpoint
from agentbox_cli.proxy.front import Front
from agentbox_cli.proxy.google_paths import called_at, key_in
from agentbox_cli.proxy.http_server import Notes, Server
from agentbox_cli.proxy.mcp_relay import STATUS, is_mcp, not_for_containers
from agentbox_cli.proxy.names import Names
from agentbox_cli.proxy.pages import HEALTH, Pages
from agentbox_cli.proxy.relay import Relay
from agentbox_cli.proxy.reply import refusal
from agentbox_cli.proxy.resources import NotHere, Resources, Thing, allows, named_model, thing_at
from agentbox_cli.proxy.story import End, Story
from agentbox_cli.proxy.token_counting import Counting
from agentbox_cli.proxy.turned_away import Refused, no_websocket, turned_away

REALTIME = frozenset({"/v1/realtime", "/v1/realtime/sessions", "/v1/realtime/client_secrets"})

_log = logging.getLogger(__name__)
# Only names: a call into the kernel for each would cost more than all else about it (measured).
_ids = random.Random()  # noqa: S311 - guards nothing

Teller = Callable[[web.BaseRequest, Endpoint, Story], Awaitable[web.StreamResponse]]


def server_of(front: Front, *notes: Notes) -> Server:
    """The server that answers with a front, and has its connections noted by others, too."""
    connections = Connections(front)
    return Server(Dispatcher(front, connections).answer, connections, *notes)


class Dispatcher:
    """Sends each request to what answers it.

    Args:
        front: what a request meets.
        connections: who is at the other end.
    """

    def __init__(self, front: Front, connections: Connections) -> None:
        self._front = front
        self._connections = connections
        model_names = Names(front.resolved)
        self._reader = Reader(front, model_names)
        self._pages = Pages(front, model_names, self._sees_servers)
        self._relay = Relay(
            lanes=front.lanes,
            router=front.resolved.router,
            silence=front.silence,
            budgets=front.budgets,
            pins=front.pins,
        )
        self._counting = Counting(direct=front.direct)
        self._resources = Resources(
            names=model_names,
            direct=front.direct,
            pins=front.pins,
            timeout=front.resolved.router.timeout,
        )

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        endpoint = SERVED.get(http.path) or called_at(http.path)
        google = endpoint is not None and endpoint.is_google
        query_key = key_in(http.rel_url.raw_query_string) if google else None
        guard = self._front.guard
        holder = guard.holder(http.headers, query_key)
        refused = guard.check(
            http.headers,
            same_user=http.protocol in self._connections.same_user,
            on_unix_socket=http.protocol in self._connections.containers,
            holder=holder,
            query_key=query_key,
        )
        if refused is not None and not (http.path == HEALTH and refused.status == 401):  # noqa: PLR2004 - HTTP's Unauthorized
            return turned_away(http, endpoint, refused)
        if refused is None:
            self._connections.strangers.known(http.protocol)
        try:
            return await self._find(http, endpoint, holder)
        except ConnectionResetError:
            raise  # the client is gone, there is nobody to tell
        except Exception:  # noqa: BLE001 - this is the boundary of a request
            _log.exception("a request failed by a fault of ours")
            if http.writer.output_size:
                # Half an answer is out. Without its last chunk clients see that it was cut.
                raise ConnectionResetError from None
            message = "agentbox failed on this request; `agentbox litellm logs` tells more"
            return refusal(endpoint or CHAT, 500, message, code="agentbox_bug")

    async def _find(
        self, http: web.BaseRequest, endpoint: Endpoint | None, holder: str | None
    ) -> web.StreamResponse:
        """Find what answers at a path."""
        if http.headers.get("upgrade", "").lower() == "websocket" or http.path in REALTIME:
            return no_websocket(http)
        if endpoint is not None:
            counts = endpoint is COUNT_TOKENS or endpoint is GOOGLE_COUNT
            answer = self._counted if counts else self._relayed
            return await self._told(http, endpoint, answer, holder)
        if thing := thing_at(http.rel_url.raw_path, http.headers):
            answer = partial(self._passed_on, thing)
            return await self._told(http, thing.endpoint, answer, holder)
        if self._is_kept_from_mcp(http):
            return not_for_containers()
        return await self._pages.answer(http)

    def _is_kept_from_mcp(self, http: web.BaseRequest) -> bool:
        """Whether a container asks for servers that run outside of it, on the host."""
        asked = is_mcp(http.path) or http.path == STATUS
        return asked and not self._sees_servers(http)

    def _sees_servers(self, http: web.BaseRequest) -> bool:
        inside = http.protocol in self._connections.containers
        return not inside or self._front.mcp_for_containers

    async def _told(
        self, http: web.BaseRequest, endpoint: Endpoint, answer: Teller, holder: str | None
    ) -> web.StreamResponse:
        """Answer while the request's story is taken down."""
        request_id = f"req_{_ids.getrandbits(96):024x}"
        caller = holder or self._caller_without_token(http)
        project = project_of(http.headers, self._front.project)
        story = self._front.stories.begin(request_id, endpoint, caller, project)
        story.socket = self._connections.sockets.get(http.protocol)
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

    def _caller_without_token(self, http: web.BaseRequest) -> str | None:
        return self._connections.containers.get(http.protocol) or caller_of(http.headers)

    async def _relayed(
        self, http: web.BaseRequest, endpoint: Endpoint, story: Story
    ) -> web.StreamResponse:
        return await self._relay.serve(await self._reader.exchange(http, endpoint, story))

    async def _counted(
        self, http: web.BaseRequest, endpoint: Endpoint, story: Story
    ) -> web.StreamResponse:
        ask = await self._reader.ask(http, endpoint)
        story.asks(ask.model, stream=False)
        story.chain = chain = self._reader.chain_of(ask, endpoint)
        return await self._counting.answer(
            http, endpoint, ask, chain, self._reader.scope(http), story
        )

    async def _passed_on(
        self, thing: Thing, http: web.BaseRequest, endpoint: Endpoint, story: Story
    ) -> web.StreamResponse:
        if not allows(http.method):
            message = f"{endpoint.path} takes GET, POST and DELETE"
            raise Refused(405, message, headers={"allow": "GET, POST, DELETE"})
        body = await read_body(http, self._front.body_limit)
        model = named_model(http)
        story.asks(model or "", stream=False)
        try:
            story.chain = chain = self._resources.chain_for(thing, model, body)
            return await self._resources.pass_on(http, thing, chain, story, body)
        except NotHere as why:
            raise Refused(why.status, str(why), why.code) from None
