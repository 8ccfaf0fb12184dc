"""From nothing to an answer: the daemon's process, the command that starts it, bare LiteLLM."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import bare, ours
from benchmarks.figures import Figure, of_rounds
from benchmarks.lineup import Effort
from benchmarks.processes import free_port, get, helper, private_directory, rss_mb, seconds_until
from benchmarks.wire import Connection, Target

PORT_SECONDS = 0.6
COMMAND_SECONDS = 1.0
RSS_MB = 80.0
LIMIT_SECONDS = 60.0

# What the daemon imports after its bind belongs to its memory.
SETTLE_SECONDS = 3.0
REQUESTS = 100

AGENTBOX = Path(sys.executable).parent / "agentbox"


def start(effort: Effort) -> Iterator[Figure]:
    """Seconds to the first answer, each time with a config and engine as by default."""
    with private_directory() as directory, helper("provider") as provider:
        home = ours.Home(directory, provider.port)
        # The first one compiles what was never imported before, and is not counted.
        ports = [_port_seconds(home) for _ in range(effort.starts + 1)][1:]
        commands = [_command_seconds(home) for _ in range(effort.starts + 1)][1:]
    yield of_rounds("daemon spawned to /health 200", ports, "s", at_most=PORT_SECONDS)
    yield of_rounds("agentbox litellm start", commands, "s", at_most=COMMAND_SECONDS)


def memory(effort: Effort) -> Iterator[Figure]:
    """The memory of the daemon, and of bare LiteLLM with the time of its start."""
    with private_directory() as directory, helper("provider") as provider:
        yield from _our_memory(ours.Home(directory / "ours", provider.port))
        if effort.litellm_rounds:
            yield from _litellm_memory(directory / "litellm", provider.port)


def _port_seconds(home: ours.Home) -> float:
    port = free_port()
    found: list[float] = []

    def watch() -> None:
        begun = time.perf_counter()
        seconds_until(lambda: get(port, "/health")[0] == 200, begun=begun, limit=LIMIT_SECONDS)
        found.append(time.perf_counter())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        home.start(port)
        watcher.join()
    finally:
        home.stop()
    return found[0] - home.spawned_at


def _command_seconds(home: ours.Home) -> float:
    begun = time.perf_counter()
    try:
        subprocess.run(
            [AGENTBOX, "litellm", "start", "--port", "0"],
            env=home.environ,
            cwd=home.directory,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - begun
    finally:
        home.stop()


def _our_memory(home: ours.Home) -> Iterator[Figure]:
    with ours.running(home) as daemon:
        time.sleep(SETTLE_SECONDS)
        yield _rss("RSS after start: ours", daemon.pid, at_most=RSS_MB)
        target = Target(port=daemon.port, model=ours.PLAIN)
        _ask(target)
        yield _rss("RSS after 100 requests: ours", daemon.pid, at_most=RSS_MB)


def _litellm_memory(directory: Path, provider_port: int) -> Iterator[Figure]:
    with bare.running(directory, provider_port) as litellm:
        yield Figure(name="start to first 200: litellm", value=litellm.ready_s, unit="s")
        yield _rss("RSS after start: litellm", litellm.pid, at_most=None)
        _ask(litellm.target)
        yield _rss("RSS after 100 requests: litellm", litellm.pid, at_most=None)


def _ask(target: Target) -> None:
    with Connection(target.port) as connection:
        for _ in range(REQUESTS):
            connection.ask(target.request())


def _rss(name: str, pid: int, *, at_most: float | None) -> Figure:
    return Figure(name=name, value=rss_mb(pid), unit="MB", at_most=at_most)
