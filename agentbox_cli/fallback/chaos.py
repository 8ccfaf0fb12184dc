"""A proxy on failing simulated providers, to point an agent at; in this process, and private.

Nothing of the user's is touched: no lock, state, key or port of the running proxy, and whatever
ends this process ends all of it.
"""

import asyncio
import json
import secrets
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from agentbox_cli.engine.render import needs_engine
from agentbox_cli.fallback.place import private_paths, temporary_home
from agentbox_cli.fallback.scenarios import Scenario
from agentbox_cli.fallback.stage import KEY_VARIABLE, provider_entry
from agentbox_cli.fallback.storm import Storm, breakable
from agentbox_cli.paths import Paths
from agentbox_cli.providers.load import load_setup
from agentbox_cli.providers.resolved import Chain, Link, Resolved
from agentbox_cli.proxy.server import ProxyServer, bind
from agentbox_cli.proxy.story import End, Story
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.supervise.keeping import State

# How long a link that may hang is waited for, and one that may not.
LINK_SECONDS = 8.0
SAFE_SECONDS = 60.0
STREAM_SECONDS = 5.0
COOLDOWN_SECONDS = 5.0
GRACE_SECONDS = 2.0
LOOK_SECONDS = 0.1
STARTING = State.STARTING.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How it fails: `rate` from 0 to 1, in which ways, and the seed to have it again."""

    rate: float
    failures: Sequence[Scenario]
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that has ended.

    Args:
        request_id: its name in the answer's headers.
        alias: what was asked for; None if nothing is called so.
        failed: each link that did not answer, and why, in order.
        served_by: the deployment that answered, whole or in part; None if none did.
        end: how it ended.
        status: what the client got; None if it left.
        elapsed_ms: how long it took.
    """

    request_id: str
    alias: str | None
    failed: tuple[tuple[str, str], ...]
    served_by: str | None
    end: End
    status: int | None
    elapsed_ms: float | None


