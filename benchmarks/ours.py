"""Our daemon as users have it: started by the lifecycle, on a config.yml, in a private home."""

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentbox_cli.daemon import lifecycle
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.launch import Launch, daemon_argv
from agentbox_cli.paths import Paths
from benchmarks.processes import environment, write_private

KEY_VARIABLE = "AGENTBOX_BENCH_KEY"
PLAIN = "plain"
# Its provider speaks Anthropic's protocol only.
CLAUDE = "claude"
# Aliases whose first link is of their own name and fails; of the last, both links.
STEADY, BRIEF, BROKEN, ALL_LIMITED = "steady", "brief", "broken", "all"


@dataclass(slots=True)
class Home:
    """A private home with one config.yml, and the daemon in it.

    Args:
        directory: an empty directory.
        provider_port: the simulated provider, link 1 of the alias `plain`.
        limited: how many aliases `limited-N` have a rate-limited link before it.
        engine: the mode of the engine; None leaves the default.
        models: further models of the provider, each the one link of the alias of its name.
        cooldown: seconds that a failing link is left alone; None leaves the default.
        counted: whether it keeps what was used.
        with_claude: whether there is the alias `claude`, so that chat calls are translated.
    """

    directory: Path
    provider_port: int
    limited: int = 0
    engine: str | None = None
    models: tuple[str, ...] = ()
    cooldown: float | None = None
    counted: bool = True
    with_claude: bool = False
    spawned_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        write_private(self.paths.config_file, {"litellm": self._section()})

    @property
    def paths(self) -> Paths:
        """Where its files are; the same as the commands find by the environment."""
        return Paths(
            config_dir=self.directory / "config" / "agentbox",
            state_dir=self.directory / "state" / "agentbox",
            cache_dir=self.directory / "cache" / "agentbox",
            data_dir=self.directory / "data" / "agentbox",
        )

    @property
    def environ(self) -> dict[str, str]:
        """The variables of its commands and of its daemon."""
        return environment(self.directory) | {
            "AGENTBOX_CONFIG": str(self.paths.config_file),
            KEY_VARIABLE: "bench-key-not-a-secret",
        }

    def start(self, port: int = 0) -> Instance:
        """Start the daemon and wait for it."""
        argv = daemon_argv(self.paths.config_file, port, self.directory)

        def noted(lock_fd: int) -> list[str]:
            # Asked for right before the process is made.
            self.spawned_at = time.perf_counter()
            return argv(lock_fd)

        launch = Launch(
            argv=noted,
            env=self.environ,
            host="127.0.0.1",
            port=port,
            config_file=self.paths.config_file,
            token=secrets.token_hex(16),
        )
        return lifecycle.start(self.paths, launch, wait_seconds=60.0).instance

    def stop(self) -> None:
        """End the daemon and all that it started."""
        lifecycle.stop(self.paths, force=True)

    def _section(self) -> Mapping[str, Any]:
        echo = {"provider": "bench", "model": "echo"}
        chains = {
            f"limited-{n}": [{"provider": "bench", "model": f"limited-{n}"}, echo]
            for n in range(self.limited)
        }
        failing = {
            alias: [{"provider": "bench", "model": f"{alias}-1"}, echo]
            for alias in (STEADY, BRIEF, BROKEN)
        }
        both = [{"provider": "bench", "model": f"{ALL_LIMITED}-{n}"} for n in (1, 2)]
        chains |= {name: [{"provider": "bench", "model": name}] for name in self.models}
        address, key = f"http://127.0.0.1:{self.provider_port}", f"${{{KEY_VARIABLE}}}"
        providers: dict[str, Any] = {"bench": {"api_base": f"{address}/v1", "api_key": key}}
        if self.with_claude:
            spoken = {"protocol": "anthropic", "api_base": address, "api_key": key}
            providers["bench_claude"] = spoken
            chains[CLAUDE] = [{"provider": "bench_claude", "model": "echo"}]
        section: dict[str, Any] = {
            "port": 0,
            "providers": providers,
            "models": {PLAIN: [echo], **chains, **failing, ALL_LIMITED: both},
        }
        if not self.counted:
            section["usage"] = {"enabled": False}
        if self.engine:
            section["engine"] = {"mode": self.engine}
        if self.cooldown is not None:
            section["router"] = {"retry_after_seconds": self.cooldown}
        return section


@contextmanager
def running(home: Home) -> Iterator[Instance]:
    """The daemon, ended with the block."""
    try:
        yield home.start()
    finally:
        home.stop()
