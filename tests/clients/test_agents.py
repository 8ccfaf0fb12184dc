"""Real coding agents, started by `run`, while the first link fails."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.cases import AGENTS, SCENARIOS, TOOL, Client
from tests.clients.installing import installed
from tests.e2e.conftest import User

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("client", AGENTS, ids=lambda client: client.name)
def test_an_agent_works(
    user: User,
    fails: Callable[[str, str], str],
    marker: Path,
    *,
    client: Client,
    scenario: str,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("row", (client.name, client.version, client.endpoint, scenario))
    if scenario == TOOL and not client.tool:
        pytest.skip("it has no tools")
    programs = installed(client)
    answers = fails(client.alias, scenario)
    question = client.tool.format(marker=marker) if scenario == TOOL else "say hello"
    done = run(user, programs, client, question, marker.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"[{answers}] you said: " in done.stdout, done.stdout + done.stderr
    assert ("the-text-of-the-marker" in done.stdout) == (scenario == TOOL), done.stdout


def run(
    user: User, programs: Path, client: Client, question: str, directory: Path
) -> subprocess.CompletedProcess[str]:
    """`agentbox litellm run AGENT -m ALIAS -- ...` with the real agent."""
    arguments: list[str] = []
    for part in client.prompt:
        words = question.split() if part == "{words}" else [part.replace("{}", question)]
        arguments += words
    return subprocess.run(
        [
            *(sys.executable, "-P", "-m", "agentbox_cli", "litellm", "run"),
            *(client.name, "-m", client.alias, "--", *arguments),
        ],
        env={**user._environment(), "PATH": f"{programs}:{os.environ['PATH']}"},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