@dataclass(slots=True)
class Summary:
    """What came of all requests."""

    requests: int = 0
    met_failure: int = 0
    answered: int = 0
    unanswered: int = 0
    cut: int = 0

    def add(self, request: Request) -> None:
        """Count a request."""
        self.requests += 1
        self.met_failure += bool(request.failed)
        self.answered += request.end is End.ANSWERED
        self.unanswered += request.end in {End.FAILED, End.BUG}
        self.cut += request.end is End.CUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who is told: what is waited for, the address once it serves, each request that ended."""

    waiting: Callable[[str], None]
    ready: Callable[[str], None]
    ended: Callable[[Request], None]


def run(
    resolved: Resolved, chains: Sequence[Chain], weather: Weather, port: int, tell: Audience
) -> Summary:
    """Serve these chains in bad weather until SIGINT or SIGTERM.

    Args:
        resolved: the user's config; keys do not matter.
        chains: what is served.
        weather: how it fails.
        port: where to listen on this machine; 0 for any free port.
        tell: who is told.

    Raises:
        ProxyError: the port cannot be had.
    """
    with temporary_home("agentbox-chaos-") as home:
        chaos = _Chaos(resolved=resolved, chains=chains, weather=weather, tell=tell)
        return asyncio.run(chaos.serve(private_paths(home), port))


@dataclass(slots=True, kw_only=True)
class _Chaos:
    resolved: Resolved
    chains: Sequence[Chain]
    weather: Weather
    tell: Audience
    summary: Summary = field(default_factory=Summary)
    _told: set[str] = field(default_factory=set)

    async def serve(self, paths: Paths, port: int) -> Summary:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            sockets = bind(None, port)
            bases = await self._start_providers(stack)
            server = self._server(paths, bases)
            stack.push_async_callback(server.drain)
            await server.start(sockets)
            await self._await_engine(server, stop)
            self.tell.ready(f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
            while not stop.is_set():
                await _wait(stop, LOOK_SECONDS)
                self._tell_of(server)
        self._tell_of(server)
        return self.summary

    async def _await_engine(self, server: ProxyServer, stop: asyncio.Event) -> None:
        """Wait for LiteLLM, if a chain needs it; without it, direct calls still work."""
        told = False
        while server.status()["engine"]["state"] == STARTING and not stop.is_set():
            if not told:
                self.tell.waiting("starting LiteLLM, which translates for these chains")
            told = True
            await _wait(stop, LOOK_SECONDS)

    async def _start_providers(self, stack: AsyncExitStack) -> dict[str, str]:
        storm = Storm(
            breakable(self.chains),
            rate=self.weather.rate,
            failures=self.weather.failures,
            seed=self.weather.seed,
        )
        bases = {}
        for name in {link.deployment.provider.name for link in _links(self.chains)}:
            provider = SimulatedProviders(models={name: ()})
            provider.faults.otherwise = storm.fault
            stack.push_async_callback(provider.stop)
            bases[name] = await provider.start()
        return bases

    def _server(self, paths: Paths, bases: dict[str, str]) -> ProxyServer:
        paths.state_dir.mkdir(mode=0o700, parents=True)
        paths.config_dir.mkdir(mode=0o700, parents=True)
        section = _section(self.resolved, self.chains, bases)
        # JSON is YAML, and needs no quoting rules.
        paths.config_file.write_text(json.dumps({"litellm": section}), encoding="utf-8")
        setup = load_setup(paths.config_file, {KEY_VARIABLE: "not-a-secret"}, None)
        return ProxyServer(
            resolved=setup.resolved,
            key=SecretStr(secrets.token_urlsafe(24)),
            instance=secrets.token_hex(16),
            paths=paths,
            grace=GRACE_SECONDS,
        )

    def _tell_of(self, server: ProxyServer) -> None:
        """Tell of each request that has ended and was not told of, in the order of arrival."""
        stories = [story for story in server.stories.latest() if story.end is not End.RUNNING]
        news = [story for story in stories if story.request_id not in self._told]
        self._told = {story.request_id for story in stories}
        for story in reversed(news):
            request = _request(story)
            self.summary.add(request)
            self.tell.ended(request)


def _links(chains: Sequence[Chain]) -> Iterator[Link]:
    return (link for chain in chains for link in chain.links)


def _section(resolved: Resolved, chains: Sequence[Chain], bases: dict[str, str]) -> dict[str, Any]:
    """The user's chains, toggles and patterns on simulated providers, with short times."""
    toggles, unsafe = resolved.toggles, breakable(chains)
    engine = needs_engine(link.deployment for link in _links(chains))
    return {
        "providers": {
            link.deployment.provider.name: provider_entry(resolved, link, bases)
            for link in _links(chains)
        },
        "models": {chain.alias: [_link(link, unsafe) for link in chain.links] for chain in chains},
        "model_patterns": {
            pattern: alias
            for pattern, alias in resolved.config.model_patterns.items()
            if alias in {chain.alias for chain in chains}
        },
        "fallbacks": {
            "on_rate_limit": toggles.on_rate_limit,
            "on_context_window": toggles.on_context_window,
            "on_error": toggles.on_error,
            "on_content_policy": toggles.on_content_policy,
        },
        "router": {
            "num_retries": resolved.router.num_retries,
            "stream_timeout": STREAM_SECONDS,
            "retry_after_seconds": COOLDOWN_SECONDS,
        },
        "engine": {"mode": "eager" if engine else "off"},
        "usage": {"enabled": False},
    }


def _link(link: Link, unsafe: Collection[str]) -> dict[str, Any]:
    deployment = link.deployment
    return {
        "timeout": LINK_SECONDS if deployment.name in unsafe else SAFE_SECONDS,
        "provider": deployment.provider.name,
        "model": deployment.model.id,
        "drop_params": sorted(link.drop_params),
    }


def _request(story: Story) -> Request:
    served = story.answered_by
    failed = [(one.call.link, one.kind.label) for one in story.attempts if one.kind]
    failed += [(skip.link, skip.label) for skip in story.skips]
    by_link = dict(sorted(((link.number, link.deployment.name), why) for link, why in failed))
    return Request(
        request_id=story.request_id,
        alias=story.chain.alias if story.chain else story.asked,
        failed=tuple((name, why) for (_, name), why in by_link.items()),
        served_by=served.deployment.name if served else None,
        end=story.end,
        status=story.status,
        elapsed_ms=story.elapsed_ms,
    )


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
