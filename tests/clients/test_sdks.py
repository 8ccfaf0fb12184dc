"""The official SDKs for Python and Node run small programs, while the first link fails."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.cases import SCENARIOS, SDKS, TOOL, Client
from tests.clients.conftest import url_of
from tests.clients.installing import MACHINE, installed
from tests.clients.table import NO_TOOLS
from tests.e2e.conftest import User

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("client", SDKS, ids=lambda client: Path(client.prompt[0]).name)
def test_an_sdk_works(
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
        pytest.skip(f"{client.endpoint} has {NO_TOOLS}")
    command, more = prepared(client)
    answers = fails(client.alias, scenario)
    done = subprocess.run(
        [*command, url_of(user), client.tool.format(marker=marker), str(marker)],
        env={**user._environment(), **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    if "served_by" in told:
        assert told == {"served_by": answers}
        return
    assert told["plain"] == told["streamed"] == f"[{answers}] you said: say hello"
    assert told["form"] == "simulated"
    assert told["tool"].startswith(f"[{answers}] you said: the-text-of-the-marker")
    assert told.get("counted", 1) >= 1


def prepared(client: Client) -> tuple[list[str], dict[str, str]]:
    """How its program is started, and what its environment has besides."""
    programs, program = installed(client), str(PROGRAMS / client.prompt[0])
    if program.endswith(".py"):
        return [str(programs / "python"), program], {}
    node = shutil.which("node", path=MACHINE["PATH"])
    assert node, "npm was here"
    return [node, program], {"NODE_PATH": str(programs.parent)}
