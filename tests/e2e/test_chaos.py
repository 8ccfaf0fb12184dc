"""Chaos on the example config, with the real LiteLLM for what has to be translated."""

import http.client
import json
import signal
from pathlib import Path

import pytest

from tests.cli.litellm.test_chaos import DEADLINE, Chaos
from tests.e2e.conftest import SEED

pytestmark = pytest.mark.e2e


def ask(url: str, model: str) -> dict[str, object]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
    message = {"role": "user", "content": "hi"}
    body = {"model": model, "max_tokens": 20, "messages": [message]}
    connection.request("POST", "/v1/messages", json.dumps(body), {"content-type": "x/json"})
    answer: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_translated_calls_fall_over_too_and_nothing_is_left(home: Path) -> None:
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(SEED.read_text(encoding="utf-8"), encoding="utf-8")
    chaos = Chaos(home, "--json", "--rate", "1", "--scenario", "context-window")
    try:
        ready = chaos.told()
        assert ready["aliases"] == ["default", "fast", "code", "reasoning"]
        for model, second in (("code", "gwdg_saia/codestral-22b"), ("reasoning", "openai/o1")):
            assert ask(ready["url"], model)["type"] == "message"
            row = chaos.told()
            assert (row["alias"], row["served_by"]) == (model, second)
        (engine,) = children_of(chaos.pid)
        assert b"litellm" in Path(f"/proc/{engine}/cmdline").read_bytes()
        assert chaos.ends(signal.SIGINT)[0] == 0
        assert not Path(f"/proc/{engine}").exists()
    finally:
        chaos.close()
