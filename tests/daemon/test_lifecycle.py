"""Start and stop the tiny daemon of tests/fakes; several starters at once: test_starters.py."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.daemon import instance, lifecycle, lock, logs, probe
from agentbox_cli.daemon.identity import compare, identify
from agentbox_cli.daemon.instance import Instance
from agentbox_cli.daemon.launch import Launch
from agentbox_cli.daemon.lifecycle import Started, Stopped, start, stop, take_lock
from agentbox_cli.daemon.states import DaemonState
from agentbox_cli.errors import ProxyError
from agentbox_cli.paths import Paths
from tests.fakes.tiny_starter import tiny_launch
from tests.fakes.waiting import eventually

CLEAN = Stopped(was_running=True, killed=False)
KILLED = Stopped(was_running=True, killed=True)
NOT_THERE = Stopped(was_running=False, killed=False)


def state(paths: Paths) -> DaemonState:
    return probe.probe(paths).state


def start_tiny(paths: Paths, behave: str = "well", *, port: int = 0) -> Started:
    return start(paths, tiny_launch(paths.state_dir, behave=behave, port=port))


def kill_daemon(paths: Paths, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert lock.wait_until_free(paths.pid_file, seconds=20)
    os.waitpid(pid, 0)


class Background:
    """Something that blocks, in a thread; `result` waits for it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._outcome: list[Any] = []
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._work())
        except ProxyError as error:
            self._outcome.append(error)

    def result(self) -> Any:
        self._thread.join()
        return self._outcome[0]


# --- the cycle ---


def test_a_proxy_is_started_found_running_and_stopped(paths: Paths) -> None:
    started = start_tiny(paths)
    assert not started.already
    assert paths.pid_file.read_text() == f"{started.instance.pid}\n"
    assert state(paths) is DaemonState.RUNNING
    assert stop(paths) == CLEAN
    assert state(paths) is DaemonState.STOPPED
    assert not paths.state_file.exists()


def test_starting_twice_leaves_the_first_one_running(paths: Paths) -> None:
    first = start_tiny(paths)
    second = start_tiny(paths)
    assert second == Started(instance=first.instance, already=True)
    stop(paths)


def test_stopping_what_does_not_run_is_fine_and_leaves_no_trace(
    paths: Paths, tmp_path: Path
) -> None:
    assert stop(paths) == NOT_THERE
    assert stop(replace(paths, state_dir=tmp_path / "nowhere")) == NOT_THERE
    assert list(paths.state_dir.iterdir()) == []


def test_the_daemon_inherits_nothing_of_the_terminal(paths: Paths) -> None:
    pid = start_tiny(paths).instance.pid
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert Path(f"/proc/{pid}/fd/1").readlink() == paths.log_file
    stop(paths)


def test_the_token_goes_by_environment_and_not_by_argument(paths: Paths) -> None:
    found = start_tiny(paths).instance
    token = found.token.encode()
    assert token in Path(f"/proc/{found.pid}/environ").read_bytes()
    assert token not in Path(f"/proc/{found.pid}/cmdline").read_bytes()
    stop(paths)


def test_the_environment_of_a_launch_is_never_shown(paths: Paths) -> None:
    launch = replace(tiny_launch(paths.state_dir), env={"OPENAI_API_KEY": "sk-secret"})
    assert "secret" not in repr(launch)


# --- a start that cannot be ---


def test_a_proxy_on_another_port_is_named(paths: Paths) -> None:
    found = start_tiny(paths).instance
    with pytest.raises(ProxyError, match=f"runs on port {found.port} .*not 1$") as caught:
        start_tiny(paths, port=1)
    assert "agentbox litellm stop" in str(caught.value.hint)
    assert start_tiny(paths, port=found.port).already
    stop(paths)


def test_a_proxy_with_another_config_is_named(paths: Paths) -> None:
    start_tiny(paths)
    with pytest.raises(ProxyError, match=r"runs with /c.yml .*not /other.yml"):
        start(paths, tiny_launch(paths.state_dir, config=Path("/other.yml")))
    stop(paths)


