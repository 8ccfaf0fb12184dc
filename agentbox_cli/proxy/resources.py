"""Things that a provider keeps: responses, conversations, files, batches, containers.

A call about a thing goes to the provider that made it, and a call that makes one to the provider
of the first link of an alias. There is no failover: no other provider knows the thing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from aiohttp import web

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Chain, Lane, Link, ResolvedProvider
from agentbox_cli.proxy.answers import Spent
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.classify import classify
from agentbox_cli.proxy.echoes import body_without_echoes, without_echoes
from agentbox_cli.proxy.encoding import decoded
from agentbox_cli.proxy.endpoints import Endpoint
from agentbox_cli.proxy.errortext import redact_body
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.headers import client_headers
from agentbox_cli.proxy.lanes import DirectLane
from agentbox_cli.proxy.names import Names
from agentbox_cli.proxy.pins import Maker, Pins
from agentbox_cli.proxy.story import End, Story
from agentbox_cli.proxy.upstream import AttemptFailed, Reply

JSON = "application/json"
CLIENT_ERROR = 400
_NAME = r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"
_RESPONSE = re.compile(rf"/v1/responses/(?P<id>{_NAME})(?P<rest>/input_items|/cancel)?")
_KINDS = "files|batches|uploads|containers|conversations|vector_stores"
_OPENAI = re.compile(rf"/v1/(?P<kind>{_KINDS})(/(?P<id>{_NAME})(?P<rest>(/{_NAME})*))?")
_ANTHROPIC = re.compile(
    rf"/v1/(?P<kind>messages/batches|files)(/(?P<id>{_NAME})(?P<rest>(/{_NAME})*))?"
)
_METHODS = frozenset({"GET", "POST", "DELETE"})
# A call that only asks or keeps something has no tokens; those were counted when they were used.
_NOTHING = Spent(protocol=Protocol.OPENAI_RESPONSES, usage={"input_tokens": 0, "output_tokens": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What a path speaks of.

    Args:
        endpoint: the path with `{id}` for the id, and the protocol that a provider must speak.
        id: whose it is; None for all of a kind, or a new one.
    """

    endpoint: Endpoint
    id: str | None


