"""The stage of a drill: the real daemon in a private home, every provider simulated.

Nothing of the user's is touched: config, state and keys are the drill's own, and every address
points at this machine.
"""

import asyncio
import json
import os
import secrets
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from agentbox_cli.daemon import lifecycle
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.launch import Launch, daemon_argv
from agentbox_cli.engine.render import needs_engine
from agentbox_cli.fallback.place import private_paths, temporary_home
from agentbox_cli.fallback.plan import Check, usable_ways
from agentbox_cli.fallback.rules import lane_of
from agentbox_cli.fallback.scenarios import TRAITS
from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Chain, Lane, Link, Resolved
from agentbox_cli.proxy.drill import SECRET_VARIABLE
from agentbox_cli.simulate.app import SimulatedProviders
from agentbox_cli.simulate.faults import Fault

# A link that answers may take this long on a busy machine.
ANSWER_SECONDS = 30.0
# A link that hangs never answers: its time only has to be enough for the call to get there, which
# takes longer through LiteLLM.
HANG_SECONDS = {Lane.DIRECT: 1.5, Lane.LITELLM: 5.0, Lane.NONE: 1.5}
STREAM_SECONDS = 4.0
COOLDOWN_SECONDS = 60
START_SECONDS = 60.0
KEY_VARIABLE = "AGENTBOX_DRILL_KEY"
NO_KEY_VARIABLE = "AGENTBOX_DRILL_NO_KEY"
CLOSING_SECONDS = 10.0

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
_KEPT_PREFIX = "AGENTBOX_"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running drill daemon and the providers behind it."""

    paths: Paths
    instance: Instance
    secret: str
    cast: "Cast"


class Cast:
    """The simulated providers, each with an address of its own, in a thread of their own."""

    def __init__(self, names: Sequence[str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._providers = {name: self._make(name) for name in names}
        self.addresses = {
            name: self._run(server.start()) for name, server in self._providers.items()
        }

    def __getitem__(self, name: str) -> SimulatedProviders:
        """One provider, for its faults and its journal."""
        return self._providers[name]

    def prepare(self, check: str, faults: Mapping[str, Sequence[Fault]]) -> None:
        """Let deployments, named `provider/model`, meet these faults in a check, in order."""

        async def prepare() -> None:
            for deployment, met in faults.items():
                provider = deployment.partition("/")[0]
                self._providers[provider].faults.put(deployment, *met, check=check)

        self._run(prepare())

    def count(self, check: str, deployments: Iterable[str]) -> dict[str, int]:
        """Tell how often deployments were called in a check, and forget the check."""

        async def count() -> dict[str, int]:
            calls = {name: self._count(name, check) for name in deployments}
            for server in self._providers.values():
                server.faults.clear(check)
                server.journal.clear(check)
            return calls

        return self._run(count())

    def _count(self, deployment: str, check: str) -> int:
        provider = deployment.partition("/")[0]
        return self._providers[provider].journal.count(deployment, check=check)

    def leave(self, name: str) -> None:
        """Close a provider's port: it refuses connections from now on."""
        self._run(self._providers[name].stop())

    def come_back(self, name: str) -> None:
        """Open a provider's port again."""
        port = urlsplit(self.addresses[name]).port
        self._run(self._providers[name].start(port=port or 0))

    def close(self) -> None:
        """Close everything."""
        for server in self._providers.values():
            self._run(server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING_SECONDS)
        self._loop.close()

    def _make(self, name: str) -> SimulatedProviders:
        async def make() -> SimulatedProviders:
            return SimulatedProviders(models={name: ()})

        return self._run(make())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()  # a drill that was left may still have checks under way
            raise
        return running.result(CLOSING_SECONDS)


@contextmanager
def set_stage(resolved: Resolved, chains: Sequence[Chain]) -> Iterator[Stage]:
    """Start a daemon on these chains with simulated providers; ends and removes everything."""
    names = {link.deployment.provider.name for chain in chains for link in chain.links}
    cast = Cast(sorted(names))
    try:
        with temporary_home("agentbox-drill-") as home:
            paths = private_paths(home)
            secret = secrets.token_urlsafe(24)
            instance = _start(
                home, paths, derived_config(resolved, chains, cast.addresses), secret
            )
            try:
                yield Stage(paths=paths, instance=instance, secret=secret, cast=cast)
            finally:
                lifecycle.stop(paths, force=True)
    finally:
        cast.close()