def test_a_taken_port_names_who_has_it(paths: Paths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ProxyError, match=rf"port {port} .*\(pid {os.getpid()}\)") as caught:
            start_tiny(paths, port=port)
    assert "--port" in str(caught.value.hint)
    assert state(paths) is DaemonState.STOPPED


def test_an_address_that_is_not_of_this_machine_is_named(paths: Paths) -> None:
    launch = replace(tiny_launch(paths.state_dir), host="192.0.2.1")
    with pytest.raises(ProxyError, match=r"cannot listen on 192\.0\.2\.1"):
        start(paths, launch)


def test_a_crash_in_start_up_shows_its_own_last_log_lines(paths: Paths) -> None:
    paths.log_file.write_text("of an earlier run\n")
    with pytest.raises(ProxyError, match=r"ended during start-up \(exit status 1\)") as caught:
        start_tiny(paths, "crash")
    assert "tiny: cannot go on" in caught.value.message
    assert "of an earlier run" not in caught.value.message
    assert state(paths) is DaemonState.STOPPED


@pytest.mark.parametrize("behave", ["silent-hang", "hang", "wrong-token"])
def test_a_daemon_that_never_gets_ready_is_killed_with_what_it_started(
    paths: Paths, behave: str
) -> None:
    launch = tiny_launch(paths.state_dir, behave=behave)
    with pytest.raises(ProxyError, match="not ready within 1 s") as caught:
        start(paths, launch, wait_seconds=1.0)
    said = '"GET /health' if behave == "wrong-token" else "tiny: "
    assert f"\n  {said}" in caught.value.message
    assert state(paths) is DaemonState.STOPPED


def test_a_program_that_is_missing_is_named(paths: Paths) -> None:
    launch = replace(tiny_launch(paths.state_dir), argv=lambda _: ["/no/such/program"])
    with pytest.raises(ProxyError, match="cannot run /no/such/program"):
        start(paths, launch)
    assert state(paths) is DaemonState.STOPPED


