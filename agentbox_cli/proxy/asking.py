"""From the bytes of a request to what it asks, and of which chain."""

from aiohttp import web

from agentbox_cli.providers.resolved import Chain
from agentbox_cli.proxy.body import read_body
from agentbox_cli.proxy.drill import HEADER as DRILL
from agentbox_cli.proxy.drill import Scope
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.exchange import Exchange
from agentbox_cli.proxy.form import is_form
from agentbox_cli.proxy.front import Front
from agentbox_cli.proxy.google_paths import named_in
from agentbox_cli.proxy.names import Names
from agentbox_cli.proxy.pinning import Unpinnable, links_for, named_things
from agentbox_cli.proxy.reply import CONFLICT, STATE_CODE
from agentbox_cli.proxy.request import (
    Ask,
    BadBody,
    kind_of,
    read_ask,
    read_form,
    read_named,
)
from agentbox_cli.proxy.story import Story
from agentbox_cli.proxy.turned_away import Refused


class Reader:
    """Reads requests; what cannot be served is `Refused`.

    Args:
        front: what a request meets.
        names: what models are called.
    """

    def __init__(self, front: Front, names: Names) -> None:
        self._front = front
        self._names = names

    async def exchange(self, http: web.BaseRequest, endpoint: Endpoint, story: Story) -> Exchange:
        """Read what goes down a chain, and find that chain."""
        ask = await self.ask(http, endpoint)
        story.asks(ask.model, stream=ask.stream)
        story.chain = chain = self.chain_of(ask, endpoint)
        things = named_things(ask, endpoint)
        return Exchange(
            http=http,
            endpoint=endpoint,
            ask=ask,
            chain=chain,
            scope=self.scope(http),
            story=story,
            things=things,
            pinned=self._pinned(chain, things, endpoint) if things else None,
        )

    def _pinned(self, chain: Chain, things: list[str], endpoint: Endpoint) -> frozenset[int]:
        try:
            return links_for(chain, things, endpoint.protocol, self._front.pins)
        except Unpinnable as why:
            raise Refused(CONFLICT, str(why), STATE_CODE) from None

    async def ask(self, http: web.BaseRequest, endpoint: Endpoint) -> Ask:
        """Read the body."""
        if http.method != "POST":
            raise Refused(405, f"{endpoint.path} takes POST", headers={"allow": "POST"})
        try:
            body = await read_body(http, self._front.body_limit)
            if endpoint.is_google:
                model, stream = named_in(http.path)
                return read_named(body, model, stream=stream)
            media = http.headers.get("content-type", "") if endpoint.opaque else ""
            return read_form(body, media) if is_form(media) else read_ask(body)
        except BadBody as error:
            raise Refused(400, str(error), "invalid_body") from None

    def chain_of(self, ask: Ask, endpoint: Endpoint) -> Chain:
        """The chain of the model that is asked for."""
        chain = self._names.chain(ask.model)
        if chain is None:
            raise Refused(404, self._names.unknown(ask.model), "model_not_found")
        if kind_of(endpoint) not in {chain.kind, None}:
            message = f"{ask.model!r} holds {chain.kind} models, which {endpoint.path} cannot use"
            raise Refused(400, message, "wrong_model_kind")
        return chain

    def scope(self, http: web.BaseRequest) -> Scope:
        """What the request shares with others: for a drill's requests, only with that drill."""
        drills = self._front.drills
        header = http.headers.get(DRILL) if drills else None
        if drills is None or header is None:
            return self._front.scope
        return drills.scope(header) or self._front.scope
