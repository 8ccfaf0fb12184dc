"""The real proxy in this process, on a port of its own, with simulated providers behind it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr

from agentbox_cli.paths import Paths
from agentbox_cli.providers.load import load_setup
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy.server import ProxyServer, bind
from agentbox_cli.proxy.sockets import NamedSocket
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.faults import Fault
from agentbox_cli.simulate.journal import Call
from tests.fakes.called import Called

INSTALL_KEY = "agentbox-install-key"
INSTANCE = "this-run"
HELLO = [{"role": "user", "content": "hi there"}]
DEADLINE_SECONDS = 20.0

# provider: (what follows the base of the simulated providers, what else its config says)
PROVIDERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "openai": ("/openai/v1", {}),
    "gwdg_saia": ("/gwdg_saia/v1", {}),
    "anthropic": ("/anthropic", {}),
    "gemini": ("/gemini/v1", {}),
    "simulated": ("/simulated/v1", {}),
    "copy": ("/copy", {"protocol": "anthropic"}),
    "twin": ("/twin/v1", {"protocol": "openai"}),
}
CHAINS: Mapping[str, Sequence[str]] = {
    "default": ("openai/gpt-4o", "gwdg_saia/llama-3.3-70b"),
    "claude": ("anthropic/claude-sonnet-4-5", "copy/claude"),
    "answers": ("openai/gpt-4.1", "simulated/echo"),
    "vectors": ("openai/text-embedding-3-small", "twin/text-embedding-3-small"),
}


def key_of(provider: str) -> str:
    """The dummy key of a provider."""
    return f"sk-dummy-{provider}"


@dataclass(slots=True, kw_only=True)
class Plan:
    """How a stand is set up.

    Args:
        chains: alias to the deployments of its links.
        bases: addresses of providers that are not simulated.
        links: what a deployment's links say besides provider and model.
        section: further keys of the `litellm:` section.
        server: further arguments of the proxy.
    """

    chains: Mapping[str, Sequence[str]] = field(default_factory=lambda: CHAINS)
    bases: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    section: Mapping[str, Any] = field(default_factory=dict)
    server: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Stand:
    """A running proxy, its providers, and a plain client."""

    providers: SimulatedProviders
    proxy: ProxyServer
    base: str
    url: str
    http: aiohttp.ClientSession

    @property
    def records(self) -> list[Called]:
        """Every call to a link that has ended, in order."""
        stories = reversed(list(self.proxy.stories.latest()))
        called = [Called(story, each) for story in stories for each in story.attempts]
        return [each for each in called if each.ended]

    def fault(self, deployment: str, *faults: Fault) -> None:
        self.providers.faults.put(deployment, *faults)

    def calls(self, deployment: str) -> int:
        return self.providers.journal.count(deployment)

    def cancelled(self, deployment: str) -> int:
        return self.providers.journal.count_cancelled(deployment)

    def seen(self, deployment: str) -> list[Call]:
        """The calls that reached a deployment."""
        return [c for c in self.providers.journal.recent if c.deployment == deployment]

    def chat(self, model: str = "default", **fields: Any) -> Any:
        return self.post("/v1/chat/completions", model=model, messages=HELLO, **fields)

    def messages(self, model: str = "claude", **fields: Any) -> Any:
        body = {"max_tokens": 9, "messages": HELLO, **fields}
        return self.post("/v1/messages", model=model, **body)

    def post(self, path: str, headers: Mapping[str, str] | None = None, **body: Any) -> Any:
        return self.http.post(f"{self.url}{path}", json=body, headers=headers)

    def send(self, path: str, body: bytes, **headers: str) -> Any:
        told = {"content-type": "application/json"} | headers
        return self.http.post(f"{self.url}{path}", data=body, headers=told)

    @asynccontextmanager
    async def connected(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A bare connection to the proxy."""
        port = int(self.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()

    def in_flight(self) -> int:
        """Reservations and probes that somebody still holds."""
        memory = self.proxy._memory
        probing = sum(entry.probing for entry in memory.cooldowns._entries.values())
        return probing + sum(memory.quotas._in_flight.values())


def head(path: str, *lines: bytes) -> bytes:
    """The head of a POST, written by hand."""
    told = (b"POST %b HTTP/1.1" % path.encode(), b"host: localhost", *lines)
    return b"\r\n".join((*told, b"", b""))


def resolved_for(plan: Plan, base: str, directory: Path) -> Resolved:
    """What the daemon would make of the plan's config.yml."""
    names = {link.partition("/")[0] for links in plan.chains.values() for link in links}
    providers = {name: _provider(plan, name, base) for name in sorted(names)}
    models = {
        alias: [_link(plan, deployment) for deployment in links]
        for alias, links in plan.chains.items()
    }
    section: dict[str, Any] = {
        "engine": {"mode": "off"},
        "usage": {"enabled": False},
        "providers": providers,
        "models": models,
    }
    config = json.dumps({"litellm": {**section, **plan.section}})
    file = directory / "config.yml"
    file.write_text(config.replace("{base}", base))  # JSON is YAML
    environ = {_variable(name): key_of(name) for name in names}
    return load_setup(file, environ, None).resolved


@asynccontextmanager
async def open_stand(
    plan: Plan, directory: Path, named: Sequence[NamedSocket] = ()
) -> AsyncIterator[Stand]:
    """Start everything, and end it again."""
    providers = SimulatedProviders(keep=1_000)
    base = await providers.start()
    proxy = ProxyServer(
        resolved=resolved_for(plan, base, directory),
        key=SecretStr(INSTALL_KEY),
        instance=INSTANCE,
        paths=Paths(
            config_dir=directory, state_dir=directory, cache_dir=directory, data_dir=directory
        ),
        **plan.server,
    )
    sockets = bind(None, 0)
    await proxy.start(sockets, named)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as http:
        yield Stand(providers=providers, proxy=proxy, base=base, url=url, http=http)
    await proxy.drain()
    await providers.stop()


async def eventually(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait until something has become true; servers notice in their own time."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():  # noqa: ASYNC110 - what is waited for knows no events
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


def _provider(plan: Plan, name: str, base: str) -> dict[str, str]:
    path, extra = PROVIDERS[name]
    address = plan.bases.get(name, f"{base}{path}")
    return {"api_base": address, "api_key": f"${{{_variable(name)}}}", **extra}


def _link(plan: Plan, deployment: str) -> dict[str, Any]:
    provider, _, model = deployment.partition("/")
    return {"provider": provider, "model": model, **plan.links.get(deployment, {})}


def _variable(name: str) -> str:
    return f"{name.upper()}_DUMMY_KEY"
