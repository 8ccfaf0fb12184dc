import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agentbox_cli.daemon import instance, lock, probe
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.lifecycle import start, stop
from agentbox_cli.daemon.lock import Lock
from agentbox_cli.daemon.states import DaemonState
from agentbox_cli.paths import Paths
from tests.fakes.tiny_starter import tiny_launch


def an_instance(**changes: object) -> Instance:
    """An instance that lives as long as the test does."""
    here = instance.this_process(
        host="127.0.0.1", port=1, token="t", config_file=Path("/c"), working_dir=Path("/")
    )
    return replace(here, **changes)  # type: ignore[arg-type] # whatever a test wants to vary


def taken(paths: Paths) -> Lock:
    held = lock.acquire(paths.pid_file)
    assert held is not None
    return held


def state(paths: Paths) -> DaemonState:
    return probe.probe(paths).state


def test_nothing_at_all_is_stopped(tmp_path: Path, paths: Paths) -> None:
    assert state(paths) is DaemonState.STOPPED
    nowhere = tmp_path / "nowhere"
    assert state(replace(paths, state_dir=nowhere)) is DaemonState.STOPPED
    assert not nowhere.exists()


def test_a_pidfile_alone_is_not_a_running_proxy(paths: Paths) -> None:
    paths.pid_file.write_text(f"{os.getpid()}\n")
    assert state(paths) is DaemonState.STOPPED


def test_a_state_file_of_a_process_that_is_gone_is_stale(paths: Paths) -> None:
    here = an_instance(ready=True)
    gone = replace(here, identity=replace(here.identity, start_ticks=1))
    instance.write(paths.state_file, gone)
    found = probe.probe(paths)
    assert found.state is DaemonState.STALE
    assert found.instance == gone


def test_a_garbled_state_file_without_a_lock_is_stale(paths: Paths) -> None:
    paths.state_file.write_text("{")
    assert state(paths) is DaemonState.STALE


def test_a_starter_that_has_no_daemon_yet_is_starting(paths: Paths) -> None:
    with taken(paths) as held:
        held.write_pid(None)
        assert state(paths) is DaemonState.STARTING


def test_a_daemon_that_has_not_announced_itself_is_starting(paths: Paths) -> None:
    with taken(paths) as held:
        held.write_pid(os.getpid())
        assert state(paths) is DaemonState.STARTING


def test_an_old_daemon_without_a_state_file_is_degraded_and_says_why(paths: Paths) -> None:
    with taken(paths) as held:
        held.write_pid(os.getpid())
        an_hour_ago = time.time() - 3600
        os.utime(paths.pid_file, (an_hour_ago, an_hour_ago))
        found = probe.probe(paths)
        assert found.state is DaemonState.DEGRADED
        assert "gone or damaged" in str(found.reason)


def test_an_announced_daemon_that_is_not_ready_is_starting(paths: Paths) -> None:
    with taken(paths) as held:
        instance.announce(paths, held.fd, an_instance())
        assert state(paths) is DaemonState.STARTING


def test_a_draining_daemon_is_not_asked(paths: Paths) -> None:
    with taken(paths) as held:
        instance.announce(paths, held.fd, an_instance(ready=True, draining=True))
        assert state(paths) is DaemonState.DRAINING


def test_a_daemon_that_does_not_answer_is_degraded_and_says_where(paths: Paths) -> None:
    with taken(paths) as held:
        instance.announce(paths, held.fd, an_instance(ready=True))
        found = probe.probe(paths)
        assert found.state is DaemonState.DEGRADED
        assert "does not answer on http://127.0.0.1:1" in str(found.reason)


@pytest.mark.parametrize("pid", ["1", "2147483646", "what"])
def test_a_lock_held_by_somebody_else_is_foreign(paths: Paths, pid: str) -> None:
    with taken(paths):
        paths.pid_file.write_text(pid)
        found = probe.probe(paths)
        assert found.state is DaemonState.FOREIGN
        assert "cannot be identified" in str(found.reason)


def test_a_daemon_of_another_pid_namespace_is_foreign(paths: Paths) -> None:
    here = an_instance(ready=True)
    other = replace(here, identity=replace(here.identity, pid_namespace=1))
    with taken(paths) as held:
        held.write_pid(1)
        instance.write(paths.state_file, other)
        assert state(paths) is DaemonState.FOREIGN


@pytest.mark.parametrize("behave", ["well", "degraded"])
def test_a_serving_daemon_says_how_it_does_and_is_shown_the_key(paths: Paths, behave: str) -> None:
    paths.key_file.write_text("secret")
    started = start(paths, tiny_launch(paths.state_dir, behave=behave))
    found = probe.probe(paths)
    stop(paths)
    said = DaemonState.RUNNING if behave == "well" else DaemonState.DEGRADED
    assert (found.state, found.instance, found.reason) == (said, started.instance, None)
    assert found.status == {"state": said, "saw_key": "Bearer secret"}


def test_looking_leaves_no_trace(paths: Paths) -> None:
    state(paths)
    assert list(paths.state_dir.iterdir()) == []
