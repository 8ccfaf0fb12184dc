"""A real daemon, and what others on its machine try: its user's place, its disk, its keys."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import KEYS, User, processes_of

pytestmark = pytest.mark.e2e

FILES = 256
SERVER = str(Path(__file__).parent.parent / "fakes" / "mcp_script.py")
CONFIG = {
    "port": 0,
    "socket": ["web"],
    "engine": {"mode": "off"},
    "providers": {"openai": {"api_key": "${OPENAI_API_KEY}"}},
    "models": {
        "default": [{"provider": "simulated", "model": "echo"}],
        "paid": [{"provider": "openai", "model": "gpt-4o"}],
    },
    "mcp_servers": {"it": {"command": sys.executable, "args": [SERVER]}},
}
# It starts as we do and then gives its rights up: the interpreter may be readable for us only.
HOLDER = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
held = []
for _ in range(int(sys.argv[3])):
    one = socket.socket()
    one.connect(("127.0.0.1", int(sys.argv[1])))
    one.sendall(b"GET /v1/models HTTP/1.1\\r\\n")
    held.append(one)
print("holding", flush=True)
sys.stdin.read()
"""


def _few_files_and_no_mask() -> None:
    os.umask(0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


@pytest.fixture(scope="module")
def running(user: User) -> User:
    """Somebody's daemon, started with few files and a mask that closes nothing."""
    user.writes(json.dumps({"litellm": CONFIG}))
    started = subprocess.run(
        [sys.executable, "-P", "-m", "agentbox_cli", "litellm", "start"],
        env=user._environment(),
        preexec_fn=_few_files_and_no_mask,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    return user


@pytest.fixture(scope="module")
def port(running: User) -> int:
    return int(running.reads("litellm", "status")["port"])


def ask(port: int, **headers: str) -> httpx.Response:
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    body = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
    return httpx.post(url, json=body, headers=headers, timeout=30)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_with_many_connections_keeps_nobody_out(port: int) -> None:
    argv = [sys.executable, "-c", HOLDER, str(port), "12345", str(FILES * 2)]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holding\n"
        for _ in range(20):
            assert ask(port).status_code == 200


def test_malformed_requests_do_not_fill_the_disk(running: User, port: int) -> None:
    log = running.state / "litellm.log"
    before = log.stat().st_size
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as one:
            one.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nx-api-key: secret\x00\r\n\r\n")
            assert b" 400 " in one.recv(4096)
    # The proxy may have something else to tell meanwhile, of its engine for one.
    told = log.read_bytes()[before:]
    assert told.count(b"\n") < 10
    assert b"secret" not in told


def test_nothing_that_it_writes_is_open_to_others(running: User, port: int) -> None:
    odd = {"user-agent": "../../x", "x-agentbox-project": "../=1"}
    assert ask(port, **odd).status_code == 200
    assert running.runs("litellm", "mcp", "list", "--tools").returncode == 0
    rows: list[Any] = []
    deadline = time.monotonic() + 20
    while not rows and time.monotonic() < deadline:
        rows = running.reads("litellm", "usage")["rows"]
    assert rows
    places = [running.home / kind / "agentbox" for kind in ("state", "data", "cache")]
    found = [one for place in places for one in (place, *place.rglob("*")) if one.exists()]
    assert {one.name for one in found} >= {"key", "litellm.log", "usage.db", "litellm.sock"}
    is_open = {one for one in found if one.stat().st_mode & 0o077}
    # A container's user must get through the first; the second lies in a closed directory.
    allowed = {running.state / "sockets" / "web", running.state / "mcp" / "mcp.sock"}
    assert {str(one) for one in is_open} <= {str(one) for one in allowed}
    assert not {one.parent for one in allowed} & is_open


def test_no_process_shows_or_leaves_a_key(running: User) -> None:
    assert running.runs("litellm", "mcp", "call", "it", "pid").returncode == 0
    keys = [key.encode() for key in KEYS.values()]
    shown = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes_of(running.home)}
    servers = [pid for pid, line in shown.items() if SERVER.encode() in line]
    assert servers
    for pid, line in shown.items():
        assert not [key for key in keys if key in line]
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 ", limits, re.MULTILINE), "a core has keys"
    for pid in servers:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        assert not [key for key in keys if key in environ]