class NotHere(Exception):  # noqa: N818 - it names the answer
    """No provider can be asked; status and code of the answer, and why."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def thing_at(path: str, headers: Mapping[str, str]) -> Thing | None:
    """The thing at a path; None if there is none.

    Args:
        path: as the caller wrote it: in an id, an encoded slash must not become one that leads
            to another thing of the provider.
        headers: tell Anthropic's paths from OpenAI's.
    """
    if found := _RESPONSE.fullmatch(path):
        template = f"/v1/responses/{{id}}{found['rest'] or ''}"
        return _thing("responses", template, Protocol.OPENAI_RESPONSES, found["id"])
    anthropic = path.startswith("/v1/messages/") or "anthropic-version" in headers
    found = (_ANTHROPIC if anthropic else _OPENAI).fullmatch(path)
    if found is None:
        return None
    spoken = Protocol.ANTHROPIC_MESSAGES if anthropic else Protocol.OPENAI_CHAT
    if found["kind"] == "conversations":
        spoken = Protocol.OPENAI_RESPONSES
    template = f"/v1/{found['kind']}{'/{id}' if found['id'] else ''}"
    return _thing(found["kind"], template, spoken, found["id"])


def _thing(name: str, path: str, protocol: Protocol, of: str | None) -> Thing:
    return Thing(endpoint=Endpoint(name=name, path=path, protocol=protocol), id=of)


@dataclass(slots=True, kw_only=True)
class Resources:
    """Sends calls about things to the provider that keeps them.

    Args:
        names: the aliases.
        direct: makes the calls.
        pins: knows who made what.
        timeout: seconds until the headers of an answer.
    """

    names: Names
    direct: DirectLane
    pins: Pins
    timeout: float

    def chain_for(self, thing: Thing, model: str | None, body: bytes) -> Chain:
        """The one link that a call goes to; raises NotHere."""
        maker = self._maker(thing, body)
        link = self._link_of(maker, thing) if maker else self._first_link(thing, model)
        provider = link.deployment.provider
        if link.deployment.lane(thing.endpoint.protocol) is not Lane.DIRECT:
            message = f"{provider.name} does not speak {thing.endpoint.protocol} itself"
            raise NotHere(501, f"{message}: {thing.endpoint.path} is not translated", "not_direct")
        if not provider.usable:
            raise NotHere(503, f"the key of {provider.name} is not set", "key_missing")
        return Chain(alias=model or link.deployment.name, links=(link,))

    async def pass_on(
        self, http: web.BaseRequest, thing: Thing, chain: Chain, story: Story, body: bytes
    ) -> web.StreamResponse:
        """Make the call and answer with what comes back."""
        link = chain.links[0]
        call = Call(link=link, number=1, timeout=self.timeout)
        attempt = story.attempt(call, Lane.DIRECT)
        provider = link.deployment.provider
        failure: Failure | None = None
        try:
            async with await self._send(http, provider, thing, body) as reply:
                attempt.has_content()
                answer, failure = await self._answer(http, reply, link, thing)
        except AttemptFailed as failed:
            attempt.ended(failure=failed.failure)
            raise NotHere(502, f"{provider.name}: {failed.failure.message}", "provider") from None
        except BaseException:
            attempt.ended(cancelled=True)
            raise
        attempt.ended(status=answer.status, spent=_NOTHING, failure=failure)
        story.ends(End.ANSWERED if failure is None else End.FAILED, answer.status)
        return answer

    def _maker(self, thing: Thing, body: bytes) -> Maker | None:
        named = thing.id or _id_in(body, "input_file_id")
        return self.pins.maker(named) if named else None

    def _link_of(self, maker: Maker, thing: Thing) -> Link:
        links = list(self.names.links())
        same = [link for link in links if link.deployment.name == maker.deployment]
        near = [link for link in links if link.deployment.provider.name == maker.provider]
        if not (same or near):
            message = f"{thing.id!r} was made by {maker}, which no alias has any more"
            raise NotHere(409, message, "state_of_another_link")
        return (same or near)[0]

    def _first_link(self, thing: Thing, model: str | None) -> Link:
        """The first link of the alias that the caller names, or that is meant."""
        if model is not None:
            chain = self.names.chain(model)
            if chain is None:
                raise NotHere(404, self.names.unknown(model), "model_not_found")
            return chain.links[0]
        able = {
            link.deployment.provider.name: link
            for link in reversed(list(self.names.links()))
            if link.deployment.lane(thing.endpoint.protocol) is Lane.DIRECT
        }
        if thing.id is not None and len(able) > 1:
            message = (
                f"nobody here knows who made {thing.id!r}: name the alias or the link that did,"
                f" as in {thing.endpoint.path}?model={next(iter(able.values())).deployment.name}"
            )
            raise NotHere(404, message, "not_found")
        if thing.id is not None and able:
            return next(iter(able.values()))
        default = self.names.aliases.get("default")
        chain = default or next(iter(self.names.aliases.values()), None)
        if chain is None:
            raise NotHere(503, "the config has no alias", "no_link_available")
        return chain.links[0]

    async def _send(
        self, http: web.BaseRequest, provider: ResolvedProvider, thing: Thing, body: bytes
    ) -> Reply:
        query = urlencode([pair for pair in _query(http) if pair[0] != "model"])
        return await self.direct.send(
            provider,
            thing.endpoint.protocol,
            method=http.method,
            path=http.rel_url.raw_path + (f"?{query}" if query else ""),
            client=http.headers,
            body=body,
            seconds=self.timeout,
        )

    async def _answer(
        self, http: web.BaseRequest, reply: Reply, link: Link, thing: Thing
    ) -> tuple[web.StreamResponse, Failure | None]:
        headers = client_headers(reply.headers.items())
        headers["x-agentbox-served-by"] = link.deployment.name
        kind = reply.headers.get("content-type", "").lower()
        if reply.status < CLIENT_ERROR and not kind.startswith(JSON):
            return await _flowing(http, reply, headers), None
        body = await reply.read()
        text = decoded(body, reply.headers.get("content-encoding"))
        if reply.status < CLIENT_ERROR:
            self._note(http.method, thing, link, text or b"")
            return web.Response(status=reply.status, body=body, headers=headers), None
        headers.pop("content-encoding", None)
        headers.setdefault("content-type", JSON)
        provider = link.deployment.provider
        failure = without_echoes(
            classify(reply.status, reply.headers, text or b"", (), thing.endpoint.protocol),
            provider,
        )
        told = body_without_echoes(redact_body(text or b""), provider)
        return web.Response(status=reply.status, body=told, headers=headers), failure

    def _note(self, method: str, thing: Thing, link: Link, text: bytes) -> None:
        """Remember who made a new thing."""
        made = _id_in(text, "id") if method == "POST" else None
        if made is not None and made != thing.id:
            self.pins.note(made, Maker(link.deployment.provider.name))
        for key in ("output_file_id", "error_file_id"):
            if name := _id_in(text, key):
                self.pins.note(name, Maker(link.deployment.provider.name))


def named_model(http: web.BaseRequest) -> str | None:
    """The alias that the query names."""
    return dict(_query(http)).get("model") or None


def allows(method: str) -> bool:
    """Whether things are called so."""
    return method in _METHODS


def _query(http: web.BaseRequest) -> list[tuple[str, str]]:
    return parse_qsl(http.rel_url.raw_query_string, keep_blank_values=True)


def _id_in(body: bytes, key: str) -> str | None:
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        told: Any = msgspec.json.decode(body, type=dict[str, Any])
    except (ValueError, RecursionError):
        return None
    value = told.get(key)
    return value if isinstance(value, str) else None


async def _flowing(
    http: web.BaseRequest, reply: Reply, headers: Mapping[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(http)
    try:
        async for chunk in reply.chunks():
            await response.write(chunk)
    except AttemptFailed as failed:
        raise ConnectionResetError(str(failed)) from None
    await response.write_eof()
    return response
