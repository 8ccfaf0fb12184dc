"""One proxy, several containers: each calls through its own socket, by a bridge or directly."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from agentbox_cli.deploy.health import at_socket
from tests.e2e.conftest import User, processes_of

pytestmark = pytest.mark.e2e

CONFIG = {
    "port": 0,
    "socket": ["web", "ci"],
    "models": {"default": [{"provider": "simulated", "model": "echo"}]},
    "engine": {"mode": "off"},
}
BODY = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}


def socket_of(user: User, name: str) -> Path:
    return user.state / "sockets" / name / "litellm.sock"


@pytest.fixture(autouse=True)
def running(user: User) -> None:
    user.writes(json.dumps({"litellm": CONFIG}))
    started = user.runs("litellm", "start")
    assert started.returncode == 0, started.stderr


@contextmanager
def bridged(user: User, name: str) -> Iterator[str]:
    words = ["litellm", "bridge", "--socket", str(socket_of(user, name)), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "agentbox_cli", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(user.home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().split()[0]
    try:
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()


def test_usage_names_each_container(user: User) -> None:
    with bridged(user, "web") as web, bridged(user, "ci") as ci:
        for url, times in ((web, 2), (ci, 1)):
            for _ in range(times):
                answer = httpx.post(f"{url}/v1/chat/completions", json=BODY, timeout=30)
                assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 20
    found: dict[str, int] = {}
    while sum(found.values()) < 3 and time.monotonic() < deadline:
        rows = user.reads("litellm", "usage", "--by", "caller")["rows"]
        found = {row["key"]: row["requests"] for row in rows}
    assert found == {"web": 2, "ci": 1}


def test_a_second_bridge_to_the_same_proxy_is_fine(user: User) -> None:
    with bridged(user, "web") as url:
        port = url.rpartition(":")[2]
        path = str(socket_of(user, "web"))
        again = user.runs("litellm", "bridge", "--socket", path, "--port", port)
        assert again.returncode == 0
        assert again.stdout == f"there is a bridge to {path} already\n"


def test_a_bridge_outlives_the_proxy_and_finds_the_next(user: User) -> None:
    before = at_socket(socket_of(user, "web"))
    with bridged(user, "web") as url, httpx.Client(base_url=url, timeout=30) as agent:
        assert agent.get("/health").status_code == 200
        pid = user.reads("litellm", "status")["pid"]
        os.kill(pid, signal.SIGKILL)
        while pid in processes_of(user.home):
            time.sleep(0.01)
        # Killed, it leaves its socket behind; nobody listens.
        assert socket_of(user, "web").is_socket()
        with httpx.Client(base_url=url, timeout=30) as other:
            assert other.get("/health").status_code == 503
        started = user.runs("litellm", "start")
        assert started.returncode == 0, started.stderr
        with httpx.Client(base_url=url, timeout=30) as other:
            assert other.get("/health").json()["instance"] not in {None, before}


def test_the_status_tells_people_the_path_to_mount(user: User) -> None:
    told = user.runs("litellm", "status").stdout
    assert re.search(rf"^web +{re.escape(str(socket_of(user, 'web')))}$", told, re.MULTILINE)


def test_a_socket_that_cannot_be_had_keeps_the_proxy_from_starting_and_says_why(
    user: User,
) -> None:
    assert user.runs("litellm", "stop").returncode == 0
    assert not socket_of(user, "web").exists()
    socket_of(user, "ci").write_text("mine")
    failed = user.runs("litellm", "start")
    assert failed.returncode == 5
    assert f"socket ci: {socket_of(user, 'ci')} is not a socket" in failed.stderr
    assert processes_of(user.home) == []
    assert not socket_of(user, "web").exists()
    socket_of(user, "ci").unlink()
