"""LiteLLM behind the daemon dies, and the daemon dies in front of LiteLLM."""

import json
import os
import signal
import time
from pathlib import Path

import anthropic
import openai
import pytest

from agentbox_cli.fallback.stage import Cast
from tests.e2e.conftest import User, processes_of, section

pytestmark = pytest.mark.e2e

MODELS = {"default": [{"provider": "openai", "model": "gpt-4o"}]}
HI = "hello"


@pytest.fixture(scope="module", autouse=True)
def running(user: User, cast: Cast) -> None:
    user.writes(section(cast, MODELS))
    started = user.runs("litellm", "start", "--wait", "engine")
    assert started.returncode == 0, started.stderr


def daemon_of(user: User) -> int:
    return int(user.reads("litellm", "status")["pid"])


def test_when_litellm_is_killed_direct_calls_go_on_and_translated_ones_wait(user: User) -> None:
    status = user.reads("litellm", "status")
    assert status["engine"]["state"] == "ready"
    os.kill(status["engine"]["pid"], signal.SIGKILL)
    url = status["url"]
    with openai.OpenAI(base_url=f"{url}/v1", api_key="not-needed", max_retries=0) as chat:
        answer = chat.chat.completions.create(
            model="default", messages=[{"role": "user", "content": HI}]
        )
    assert answer.choices[0].message.content == f"[openai/gpt-4o] you said: {HI}"
    with anthropic.Anthropic(base_url=url, api_key="not-needed", max_retries=0) as claude:
        message = claude.messages.create(
            model="default", max_tokens=64, messages=[{"role": "user", "content": HI}]
        )
    assert message.content[0].text == f"[openai/gpt-4o] you said: {HI}"  # type: ignore[union-attr] # it is text
    after = user.reads("litellm", "status")
    assert after["pid"] == status["pid"]
    assert after["engine"]["pid"] != status["engine"]["pid"]
    assert after["aliases"][0]["links"][0]["state"] == "ok"


def test_calls_of_both_lanes_are_kept_as_the_provider_reported_them(user: User) -> None:
    deadline = time.monotonic() + 20
    lines: list[str] = []
    while len(lines) < 2 and time.monotonic() < deadline:
        lines = user.runs("litellm", "usage", "export").stdout.splitlines()
    calls = {call["lane"]: call for call in map(json.loads, lines)}
    assert {*calls} == {"direct", "litellm"}
    assert calls["litellm"]["endpoint"] == "/v1/messages"
    for call in calls.values():
        # OpenAI's words, also where the client speaks Anthropic's.
        usage = json.loads(call["raw_usage"])
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == (
            call["fresh"],
            call["output"],
        )


def test_litellm_does_not_outlive_a_killed_daemon(user: User) -> None:
    pid = daemon_of(user)
    assert len(processes_of(user.home)) == 2
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while processes_of(user.home) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(user.home) == []
    assert not Path(f"/proc/{pid}/exe").exists()
    assert user.runs("litellm", "status").returncode == 1
