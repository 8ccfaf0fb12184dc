"""The proxy as a whole: bound first, serving until it is told to drain."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.engine.render import needs_engine
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Lane, Resolved
from agentbox_cli.proxy import report
from agentbox_cli.proxy.allocation import Allocation
from agentbox_cli.proxy.app import server_of
from agentbox_cli.proxy.callers import PROJECT_VARIABLE, project_name
from agentbox_cli.proxy.capture import record_of
from agentbox_cli.proxy.client_tokens import TokenBook
from agentbox_cli.proxy.cooldown import Cooldowns
from agentbox_cli.proxy.crowds import Crowds
from agentbox_cli.proxy.drill import SECRET_VARIABLE, Drills, Scope
from agentbox_cli.proxy.exchange import SILENCE_SECONDS
from agentbox_cli.proxy.front import Front
from agentbox_cli.proxy.gateway import GatewayPlan
from agentbox_cli.proxy.guard import Guard, GuardPolicy, uids_of
from agentbox_cli.proxy.keeper import Keeper, SpentKeeper
from agentbox_cli.proxy.lanes import DirectLane, LaneCaller
from agentbox_cli.proxy.limits_page import LimitsPage
from agentbox_cli.proxy.live import live
from agentbox_cli.proxy.mcp_relay import McpRelay
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.moving import move
from agentbox_cli.proxy.pausing import pause
from agentbox_cli.proxy.peer import PeerLookup, find_lookup
from agentbox_cli.proxy.pins import Pins
from agentbox_cli.proxy.processes import Processes
from agentbox_cli.proxy.purse import Budgets, LoopBudgets
from agentbox_cli.proxy.sockets import NamedSocket, UnixSite, close, rows
from agentbox_cli.proxy.spares import renew
from agentbox_cli.proxy.story import Stories, Story
from agentbox_cli.proxy.translation import NO_ENGINE, Translation
from agentbox_cli.proxy.upstream import Upstream
from agentbox_cli.proxy.usage_page import UsagePage
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.usage.budgets import Ledger, budgets_of
from agentbox_cli.usage.capture import usage_queue, usage_warnings
from agentbox_cli.usage.queue import UsageQueue

GRACE_SECONDS = 30.0
BACKLOG = 1_024
LOOPBACK = ("127.0.0.1", "::1")

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ProxyServer:
    """Serves one resolved config on one port.

    Args:
        resolved: what it runs on.
        key: the install's key.
        instance: the token of this run.
        paths: where the engine and the limits have their files.
        grace: seconds that open requests may take to finish when it drains.
        silence: seconds that a client of a stream waits before keep-alives begin.
        gateway: how the MCP gateway is started; None for none.
        allocation: where objects are made, if that is this proxy's to say; None if not.
    """

    resolved: Resolved
    key: SecretStr
    instance: str
    paths: Paths
    grace: float = GRACE_SECONDS
    silence: float = SILENCE_SECONDS
    gateway: GatewayPlan | None = None
    allocation: Allocation | None = None
    stories: Stories = field(default_factory=Stories)
    warnings: list[str] = field(default_factory=list)
    _memory: Memory = field(init=False)
    _keeper: Keeper = field(init=False)
    _spent_keeper: SpentKeeper = field(init=False)
    _tokens: TokenBook = field(init=False)
    _guard: Guard = field(init=False)
    _lookup: PeerLookup | None = field(init=False)
    _upstream: Upstream = field(default_factory=Upstream)
    _simulated: SimulatedProviders | None = None
    _translation: Translation | None = None
    _usage: UsageQueue | None = None
    _processes: Processes = field(default_factory=Processes)
    _usage_page: UsagePage = field(init=False)
    _budgets: Budgets | None = None
    _pins: Pins = field(init=False)
    _runner: web.ServerRunner | None = None
    _crowds: Crowds | None = None
    _mcp: McpRelay | None = None
    _auth: str = "same-user"
    _named: Sequence[NamedSocket] = ()

    def __post_init__(self) -> None:
        self._memory = Memory(cooldowns=Cooldowns(self.resolved.router.retry_after_seconds))
        if limits := budgets_of(self.resolved.config.budgets):
            self._budgets = Budgets(ledger=Ledger(limits))
        self._spent_keeper = SpentKeeper(path=self.paths.spent_file, budgets=self._budgets)
        self._keeper = Keeper(
            path=self.paths.limits_file,
            memory=self._memory,
            resolved=self.resolved,
            key=self.key,
        )
        self._pins = Pins(self.paths.pins_file)
        self._tokens = TokenBook(self.paths.client_tokens)
        self._guard = self._make_guard(self.resolved.config)
        self._usage_page = UsagePage(resolved=self.resolved, paths=self.paths)

    async def start(self, sockets: list[socket.socket], named: Sequence[NamedSocket] = ()) -> None:
        """Serve on sockets that are bound already; by `named` ones containers call."""
        self._named = named
        self._keeper.begin()
        self._spent_keeper.begin()
        self._pins.begin()
        self._begin_usage()
        self._mcp = McpRelay(self.gateway) if self.gateway else None
        if self.allocation is not None:
            self._crowds = Crowds(self.allocation, renew, partial(move, self.stories))
        addresses = await self._start_simulated()
        direct = DirectLane(upstream=self._upstream, addresses=addresses)
        front = Front(
            resolved=self.resolved,
            guard=self._guard,
            scope=self._scope(),
            lanes=await self._lanes(direct),
            direct=direct,
            sink=self._count,
            seek=self._seek,
            stories=self.stories,
            instance=self.instance,
            status=self.status,
            limits=LimitsPage(memory=self._memory, resolved=self.resolved),
            live=self.live,
            pause=partial(pause, self._memory, self.resolved),
            usage=self._usage_page,
            drills=self._drills(),
            project=project_name(os.environ.get(PROJECT_VARIABLE, "")),
            silence=self.silence,
            budgets=self._budgets,
            containers={str(each.path): each.name for each in named},
            pins=self._pins,
            mcp=self._mcp,
            mcp_for_containers=self.resolved.config.socket_mcp,
        )
        # aiohttp waits that long twice: for the open requests, then for their connections.
        self._runner = web.ServerRunner(
            server_of(front, *filter(None, [self._crowds])), shutdown_timeout=self.grace / 2
        )
        await self._runner.setup()
        for bound in sockets:
            await web.SockSite(self._runner, bound, backlog=BACKLOG).start()
        for each in named:
            await UnixSite(self._runner, each).start()
        if self._mcp and any(each.enabled for each in self.resolved.config.mcp_servers.values()):
            # An agent that is asked once would not wait for it, and for its servers.
            self._mcp.gateway.ensure_started()

    async def drain(self) -> None:
        """Take no new requests, let the open ones finish for a while, then end."""
        if self._mcp is not None:
            await self._mcp.part()
        if self._runner is not None:
            await self._runner.cleanup()
        close(self._named)
        if self._crowds is not None:
            await self._crowds.close()
        if self._mcp is not None:
            await self._mcp.stop()
        await self._keeper.close()
        await self._spent_keeper.close()
        self._pins.close()
        await self._usage_page.close()
        if self._translation is not None:
            await self._translation.stop()
        await self._upstream.close()
        if self._simulated is not None:
            await self._simulated.stop()
        if self._usage is not None:
            await asyncio.to_thread(self._usage.close)
        self._processes.close()
        if self._lookup is not None:
            self._lookup.close()

    def status(self) -> dict[str, Any]:
        """What `/agentbox/status` tells; the daemon's part is added by the daemon."""
        return self._summary() | {
            "sockets": list(rows(self._named)),
            "aliases": report.alias_rows(
                self.resolved, self._memory, time.monotonic(), time.time()
            ),
        }

    async def live(self) -> dict[str, Any]:
        """What `/agentbox/live` tells."""
        today = await self._usage_page.today()
        going_on = live(self.resolved, self._memory, self.stories, time.monotonic(), time.time())
        return self._summary() | {"today": self._today(today)} | going_on

    def _today(self, known: dict[str, Any] | None) -> dict[str, Any] | None:
        """What was used today; budgets know the dollars better than the store."""
        spent = self._budgets.spent_today() if self._budgets else None
        if known is None:
            return None if spent is None else {"cost_usd": spent}
        return known if spent is None else known | {"cost_usd": spent}

    def _summary(self) -> dict[str, Any]:
        translation = self._translation
        down = bool(report.dead_aliases(self.resolved)) or bool(translation and translation.down)
        return {
            "state": "degraded" if down else "running",
            "ready": True,
            "engine": translation.status() if translation else dict(NO_ENGINE),
            "rss_mb": _rss_mb(),
            "tasks": len(asyncio.all_tasks()),
            "auth": self._auth,
            "warnings": [
                *self.warnings,
                *filter(None, [self._tokens.trouble()]),
                *(translation.warnings() if translation else ()),
                *(self._mcp.warnings() if self._mcp else ()),
                *report.warnings_of(self.resolved, self._memory),
                *usage_warnings(self._usage),
                *(self._budgets.warnings() if self._budgets else ()),
            ],
            "budgets": self._budgets.rows() if self._budgets else [],
        }

    async def _lanes(self, direct: DirectLane) -> Mapping[Lane, LaneCaller]:
        if not needs_engine(self.resolved.deployments().values()):
            return {Lane.DIRECT: direct}
        self._translation = Translation(self.resolved, self.paths, direct)
        return {Lane.DIRECT: direct, Lane.LITELLM: await self._translation.start()}

    def _begin_usage(self) -> None:
        if not self.resolved.config.usage.enabled:
            return
        loop = asyncio.get_running_loop()
        told = LoopBudgets(loop, self._budgets)
        self._usage = usage_queue(
            self.resolved,
            self.paths,
            tell_prices=told.learn_prices,
            tell_spent=told.learn_spent,
            later=loop.call_later,
        )
        self._usage.start()

    def _seek(self, inode: int) -> None:
        if self._usage is not None:
            self._processes.seek(inode)

    def _count(self, story: Story) -> None:
        if self._usage is not None:
            self._usage.put(partial(record_of, story, self._processes))

    def _scope(self) -> Scope:
        return Scope(memory=self._memory, toggles=self.resolved.toggles)

    def _drills(self) -> Drills | None:
        secret = os.environ.get(SECRET_VARIABLE)
        if not secret:
            return None
        return Drills(secret, self.resolved.router.retry_after_seconds)

    def _make_guard(self, config: LiteLLMConfig) -> Guard:
        uids, unknown = uids_of(config.allowed_clients)
        self.warnings += [f"allowed_clients: no user {name!r} on this machine" for name in unknown]
        self._auth = "key" if config.bind else config.auth
        choice = find_lookup()
        self._lookup = choice.lookup
        if choice.lookup is None and self._auth == "same-user":
            self._auth = "key"
            self.warnings.append(f"callers need the key: {choice.reason}")
        policy = GuardPolicy(
            # Without a lookup nobody is vouched for on the port, yet a socket lets its own in.
            auth="key" if config.bind else config.auth,
            allowed_uids=uids,
            allowed_hosts=frozenset(
                {*config.allowed_hosts, *([config.bind] if config.bind else [])}
            ),
            allowed_origins=frozenset(config.allowed_origins),
        )
        return Guard(policy, choice.lookup, self.key, self._tokens)

    async def _start_simulated(self) -> dict[str, str]:
        wanted = [
            deployment.provider
            for deployment in self.resolved.deployments().values()
            if deployment.provider.spec.served_here and deployment.provider.api_base is None
        ]
        if not wanted:
            return {}
        self._simulated = SimulatedProviders()
        base = await self._simulated.start()
        return {provider.name: f"{base}/{provider.name}/v1" for provider in wanted}


def bind(host: str | None, port: int) -> list[socket.socket]:
    """Bind the proxy's sockets: 127.0.0.1 and, where there is one, ::1; or `host` alone.

    Raises:
        ProxyError: the address cannot be had.
    """
    first = _bound(host or LOOPBACK[0], port)
    sockets = [first]
    if host is None:
        try:
            sockets.append(_bound(LOOPBACK[1], first.getsockname()[1]))
        except ProxyError:
            _log.debug("no ::1 here")
    return sockets


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise ProxyError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    bound.setblocking(False)  # noqa: FBT003 - the signature is Python's
    return bound


def _rss_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a pseudo-file
        pages = int(file.read().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576, 1)
