"""Commands that only tell something, as ratios to an empty Python."""

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
# `status` says no by its exit code when nothing runs.
_EXPECTED = {"agentbox litellm status": 1}


def commands(effort: Effort) -> Iterator[Figure]:
    """Wall time of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with private_directory() as directory:
        home = ours.Home(directory, provider_port=9)
        for number in range(effort.starts + 1):
            for name in COMMANDS:
                milliseconds = _milliseconds(name, home)
                if number:  # the first round compiles
                    times[name].append(milliseconds)
    yield of_rounds(EMPTY, times[EMPTY], "ms")
    for name in COMMANDS:
        if name != EMPTY:
            yield of_rounds(f"{name} / {EMPTY}", ratios(times[name], times[EMPTY]), "x")


def _milliseconds(name: str, home: ours.Home) -> float:
    begun = time.perf_counter()
    done = subprocess.run(
        COMMANDS[name], env=home.environ, cwd=home.directory, capture_output=True, check=False
    )
    took = (time.perf_counter() - begun) * 1_000
    if done.returncode != _EXPECTED.get(name, 0):
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr!r}")
    return took
