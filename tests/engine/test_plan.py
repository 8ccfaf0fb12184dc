"""The command that serves the real LiteLLM, and how such a process ends."""

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from agentbox_cli.engine.environment import engine_environment
from agentbox_cli.engine.plan import litellm_command
from agentbox_cli.engine.process import Engine
from agentbox_cli.supervise.keeping import State
from tests.fakes import tiny_parent
from tests.fakes.processes import lives
from tests.fakes.real_engine import EGRESS_SECRET, OPENAI_STYLE, START_SECONDS, plan_in
from tests.fakes.tiny_egress import TinyEgress
from tests.fakes.waiting import eventually

real = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_litellm_gets_a_socket_and_no_port() -> None:
    command = litellm_command(Path("/private/engine.sock"))
    assert "litellm.proxy.proxy_server:app" in command
    assert command[command.index("--uds") + 1] == "/private/engine.sock"
    assert not {"--port", "--host", "--reload", "--workers"} & set(command)


class TestReal:
    pytestmark = real

    async def test_an_open_stream_may_end_before_litellm_does(self, tmp_path: Path) -> None:
        egress = TinyEgress()
        await egress.start()
        engine = Engine(replace(plan_in(tmp_path, egress.url), warm_up=()))
        await engine.wait_ready(START_SECONDS)
        pid = engine.pid or 0
        egress.go_on.clear()
        async with client_of(engine) as http, http.post(MESSAGES, json=STREAMED) as answer:
            stopping = asyncio.create_task(engine.stop(30))
            async with asyncio.timeout(20):
                while accepts(engine.socket_path):  # noqa: ASYNC110 - no event tells of it
                    await asyncio.sleep(0.02)
            assert lives(pid)
            egress.go_on.set()
            text = (await answer.read()).decode()
        await stopping
        await egress.stop()
        assert "message_stop" in text
        assert (lives(pid), engine.state) == (False, State.OFF)

    async def test_a_config_that_litellm_refuses_is_told(self, tmp_path: Path) -> None:
        plan = replace(plan_in(tmp_path, "http://127.0.0.1:9"), rendered="general_settings: [1\n")
        engine = Engine(plan)
        engine.start()
        async with asyncio.timeout(START_SECONDS):
            while engine.state is State.STARTING:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.05)
        await engine.stop()
        assert (engine.last_error or "").startswith("LiteLLM ended with status 3: yaml.")

    def test_a_killed_parent_takes_litellm_with_it(self, tmp_path: Path) -> None:
        with parent_of(litellm_command(tmp_path / "engine.sock"), tmp_path) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            try:
                eventually(lambda: b"-I" not in command_of(child), "the exec after the shim")
            finally:
                parent.kill()
            eventually(lambda: not lives(child), "the end of LiteLLM")


MESSAGES = "http://localhost/v1/messages"
STREAMED = {
    "model": OPENAI_STYLE.name,
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 9,
    "stream": True,
}


def client_of(engine: Engine) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(path=str(engine.socket_path)),
        headers={"authorization": f"Bearer {engine.master_key.get_secret_value()}"},
    )


def accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def command_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def parent_of(command: list[str], place: Path) -> subprocess.Popen[str]:
    environ = engine_environment(
        os.environ,
        home=place,
        config_file=place / "config.yml",
        master_key=SecretStr("sk-master"),
        egress_secret=SecretStr(EGRESS_SECRET),
    )
    root = Path(tiny_parent.__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, tiny_parent.__file__, *command],
        cwd=place,
        env={**environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
