"""What the proxy's front is made of: everything that a request meets."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentbox_cli.providers.resolved import Lane, Resolved
from agentbox_cli.proxy.body import BODY_LIMIT
from agentbox_cli.proxy.drill import Drills, Scope
from agentbox_cli.proxy.exchange import SILENCE_SECONDS
from agentbox_cli.proxy.guard import Guard
from agentbox_cli.proxy.lanes import DirectLane, LaneCaller
from agentbox_cli.proxy.limits_page import LimitsPage
from agentbox_cli.proxy.mcp_relay import McpRelay
from agentbox_cli.proxy.pins import Pins
from agentbox_cli.proxy.purse import Budgets
from agentbox_cli.proxy.story import Stories, StorySink
from agentbox_cli.proxy.usage_page import UsagePage


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
        mcp_for_containers: whether it serves those that call by a socket, too.
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
    mcp_for_containers: bool = False
