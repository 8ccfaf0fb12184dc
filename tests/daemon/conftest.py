"""A state directory of its own per test, and the promise that no process is left in it."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentbox_cli.daemon.identity import read_stat
from agentbox_cli.paths import Paths
from tests.fakes.tiny_starter import paths_in


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    """Paths in an own directory; every process that a test starts ends before the test does."""
    mark = f"AGENTBOX_TEST_MARK={tmp_path}"
    monkeypatch.setenv(*mark.split("=", 1))
    state_dir = tmp_path / "state"
    state_dir.mkdir(mode=0o700)
    yield paths_in(state_dir)
    left = _marked(mark)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert not left, f"processes left behind: {left}"


def _marked(mark: str) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and _is_alive_and_marked(pid, mark)]


def _is_alive_and_marked(pid: int, mark: str) -> bool:
    stat = read_stat(pid)
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return stat is not None and stat.alive and mark.encode() in environ.split(b"\0")
