"""The stage of a drill: the real daemon in a private home, every provider simulated.

Nothing of the user's is touched: config, state and keys are the drill's own, and every address
points at this machine.
"""

import asyncio
import json
import os
import secrets
import tempfile
import threading
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from agentbox_cli.daemon import lifecycle
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.launch import Launch, daemon_argv
from agentbox_cli.paths import Paths
from agentbox_cli.providers.resolved import Chain, Link, Resolved
from agentbox_cli.proxy.drill import SECRET_VARIABLE
from agentbox_cli.simulate.app import SimulatedProviders

# How long a simulated link may hang; long enough for a busy machine to answer in time.
LINK_SECONDS = 5.0
START_SECONDS = 60.0
KEY_VARIABLE = "AGENTBOX_DRILL_KEY"
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

    def _run(self, work: Awaitable[T]) -> T:
        async def run() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(CLOSING_SECONDS)


@contextmanager
def set_stage(resolved: Resolved, chains: Sequence[Chain]) -> Iterator[Stage]:
    """Start a daemon on these chains with simulated providers; ends and removes everything."""
    names = {link.deployment.provider.name for chain in chains for link in chain.links}
    cast = Cast(sorted(names))
    try:
        with tempfile.TemporaryDirectory(prefix="agentbox-drill-") as directory:
            home = Path(directory)
            paths = _paths(home)
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


def derived_config(
    resolved: Resolved, chains: Sequence[Chain], addresses: Mapping[str, str]
) -> dict[str, Any]:
    """The user's chains with dummy keys, simulated addresses and short timeouts."""
    providers = {
        link.deployment.provider.name: _provider(resolved, link, addresses)
        for chain in chains
        for link in chain.links
    }
    section = {
        "port": 0,
        "providers": providers,
        "models": {chain.alias: [_link(link) for link in chain.links] for chain in chains},
        "router": {
            "num_retries": resolved.router.num_retries,
            "timeout": LINK_SECONDS,
            "retry_after_seconds": 60,
        },
        "engine": {"mode": resolved.config.engine.mode},
    }
    return {"litellm": section}


def _provider(resolved: Resolved, link: Link, addresses: Mapping[str, str]) -> dict[str, str]:
    name = link.deployment.provider.name
    protocol = (
        resolved.config.providers[name].protocol if name in resolved.config.providers else None
    )
    anthropic = protocol == "anthropic" or not any(
        wire.value.startswith("openai") for wire in link.deployment.provider.spec.protocols
    )
    base = f"{addresses[name]}/{name}"
    entry = {
        "api_base": base if anthropic else f"{base}/v1",
        "api_key": f"${{{KEY_VARIABLE}}}",
    }
    return entry | ({"protocol": protocol} if protocol else {})


def _link(link: Link) -> dict[str, Any]:
    return {
        "provider": link.deployment.provider.name,
        "model": link.deployment.model.id,
        "drop_params": sorted(link.drop_params),
    }


def _paths(home: Path) -> Paths:
    return Paths(
        config_dir=home / "config" / "agentbox",
        state_dir=home / "state" / "agentbox",
        cache_dir=home / "cache" / "agentbox",
    )


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
