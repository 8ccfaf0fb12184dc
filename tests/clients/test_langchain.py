"""langchain-openai in an environment of its own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clients.cases import LANGCHAIN, SCENARIOS, TOOL
from tests.clients.conftest import url_of
from tests.clients.installing import installed
from tests.e2e.conftest import User

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

PROGRAM = """
import json, sys
from langchain_core.messages import ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

url, marker = sys.argv[1:]

@tool
def look(path: str) -> str:
    "Read a file."
    return open(path).read()

model = ChatOpenAI(base_url=url, api_key="agentbox", model="default", max_retries=0)
plain = model.invoke("say hello").content
streamed = "".join(chunk.content for chunk in model.stream("say hello"))
question = 'call the tool look with ' + json.dumps({"path": marker})
asked = [("user", question)]
call = model.bind_tools([look]).invoke(asked)
answer = look.invoke(call.tool_calls[0])
last = model.bind_tools([look]).invoke([*asked, call, answer]).content
print(json.dumps({"plain": plain, "streamed": streamed, "tool": last}))
"""


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_langchain_works(
    user: User,
    fails: Callable[[str, str], str],
    marker: Path,
    scenario: str,
    record_property: Callable[[str, object], None],
) -> None:
    client = LANGCHAIN
    record_property("row", (client.name, client.version, client.endpoint, scenario))
    python = installed(client) / "python"
    answers = fails("default", scenario)
    done = subprocess.run(
        [str(python), "-c", PROGRAM, f"{url_of(user)}/v1", str(marker)],
        env=user._environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["plain"] == told["streamed"] == f"[{answers}] you said: say hello"
    if scenario == TOOL:
        assert told["tool"].startswith(f"[{answers}] you said: the-text-of-the-marker")
