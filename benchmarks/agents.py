"""What `agentbox litellm run` adds to the start of an agent, here one that ends at once."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import ours
from benchmarks.figures import Figure, of_rounds
from benchmarks.lineup import Effort
from benchmarks.processes import free_port, helper, private_directory
from benchmarks.startup import AGENTBOX

UP_SECONDS = 0.3
DOWN_SECONDS = 1.0
# It speaks to nobody, so that all the time is that of `run`.
_AGENT = '#!/bin/sh\n[ "$1" = --version ] && echo 1.9.0\nexit 0\n'


def agents(effort: Effort) -> Iterator[Figure]:
    """Seconds until an agent has begun and ended, without those that it takes by itself."""
    with private_directory() as directory, helper("provider") as provider:
        home = ours.Home(directory, provider.port)
        environ = _with_agent(directory / "bin", home.environ)
        up, down = [], []
        try:
            for _ in range(effort.starts + 1):  # the first asks the agent for its version
                home.stop()
                down.append(_added(environ))
                up.append(_added(environ))
        finally:
            home.stop()
    yield of_rounds("agentbox litellm run, proxy up", up[1:], "s", at_most=UP_SECONDS)
    yield of_rounds("agentbox litellm run, proxy down", down[1:], "s", at_most=DOWN_SECONDS)


def _with_agent(directory: Path, environ: Mapping[str, str]) -> dict[str, str]:
    directory.mkdir()
    (directory / "goose").write_text(_AGENT)
    (directory / "goose").chmod(0o755)
    path = f"{directory}:{environ.get('PATH', os.defpath)}"
    return {**environ, "PATH": path, "LITELLM_PORT": str(free_port())}


def _added(environ: Mapping[str, str]) -> float:
    with_run = _seconds([str(AGENTBOX), "litellm", "run", "goose"], environ)
    return with_run - _seconds(["goose"], environ)


def _seconds(argv: list[str], environ: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(argv, env=environ, check=True, capture_output=True)
    return time.perf_counter() - begun