def asked_alias(check: Check) -> str:
    """What the drill's config calls the chain of a check.

    Where links hang, it is a twin of the chain in which those have little time.
    """
    traits = (TRAITS[failure] for failure in check.failing.values())
    if not any(trait.waits and not trait.late for trait in traits):
        return check.chain.alias
    return _twin(check.chain.alias, check.reach, check.endpoint)


def _twin(alias: str, reach: int, endpoint: str) -> str:
    return f"{alias}+hang-{reach}-{endpoint}"


def derived_config(
    resolved: Resolved, chains: Sequence[Chain], addresses: Mapping[str, str]
) -> dict[str, Any]:
    """The user's chains with dummy keys, simulated addresses and short timeouts."""
    links = [link for chain in chains for link in chain.links]
    translated = needs_engine(link.deployment for link in links)
    section = {
        "port": 0,
        "providers": {
            link.deployment.provider.name: provider_entry(resolved, link, addresses)
            for link in links
        },
        "models": dict(_models(chains)),
        "router": {
            "num_retries": resolved.router.num_retries,
            "stream_timeout": STREAM_SECONDS,
            "retry_after_seconds": COOLDOWN_SECONDS,
        },
        # Aliases that plugins propose beside these chains need no LiteLLM for a drill.
        "engine": {"mode": "eager" if translated else "off"},
        # What a drill spends is none of anybody's money.
        "usage": {"enabled": False},
    }
    return {"litellm": section}


def _models(chains: Sequence[Chain]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for chain in chains:
        yield chain.alias, [_link(link, ANSWER_SECONDS) for link in chain.links]
        for endpoint in dict(usable_ways(chain)):
            for reach in range(1, len(chain.links) + 1):
                yield _twin(chain.alias, reach, endpoint), _hanging(chain, reach, endpoint)


def _hanging(chain: Chain, reach: int, endpoint: str) -> list[dict[str, Any]]:
    names = {link.deployment.name for link in chain.links[:reach]}
    return [
        _link(
            link,
            HANG_SECONDS[lane_of(link, endpoint)]
            if link.deployment.name in names
            else ANSWER_SECONDS,
        )
        for link in chain.links
    ]


def provider_entry(resolved: Resolved, link: Link, addresses: Mapping[str, str]) -> dict[str, str]:
    """A link's provider as a config names it, at its simulated address."""
    provider = link.deployment.provider
    configured = resolved.config.providers.get(provider.name)
    protocol = configured.protocol if configured else None
    anthropic = protocol == "anthropic" or not any(
        wire.value.startswith("openai") for wire in provider.spec.protocols
    )
    base = f"{addresses[provider.name]}/{provider.name}"
    entry = {
        "api_base": base if anthropic else f"{base}/v1",
        "api_key": f"${{{KEY_VARIABLE if provider.usable else NO_KEY_VARIABLE}}}",
    }
    return entry | ({"protocol": protocol} if protocol else {})


def _link(link: Link, seconds: float) -> dict[str, Any]:
    return {
        "provider": link.deployment.provider.name,
        "model": link.deployment.model.id,
        "timeout": seconds,
        "drop_params": sorted(link.drop_params),
    }


def _start(home: Path, paths: Paths, config: dict[str, Any], secret: str) -> Instance:
    paths.config_dir.mkdir(mode=0o700, parents=True)
    # JSON is YAML, and needs no quoting rules.
    paths.config_file.write_text(json.dumps(config, indent=2), encoding="utf-8")
    launch = Launch(
        argv=daemon_argv(paths.config_file, 0, home),
        env=_environment(home, secret),
        host="127.0.0.1",
        port=0,
        config_file=paths.config_file,
        token=secrets.token_hex(16),
        tied=True,
    )
    return lifecycle.start(paths, launch, wait_seconds=START_SECONDS).instance


def _environment(home: Path, secret: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIX)
    }
    kept.pop("AGENTBOX_CONFIG", None)
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        KEY_VARIABLE: "drill-key-not-a-secret",
        SECRET_VARIABLE: secret,
    }
