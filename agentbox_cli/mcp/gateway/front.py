"""What clients of the gateway talk to: one MCP server for all, and one for each by itself."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions
from mcp.server.session import ServerSession
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    CallToolRequestParams,
    CompleteRequestParams,
    GetPromptRequestParams,
    PaginatedRequestParams,
    PromptReference,
    ReadResourceRequestParams,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from agentbox_cli import __version__
from agentbox_cli.config.names import closest
from agentbox_cli.mcp.gateway.cutting import failure
from agentbox_cli.mcp.gateway.hub import Hub
from agentbox_cli.mcp.gateway.naming import Gathered, Home, gather_named, gather_uris, home_of
from agentbox_cli.mcp.gateway.session import ITSELF, our_id
from agentbox_cli.mcp.gateway.upstream import Down, Upstream
from agentbox_cli.mcp.gateway.watchers import Watchers

_SESSION_HEADER = "mcp-session-id"
# Clients come and go without a word; these are told of changes.
_SESSIONS_KEPT = 1_000

_INSTRUCTIONS = (
    "Tools of several MCP servers, brought together by agentbox: each is called <server>-<tool>."
)

# What 2026-07-28 wants of every answer; the SDK takes it away for clients of older versions.
_DONE: dict[str, Any] = {"resultType": "complete"}
_LIST = _DONE | {"ttlMs": 0, "cacheScope": "private"}

# Where a server says of itself what it is, in the old protocols and the new one.
_GREETINGS = ("initialize", "server/discover")
# Many servers share the room that clients give to one.
_SHORT = 1_000

_Context = ServerRequestContext[Any, Any]
Names = Callable[[], Iterable[str]]


class _Server(Server[Any]):
    """The SDK's server, which says to clients of every age that its lists change."""

    def create_initialization_options(self, *_: Any, **__: Any) -> InitializationOptions:
        """What `initialize` is answered with."""
        return super().create_initialization_options(
            NotificationOptions(prompts_changed=True, resources_changed=True, tools_changed=True)
        )


