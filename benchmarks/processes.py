"""The servers that are measured, each in a process of its own and in a private home."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0
POLL_SECONDS = 0.005

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")


def environment(home: Path) -> dict[str, str]:
    """The variables of a measured process: a private home, and nothing of the user's."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kinds = ("CONFIG", "STATE", "CACHE", "DATA")
    return kept | {
        "HOME": str(home),
        **{f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in kinds},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A running server of this package."""

    pid: int
    port: int


@contextmanager
def helper(module: str, *arguments: str) -> Iterator[Helper]:
    """Run a server of this package, which prints its port."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Helper(pid=process.pid, port=int(process.stdout.readline()))
        finally:
            end(process)


def end(process: "subprocess.Popen[Any]") -> None:
    """Terminate a process, kill it if it stays."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def private_directory() -> Iterator[Path]:
    """An empty directory that goes with the block."""
    with tempfile.TemporaryDirectory(prefix="agentbox-bench-") as directory:
        yield Path(directory)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def get(port: int, path: str) -> tuple[int, bytes]:
    """GET from 127.0.0.1; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def calls(port: int) -> Mapping[str, int]:
    """How often each model of the simulated provider was called."""
    counts: dict[str, int] = json.loads(get(port, "/counts")[1])
    return counts


def seconds_until(answers: Callable[[], bool], *, begun: float, limit: float) -> float:
    """Ask again and again until there is an answer; gives the seconds since `begun`."""
    while not answers():
        if time.perf_counter() - begun > limit:
            raise TimeoutError(f"no answer within {limit:g} s")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - begun


def rss_mb(pid: int) -> float:
    """The memory a process holds, by VmRSS."""
    return _told(pid, "VmRSS:")


def most_rss_mb(pid: int) -> float:
    """The most that it ever held, by VmHWM."""
    return _told(pid, "VmHWM:")


def _told(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def cpu_seconds(pid: int) -> float:
    """The time that a process's main thread was on a core, by the scheduler's own count."""
    return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[0]) / 1e9


def secret() -> str:
    """A key that nobody knows, for LiteLLM refuses the usual dummies."""
    return f"sk-{secrets.token_urlsafe(24)}"


def write_private(file: Path, data: Mapping[str, Any]) -> None:
    """Write JSON, which YAML readers take literally."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text(json.dumps(data, indent=2), encoding="utf-8")
    file.chmod(0o600)
