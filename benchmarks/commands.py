"""Commands that only tell something, as ratios to an empty Python; those on config.yml in ms."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from benchmarks import ours
from benchmarks.figures import Figure, of_rounds, ratios
from benchmarks.lineup import Effort
from benchmarks.processes import private_directory
from benchmarks.startup import AGENTBOX

EMPTY = "python -c pass"
COMMANDS: Mapping[str, Sequence[str]] = {
    EMPTY: (sys.executable, "-c", "pass"),
    "agentbox --version": (str(AGENTBOX), "--version"),
    "agentbox --help": (str(AGENTBOX), "--help"),
    "agentbox litellm status": (str(AGENTBOX), "litellm", "status"),
}
# A real change each time, with its backup, and the words for shells.
CONFIG_COMMANDS: Mapping[str, Sequence[str]] = {
    "agentbox config check": ("config", "check"),
    "agentbox config set": ("config", "set", "litellm.port"),
}
CONFIG_MS = 350.0
# Aliases of a config of 500 lines.
ALIASES = {"": 1, ", 500 lines": 163}
# `status` says no by its exit code when nothing runs.
_EXPECTED = {"agentbox litellm status": 1}


def commands(effort: Effort) -> Iterator[Figure]:
    """Wall time of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with private_directory() as directory:
        home = ours.Home(directory, provider_port=9)
        for number in range(effort.starts + 1):
            for name in COMMANDS:
                took = milliseconds(name, home)
                if number:  # the first round compiles
                    times[name].append(took)
    yield of_rounds(EMPTY, times[EMPTY], "ms")
    for name in COMMANDS:
        if name != EMPTY:
            yield of_rounds(f"{name} / {EMPTY}", ratios(times[name], times[EMPTY]), "x")


def config(effort: Effort) -> Iterator[Figure]:
    """Wall time of checking and changing a small config and a large one, in turns."""
    times: dict[str, list[float]] = {}
    with private_directory() as directory:
        for size, aliases in ALIASES.items():
            home = ours.Home(directory / str(aliases), provider_port=9)
            home.paths.config_file.write_text(_text(aliases))
            for number in range(effort.starts + 1):
                for name, arguments in CONFIG_COMMANDS.items():
                    port = [str(4000 + number)] if "set" in arguments else []
                    argv = [str(AGENTBOX), *arguments, *port]
                    took = milliseconds(f"{name}{size}", home, argv)
                    if number:
                        times.setdefault(f"{name}{size}", []).append(took)
    for name, values in times.items():
        yield of_rounds(name, values, "ms", at_most=CONFIG_MS)


def _text(aliases: int) -> str:
    links = "      - provider: simulated\n        model: echo\n"
    chains = "".join(f"    alias-{number}:\n{links}" for number in range(aliases))
    return f"litellm:\n  port: 4000  # changed\n\n  models:\n{chains}"


def milliseconds(name: str, home: ours.Home, argv: Sequence[str] | None = None) -> float:
    """Wall time of one command, which has to succeed."""
    begun = time.perf_counter()
    done = subprocess.run(
        argv or COMMANDS[name],
        env=home.environ,
        cwd=home.directory,
        capture_output=True,
        check=False,
    )
    took = (time.perf_counter() - begun) * 1_000
    if done.returncode != _EXPECTED.get(name, 0):
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr!r}")
    return took