class Front:
    """An MCP server whose tools are those of others.

    Args:
        hub: the servers.
        name: what it calls itself.
        names: the servers that are seen here.
        prefixed: whether tools carry the server's name.
    """

    def __init__(self, hub: Hub, name: str, names: Names, *, prefixed: bool) -> None:
        self._hub = hub
        self._names = names
        self._prefixed = prefixed
        self._bus = InMemorySubscriptionBus()
        self._listening = ListenHandler(self._bus)
        self._sessions: OrderedDict[str, ServerSession] = OrderedDict()
        self._watchers = Watchers(hub, self._home_of)
        self.server = _Server(
            name,
            version=__version__,
            instructions=_INSTRUCTIONS if prefixed else None,
            # Arguments are the servers' own business; nothing is checked here twice.
            get_tool_input_schema=lambda _: None,
            on_subscriptions_listen=self._listen,
        )
        add = self.server.add_request_handler
        # Answers are plain data, which the typed arguments of the constructor do not take.
        add("tools/list", PaginatedRequestParams, self._list_tools)
        add("tools/call", CallToolRequestParams, self._call_tool)
        add("resources/list", PaginatedRequestParams, self._list_resources)
        add("resources/templates/list", PaginatedRequestParams, self._list_templates)
        add("resources/read", ReadResourceRequestParams, self._read_resource)
        add("resources/subscribe", SubscribeRequestParams, self._subscribe)
        add("resources/unsubscribe", UnsubscribeRequestParams, self._unsubscribe)
        add("prompts/list", PaginatedRequestParams, self._list_prompts)
        add("prompts/get", GetPromptRequestParams, self._get_prompt)
        add("completion/complete", CompleteRequestParams, self._complete)
        self.server.middleware = [self._remember]

    async def tell(self, kind: str) -> None:
        """Tell every client that a list is not as it was."""
        match kind:
            case "tools":
                await self._bus.publish(ToolsListChanged())
            case "resources":
                await self._bus.publish(ResourcesListChanged())
            case _:
                await self._bus.publish(PromptsListChanged())
        for session in list(self._sessions.values()):
            match kind:
                case "tools":
                    await session.send_tool_list_changed()
                case "resources":
                    await session.send_resource_list_changed()
                case _:
                    await session.send_prompt_list_changed()

    async def tell_updated(self, home: Home) -> None:
        """Tell every client that watches a resource that it has changed."""
        for uri in self._watchers.streams(home):
            await self._bus.publish(ResourceUpdated(uri=uri))
        for key, uri in self._watchers.sessions(home):
            if session := self._sessions.get(key):
                await session.send_resource_updated(uri)

    # Only clients of older versions ask for these, and some refuse an answer with more in it.

    async def _subscribe(self, ctx: _Context, params: SubscribeRequestParams) -> HandlerResult:
        await self._watchers.subscribe(_session_key(ctx), str(params.uri))
        return {}

    async def _unsubscribe(self, ctx: _Context, params: UnsubscribeRequestParams) -> HandlerResult:
        await self._watchers.unsubscribe(_session_key(ctx), str(params.uri))
        return {}

    async def _listen(
        self, ctx: _Context, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """A stream of news; resources are watched for as long as it lasts, if they can be."""
        wanted = params.notifications
        async with self._watchers.listening(wanted.resource_subscriptions or ()) as uris:
            kept = wanted.model_copy(update={"resource_subscriptions": uris or None})
            return await self._listening(ctx, params.model_copy(update={"notifications": kept}))

    async def _home_of(self, uri: str) -> Home | None:
        return home_of(uri, await self._resources(), await self._templates())

    async def _remember(self, ctx: _Context, call_next: CallNext) -> HandlerResult:
        if ctx.method == "initialize" and _comes_from_us(ctx.params):
            # Its own tools would become tools of a server behind it, and so on without end.
            raise MCPError(INVALID_REQUEST, "this is the gateway itself")
        known = _session_key(ctx)
        if known and ctx.protocol_version in HANDSHAKE_PROTOCOL_VERSIONS:
            self._sessions[known] = ctx.session
            self._sessions.move_to_end(known)
            if len(self._sessions) > _SESSIONS_KEPT:
                gone, _ = self._sessions.popitem(last=False)
                await self._watchers.forget(gone)
        result = await call_next(ctx)
        if ctx.method in _GREETINGS and isinstance(result, dict):
            told = await self._instructions()
            return {**result, "instructions": told} if told else result
        return result

    async def _instructions(self) -> str:
        """What models should know: a word of ours, and what each server says of itself."""
        found = await self._hub.gathered(self._seen())
        texts = {each.server.name: each.told() for each in found}
        if not self._prefixed:
            return "".join(texts.values())
        told = [f"{name}: {_short(text)}" for name, text in texts.items() if text]
        return "\n\n".join([_INSTRUCTIONS, *told])

    async def _list_tools(self, _: _Context, __: PaginatedRequestParams | None) -> HandlerResult:
        return _LIST | {"tools": list((await self._tools()).items)}

    async def _list_prompts(self, _: _Context, __: PaginatedRequestParams | None) -> HandlerResult:
        return _LIST | {"prompts": list((await self._prompts()).items)}

    async def _list_resources(self, _: _Context, __: PaginatedRequestParams) -> HandlerResult:
        return _LIST | {"resources": list((await self._resources()).items)}

    async def _list_templates(self, _: _Context, __: PaginatedRequestParams) -> HandlerResult:
        return _LIST | {"resourceTemplates": list((await self._templates()).items)}

    async def _call_tool(self, context: _Context, params: CallToolRequestParams) -> HandlerResult:
        upstream, own = self._tool(params.name)
        if own not in upstream.usable():
            withheld = next((tool for tool in upstream.tools if tool.name == own), None)
            if withheld is not None:
                why = _why_withheld(upstream, own, withheld.state, withheld.reason)
                return _DONE | failure(why)

        wanted = {"progress_token", "progressToken"} & {*(context.meta or {})}
        report = context.session.report_progress if wanted else None
        called = upstream.call(own, params.arguments or {}, report)
        return _DONE | dict(await called)

    async def _get_prompt(self, _: _Context, params: GetPromptRequestParams) -> HandlerResult:
        home = (await self._prompts()).homes.get(params.name)
        if home is None:
            raise MCPError(INVALID_PARAMS, f"there is no prompt {params.name!r}")
        asked = {"name": home.name, "arguments": params.arguments or {}}
        return await self._ask(home.server, "prompts/get", asked)

    async def _read_resource(
        self, _: _Context, params: ReadResourceRequestParams
    ) -> HandlerResult:
        home = await self._home_of(str(params.uri))
        if home is None:
            raise MCPError(INVALID_PARAMS, f"there is no resource {params.uri}")
        result = await self._ask(home.server, "resources/read", {"uri": home.name})
        return _readdressed(result, home.name, str(params.uri))

    async def _complete(self, _: _Context, params: CompleteRequestParams) -> HandlerResult:
        told = params.model_dump(by_alias=True, mode="json", exclude_none=True)
        named = isinstance(params.ref, PromptReference)
        found = await (self._prompts() if named else self._templates())
        field = "name" if named else "uri"
        home = found.homes.get(told["ref"][field])
        if home is None or not self._completes(home.server):
            return _DONE | {"completion": {"values": []}}
        asked: dict[str, Any] = {key: told[key] for key in ("argument", "context") if key in told}
        asked["ref"] = told["ref"] | {field: home.name}
        return _DONE | await self._hub.upstreams[home.server].ask("completion/complete", asked)

    def _completes(self, server: str) -> bool:
        greeting = self._hub.upstreams[server].greeting
        return greeting is not None and greeting.has("completions")

    async def _ask(self, server: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return _LIST | await self._hub.upstreams[server].ask(method, params)
        except Down as why:
            raise MCPError(INTERNAL_ERROR, str(why)) from None

    def _tool(self, name: str) -> tuple[Upstream, str]:
        """The server and its own name of a tool, whether it may be called or not."""
        found = {each: self._hub.upstreams[each] for each in self._seen()}
        every: dict[str, tuple[Upstream, str]] = {}
        for server, upstream in found.items():
            for tool in upstream.tools:
                shown = f"{server}-{tool.name}" if self._prefixed else tool.name
                every.setdefault(shown, (upstream, tool.name))
        if name in every:
            return every[name]
        for server, upstream in found.items():
            prefix = f"{server}-" if self._prefixed else ""
            # Before its first list, a server may still have any tool.
            if not upstream.tools and name.startswith(prefix):
                return upstream, name.removeprefix(prefix)
        meant = closest(name, every)
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise MCPError(INVALID_PARAMS, f"there is no tool {name!r}{hint}")

    def _seen(self) -> list[str]:
        return [name for name in self._names() if name in self._hub.upstreams]

    async def _tools(self) -> Gathered:
        found = await self._hub.gathered(self._seen())
        lists = [(each.server.name, each.shown().tools) for each in found]
        return gather_named(lists, prefixed=self._prefixed)

    async def _prompts(self) -> Gathered:
        found = await self._hub.gathered(self._seen())
        lists = [(each.server.name, each.shown().prompts) for each in found]
        return gather_named(lists, prefixed=self._prefixed)

    async def _resources(self) -> Gathered:
        found = await self._hub.gathered(self._seen())
        return gather_uris([(each.server.name, each.shown().resources) for each in found])

    async def _templates(self) -> Gathered:
        found = await self._hub.gathered(self._seen())
        lists = [(each.server.name, each.shown().templates) for each in found]
        return gather_uris(lists, "uriTemplate")


def _session_key(ctx: _Context) -> str:
    found: str = getattr(ctx.request, "headers", {}).get(_SESSION_HEADER) or ""
    return found


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def _comes_from_us(params: Mapping[str, Any] | None) -> bool:
    found: Any = params
    for key in ("capabilities", "experimental", ITSELF):
        found = found.get(key) if isinstance(found, Mapping) else None
    return isinstance(found, Mapping) and found.get("id") == our_id()


def _why_withheld(upstream: Upstream, tool: str, state: str, reason: str | None) -> str:
    name = upstream.server.name
    told = f"the tool {tool} of the MCP server {name} is withheld ({state}): {reason}"
    if state in ("new", "changed"):
        told += f". A person has to look at it: `agentbox litellm mcp accept {name}`"
    return told


def _readdressed(result: dict[str, Any], own: str, shown: str) -> dict[str, Any]:
    contents = result.get("contents")
    if own == shown or not isinstance(contents, list):
        return result
    named = [
        {**each, "uri": shown} if isinstance(each, dict) and each.get("uri") == own else each
        for each in contents
    ]
    return {**result, "contents": named}
