import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from agentbox_cli.daemon.identity import Identity, Sameness, compare, identify
from agentbox_cli.daemon.session import Leader, kill_session
from agentbox_cli.paths import Paths

WAIT = "print('up', flush=True); input()"
FAMILY = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)'], process_group=0)\n"
    "print('up', flush=True); input()\n"
)


@contextmanager
def running(code: str) -> Iterator[tuple["subprocess.Popen[bytes]", Identity]]:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        identity = identify(child.pid)
        assert identity is not None
        yield child, identity
        child.kill()


def test_a_signal_reaches_the_process_it_was_meant_for(paths: Paths) -> None:
    with running(WAIT) as (_, identity), contextlib.closing(Leader(identity)) as leader:
        leader.send(signal.SIGTERM)
        assert leader.wait(20)
        leader.send(signal.SIGTERM)
        assert compare(identity) is Sameness.DIFFERENT


def test_a_process_with_a_reused_pid_is_never_signalled(paths: Paths) -> None:
    with running(WAIT) as (child, identity):
        earlier = replace(identity, start_ticks=identity.start_ticks - 1)
        with contextlib.closing(Leader(earlier)) as leader:
            assert not leader.present
            leader.send(signal.SIGKILL)
            assert leader.wait(0)
        kill_session(earlier)
        assert child.poll() is None
        assert compare(identity) is Sameness.SAME


def test_waiting_tells_how_long_it_took_and_gives_up(paths: Paths) -> None:
    told: list[float] = []
    with running(WAIT) as (_, identity), contextlib.closing(Leader(identity)) as leader:
        assert not leader.wait(0.5, told.append)
    assert told
    assert told == sorted(told)


@pytest.mark.parametrize("leader_first", [True, False])
def test_the_whole_session_dies_other_process_groups_included(
    paths: Paths, leader_first: bool
) -> None:
    # That nothing survives is what the fixture of the paths asserts.
    with running(FAMILY) as (child, identity):
        if leader_first:
            child.kill()
            child.wait()
        kill_session(identity)