def test_an_interrupted_start_leaves_nothing_running(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(instance, "read", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lifecycle._start_child(paths, tiny_launch(paths.state_dir), _taken(paths), wait_seconds=20)
    monkeypatch.undo()
    assert state(paths) is DaemonState.STOPPED


def _taken(paths: Paths) -> lock.Lock:
    held = lock.acquire(paths.pid_file)
    assert held is not None
    return held


def test_a_process_that_becomes_the_daemon_takes_the_lock_itself(paths: Paths) -> None:
    paths.state_file.write_text("of an earlier run")
    fd = take_lock(paths)
    assert lock.read_pid(paths.pid_file) == os.getpid()
    assert state(paths) is DaemonState.STARTING
    with pytest.raises(ProxyError, match="already, and it is starting"):
        take_lock(paths)
    os.close(fd)
    assert state(paths) is DaemonState.STOPPED


@pytest.mark.parametrize("lost", [False, True])
def test_nobody_becomes_a_second_daemon(paths: Paths, lost: bool) -> None:
    pid = start_tiny(paths).instance.pid
    if lost:
        paths.pid_file.unlink()
    with pytest.raises(ProxyError, match=rf"a proxy \(pid {pid}\) already, and it is running"):
        take_lock(paths)
    assert stop(paths) == CLEAN


# --- a stop that is not easy ---


def test_a_proxy_that_ignores_sigterm_is_killed_after_the_grace(paths: Paths) -> None:
    waited: list[float] = []
    start_tiny(paths, "ignore-term")
    assert stop(paths, grace_seconds=0.5, on_wait=waited.append) == KILLED
    assert waited
    assert state(paths) is DaemonState.STOPPED


def test_a_forced_stop_does_not_wait(paths: Paths) -> None:
    start_tiny(paths, "drain")
    assert stop(paths, force=True) == KILLED
    assert state(paths) is DaemonState.STOPPED


@pytest.mark.parametrize("force", [False, True])
def test_what_the_daemon_started_does_not_survive_it(paths: Paths, force: bool) -> None:
    # The fixture of the paths asserts it.
    start_tiny(paths, "grandchild")
    stop(paths, force=force)


def test_a_stopped_process_is_killed(paths: Paths) -> None:
    os.kill(start_tiny(paths).instance.pid, signal.SIGSTOP)
    assert stop(paths, grace_seconds=0.2) == KILLED


def test_a_start_during_a_stop_waits_for_its_end(paths: Paths) -> None:
    first = start_tiny(paths, "drain")
    stopping = Background(lambda: stop(paths))
    eventually(lambda: state(paths) is DaemonState.DRAINING)
    second = start_tiny(paths)
    assert stopping.result() == CLEAN
    assert not second.already
    assert second.instance.token != first.instance.token
    assert state(paths) is DaemonState.RUNNING
    assert stop(paths) == CLEAN


def test_a_stop_does_not_wait_for_the_lock_of_the_next_proxy(paths: Paths) -> None:
    with _taken(paths) as held:
        held.write_pid(None)
        lifecycle._await_release(paths)
        held.write_pid(os.getpid())
        lifecycle._await_release(paths)


def test_a_lock_that_outlives_its_proxy_is_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_RELEASE_SECONDS", 0.1)
    with _taken(paths) as held:
        held.write_pid(1)
        with pytest.raises(ProxyError, match="is still locked"):
            lifecycle._await_release(paths)


# --- after an accident ---


def test_after_kill_9_the_state_is_stale_and_a_start_works(paths: Paths) -> None:
    first = start_tiny(paths).instance
    kill_daemon(paths, first.pid)
    assert state(paths) is DaemonState.STALE
    second = start_tiny(paths)
    assert not second.already
    assert second.instance.pid != first.pid
    assert stop(paths) == CLEAN


def test_after_kill_9_a_stop_cleans_up(paths: Paths) -> None:
    kill_daemon(paths, start_tiny(paths).instance.pid)
    assert stop(paths) == NOT_THERE
    assert state(paths) is DaemonState.STOPPED


def _claim(paths: Paths, change: Callable[[Instance], Instance]) -> "subprocess.Popen[bytes]":
    """A state file that names an unrelated living process."""
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = identify(stranger.pid)
    assert identity is not None
    me = instance.this_process(
        host="127.0.0.1", port=1, token="t", config_file=Path("/c.yml"), working_dir=Path("/")
    )
    instance.write(paths.state_file, change(replace(me, identity=identity, ready=True)))
    paths.pid_file.write_text(f"{stranger.pid}\n")
    return stranger


def _with_identity(**changes: Any) -> Callable[[Instance], Instance]:
    return lambda it: replace(it, identity=replace(it.identity, **changes))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_with_identity(start_ticks=1), id="reused pid"),
        pytest.param(_with_identity(boot_id="before the reboot"), id="another boot"),
        pytest.param(_with_identity(pid_namespace=1), id="another pid namespace"),
    ],
)
def test_an_unrelated_process_is_never_signalled(
    paths: Paths, change: Callable[[Instance], Instance]
) -> None:
    stranger = _claim(paths, change)
    assert state(paths) is DaemonState.STALE
    assert stop(paths, force=True) == NOT_THERE
    assert stranger.poll() is None
    assert not start_tiny(paths).already
    stop(paths)
    assert stranger.poll() is None
    stranger.communicate(b"\n")


def test_a_held_lock_with_a_strangers_pid_is_foreign_and_left_alone(paths: Paths) -> None:
    stranger = _claim(paths, _with_identity(pid_namespace=1))
    with _taken(paths):
        for command in (lambda: stop(paths, force=True), lambda: start_tiny(paths)):
            with pytest.raises(ProxyError, match="cannot be identified"):
                command()
    assert stranger.poll() is None
    stranger.communicate(b"\n")


