"""One session with a server: the handshake, then requests whose answers stay as they are.

Answers are not read into models: what a newer server adds passes through, and one tool with a
broken schema does not cost the others.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mcp.shared.dispatcher import CallOptions, DispatchContext, ProgressFnT
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types import METHOD_NOT_FOUND
from mcp_types.version import LATEST_HANDSHAKE_VERSION

from agentbox_cli import __version__
from agentbox_cli.errors import ProviderError

# By this a gateway knows itself when an entry of its config leads back to it.
ITSELF = "agentbox/gateway"
CLIENT = {"name": "agentbox", "title": "agentbox's MCP gateway", "version": __version__}
_UPDATED = "notifications/resources/updated"
_MOST_PAGES = 100
_LONGEST_INSTRUCTIONS = 8_000

Reply = Mapping[str, Any]
Changed = Callable[[str], None]


@cache
def our_id() -> str:
    """The identity of this process."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a server says of itself.

    Args:
        version: of the protocol.
        name: its own.
        release: its version.
        capabilities: what it has.
        instructions: what it wants models to know; empty if nothing.
    """

    version: str
    name: str
    release: str
    capabilities: Mapping[str, Any]
    instructions: str = ""

    def has(self, kind: str) -> bool:
        """Whether it has `tools`, `resources` or `prompts`."""
        return isinstance(self.capabilities.get(kind), dict)

    @property
    def subscribes(self) -> bool:
        """Whether it tells of changes of a resource."""
        return self.has("resources") and bool(self.capabilities["resources"].get("subscribe"))


class Session:
    """A session over a pair of streams; `run` has to go on beside it.

    Args:
        read: what the server sends.
        write: what it gets.
        on_changed: told the kind of list, such as `tools`, that the server says has changed.
        on_updated: told the URI of a resource that is watched and has changed.
    """

    def __init__(
        self, read: Any, write: Any, on_changed: Changed, on_updated: Changed = lambda _: None
    ) -> None:
        self._dispatcher: JSONRPCDispatcher[Any] = JSONRPCDispatcher(read, write)
        self._on_changed = on_changed
        self._on_updated = on_updated
        self._headers: dict[str, str] = {}

    async def run(self, started: Any) -> None:
        """Take what the server sends until the streams end."""
        await self._dispatcher.run(self._asked, self._told, task_status=started)

    async def greet(self) -> Greeting:
        """Make the handshake.

        Raises:
            MCPError: it is refused.
            ProviderError: the answer is none.
        """
        asked = {
            "protocolVersion": LATEST_HANDSHAKE_VERSION,
            "capabilities": {"experimental": {ITSELF: {"id": our_id()}}},
            "clientInfo": CLIENT,
        }
        greeting = _greeting(await self.ask("initialize", asked))
        self._headers = {MCP_PROTOCOL_VERSION_HEADER: greeting.version}
        await self._dispatcher.notify("notifications/initialized", None, self._options())
        return greeting

    async def ask(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        seconds: float | None = None,
        on_progress: ProgressFnT | None = None,
    ) -> dict[str, Any]:
        """Send a request and give its result; when cancelled, the server is told.

        Raises:
            MCPError: the server answers with an error, not in time, or is gone.
        """
        options = self._options()
        if seconds is not None:
            options["timeout"] = seconds
        if on_progress is not None:
            options["on_progress"] = on_progress
        return await self._dispatcher.send_raw_request(method, params, options)

    async def everything(self, kind: str, method: str | None = None) -> list[Any]:
        """Every page of a list, such as `tools`."""
        found: list[Any] = []
        cursor: Any = None
        for _ in range(_MOST_PAGES):
            params = {} if cursor is None else {"cursor": cursor}
            page = await self.ask(method or f"{kind}/list", params)
            items = page.get(kind)
            found += items if isinstance(items, list) else []
            cursor = page.get("nextCursor")
            if not cursor:
                break
        return found

    def _options(self) -> CallOptions:
        return {"headers": dict(self._headers)}

    async def _asked(
        self, _: DispatchContext[Any], method: str, __: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        # A session is shared by all clients, so there is nobody whom a server could ask back.
        if method == "ping":
            return {}
        raise MCPError(METHOD_NOT_FOUND, f"the gateway does not answer {method}")

    async def _told(
        self, _: DispatchContext[Any], method: str, params: Mapping[str, Any] | None
    ) -> None:
        if method == _UPDATED and params and isinstance(params.get("uri"), str):
            self._on_updated(params["uri"])
        kind = method.removeprefix("notifications/").removesuffix("/list_changed")
        if kind in ("tools", "resources", "prompts"):
            self._on_changed(kind)


def _greeting(result: Reply) -> Greeting:
    version, told = result.get("protocolVersion"), result.get("serverInfo")
    info = told if isinstance(told, dict) else {}
    capabilities = result.get("capabilities")
    if not isinstance(version, str) or not isinstance(capabilities, dict):
        raise ProviderError("the answer to `initialize` names no protocol version or capabilities")
    return Greeting(
        version=version,
        name=str(info.get("name", ""))[:100],
        release=str(info.get("version", ""))[:100],
        capabilities=capabilities,
        instructions=str(result.get("instructions") or "").strip()[:_LONGEST_INSTRUCTIONS],
    )