def test_a_proxy_whose_lock_file_was_removed_is_still_found(paths: Paths) -> None:
    first = start_tiny(paths)
    paths.pid_file.unlink()
    assert state(paths) is DaemonState.RUNNING
    assert start_tiny(paths) == Started(instance=first.instance, already=True)
    assert stop(paths) == CLEAN
    assert state(paths) is DaemonState.STOPPED


@pytest.mark.parametrize("text", [None, "", "{", '{"schema": 9}'])
def test_a_proxy_whose_state_file_is_gone_or_damaged_can_be_stopped(
    paths: Paths, text: str | None
) -> None:
    start_tiny(paths)
    paths.state_file.unlink()
    if text is not None:
        paths.state_file.write_text(text)
    assert state(paths) is DaemonState.STARTING
    with pytest.raises(ProxyError, match="already, and it is starting"):
        start(paths, tiny_launch(paths.state_dir), wait_seconds=0.1)
    assert stop(paths) == CLEAN
    assert state(paths) is DaemonState.STOPPED


def test_a_proxy_whose_files_are_both_gone_is_named_by_its_port(paths: Paths) -> None:
    found = start_tiny(paths).instance
    paths.pid_file.unlink()
    paths.state_file.unlink()
    assert state(paths) is DaemonState.STOPPED
    with pytest.raises(ProxyError, match=rf"taken by .*\(pid {found.pid}\)"):
        start_tiny(paths, port=found.port)
    second = start_tiny(paths)
    assert second.instance.pid != found.pid
    os.kill(found.pid, signal.SIGTERM)
    os.waitpid(found.pid, 0)
    # The lost one did not take the files of the new one with it.
    assert state(paths) is DaemonState.RUNNING
    assert stop(paths) == CLEAN


def test_a_silent_proxy_is_not_taken_for_a_running_one(paths: Paths) -> None:
    pid = start_tiny(paths).instance.pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ProxyError, match="does not answer on"):
        start(paths, tiny_launch(paths.state_dir), wait_seconds=0.1)
    os.kill(pid, signal.SIGCONT)
    assert stop(paths) == CLEAN


# --- the log ---


def test_a_large_log_is_rotated_before_the_start_and_the_run_is_found_in_the_new_one(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.log_file.write_text("x" * (logs.ROTATE_BYTES + 1))
    assert start_tiny(paths).instance.log_offset == 0
    stop(paths)
    assert paths.log_file.with_name("litellm.log.1").exists()
    size = paths.log_file.stat().st_size
    assert 0 < size < 1000
    assert start_tiny(paths).instance.log_offset == size
    stop(paths)


# --- places that do not work ---


def test_a_state_directory_that_cannot_be_made_is_named(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    below = replace(paths, state_dir=tmp_path / "file" / "state")
    with pytest.raises(ProxyError, match="cannot create the state directory"):
        start_tiny(below)
    assert stop(below) == NOT_THERE


def test_a_new_state_directory_is_private(paths: Paths, tmp_path: Path) -> None:
    fresh = replace(paths, state_dir=tmp_path / "a" / "b")
    start_tiny(fresh)
    stop(fresh)
    assert fresh.state_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
def test_a_state_directory_of_somebody_else_is_refused(paths: Paths) -> None:
    os.chown(paths.state_dir, 12345, 12345)
    with pytest.raises(ProxyError, match="belongs to uid 12345"):
        start_tiny(paths)


def test_the_identity_of_a_started_daemon_is_that_of_its_process(paths: Paths) -> None:
    found = start_tiny(paths).instance
    assert identify(found.pid) == found.identity
    stop(paths)
    assert compare(found.identity) == "different"


def test_a_launch_is_told_the_descriptor_of_the_lock(paths: Paths) -> None:
    told: list[int] = []
    launch = tiny_launch(paths.state_dir)

    def argv(fd: int) -> list[str]:
        told.append(fd)
        return list(launch.argv(fd))

    start(paths, replace(launch, argv=argv))
    stop(paths)
    assert len(told) == 1
    assert isinstance(launch, Launch)
