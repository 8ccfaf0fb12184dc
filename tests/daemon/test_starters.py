"""Starters and stoppers that are processes of their own, as the command line's are."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.daemon import instance, lock
from agentbox_cli.daemon.lifecycle import probe, start, stop
from agentbox_cli.daemon.states import DaemonState
from agentbox_cli.paths import Paths
from tests.fakes.tiny_starter import tiny_launch
from tests.fakes.waiting import eventually

ROOT = Path(__file__).parents[2]


def command(paths: Paths, verb: str, *rest: str) -> list[str]:
    return [sys.executable, "-m", "tests.fakes.tiny_starter", verb, str(paths.state_dir), *rest]


def spawn(argv: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def result(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    out, err = process.communicate()
    assert out, err.decode()
    answer = json.loads(out)
    assert isinstance(answer, dict)
    return answer


def run(*argv: str) -> dict[str, Any]:
    return result(spawn(list(argv)))


def daemon_pid(paths: Paths) -> int:
    """The pid of a daemon that holds the lock by itself."""
    return eventually(lambda: lock.read_pid(paths.pid_file) or 0, "the daemon has the lock")


def test_eight_simultaneous_starts_make_one_daemon(paths: Paths) -> None:
    starters = [spawn(command(paths, "start", "0", "slow")) for _ in range(8)]
    answers = [result(starter) for starter in starters]
    assert sorted(answer["already"] for answer in answers) == [False] + [True] * 7
    assert len({answer["pid"] for answer in answers}) == 1
    stop(paths)


def test_eight_simultaneous_starts_that_crash_all_say_so(paths: Paths) -> None:
    starters = [spawn(command(paths, "start", "0", "crash")) for _ in range(8)]
    answers = [result(starter) for starter in starters]
    assert all("ended during start-up" in answer["error"] for answer in answers)
    assert {answer["exit"] for answer in answers} == {5}
    assert probe(paths).state is DaemonState.STOPPED


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_starter_killed_midway_leaves_a_healthy_daemon(
    paths: Paths, number: signal.Signals
) -> None:
    starter = spawn(command(paths, "start", "0", "slow"))
    pid = daemon_pid(paths)
    starter.send_signal(number)
    starter.communicate()
    eventually(lambda: probe(paths).state is DaemonState.RUNNING)
    joined = start(paths, tiny_launch(paths.state_dir))
    assert (joined.already, joined.instance.pid) == (True, pid)
    stop(paths)


def test_a_starter_killed_midway_leaves_nothing_of_a_daemon_that_crashes(paths: Paths) -> None:
    starter = spawn(command(paths, "start", "0", "slow-crash"))
    daemon_pid(paths)
    starter.kill()
    starter.communicate()
    assert lock.wait_until_free(paths.pid_file, seconds=20)
    assert probe(paths).state is DaemonState.STOPPED


def test_an_interrupted_starter_takes_its_daemon_with_it(paths: Paths) -> None:
    starter = spawn(command(paths, "start", "0", "hang"))
    eventually(lambda: instance.read(paths.state_file), "the daemon announced itself")
    starter.send_signal(signal.SIGINT)
    _, err = starter.communicate()
    assert b"KeyboardInterrupt" in err
    assert probe(paths).state is DaemonState.STOPPED


def test_a_proxy_in_its_start_up_can_be_stopped(paths: Paths) -> None:
    starter = spawn(command(paths, "start", "0", "hang"))
    eventually(lambda: instance.read(paths.state_file), "the daemon announced itself")
    assert probe(paths).state is DaemonState.STARTING
    assert stop(paths).was_running
    assert "killed by SIGTERM" in result(starter)["error"]
    assert probe(paths).state is DaemonState.STOPPED


def test_a_proxy_outlives_the_terminal_it_was_started_in(paths: Paths) -> None:
    shell, master = pty.fork()
    if shell == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, command(paths, "start"))  # noqa: S606 - a child by pty.fork
    said = b""
    while b'"pid"' not in said:
        said += os.read(master, 1000)
    os.close(master)
    os.waitpid(shell, 0)
    assert probe(paths).state is DaemonState.RUNNING
    assert stop(paths).killed is False


def test_another_process_stops_what_this_one_started(paths: Paths) -> None:
    pid = start(paths, tiny_launch(paths.state_dir)).instance.pid
    assert run(*command(paths, "stop")) == {"was_running": True, "killed": False}
    os.waitpid(pid, 0)
    assert run(*command(paths, "probe")) == {"state": "stopped"}


def test_two_simultaneous_stops_both_succeed(paths: Paths) -> None:
    pid = start(paths, tiny_launch(paths.state_dir, behave="drain")).instance.pid
    stoppers = [spawn(command(paths, "stop")) for _ in range(2)]
    answers = [result(stopper) for stopper in stoppers]
    os.waitpid(pid, 0)
    assert all("error" not in answer for answer in answers)
    assert probe(paths).state is DaemonState.STOPPED


def unshare(*options: str) -> list[str]:
    """The command prefix for new namespaces, or a skip where they are not to be had."""
    program = shutil.which("unshare")
    argv = [program or "", *([] if os.geteuid() == 0 else ["-r"]), *options]
    if program is None or subprocess.run([*argv, "true"], check=False).returncode != 0:
        pytest.skip(f"unshare {' '.join(options)} is not possible here")
    return argv


def test_from_another_pid_namespace_the_proxy_is_foreign_and_left_alone(paths: Paths) -> None:
    elsewhere = unshare("-pf", "--mount-proc")
    start(paths, tiny_launch(paths.state_dir))
    assert run(*elsewhere, *command(paths, "probe")) == {"state": "foreign"}
    for verb in ("stop", "start"):
        answer = run(*elsewhere, *command(paths, verb))
        assert answer["exit"] == 5
        assert "cannot be identified" in answer["error"]
    assert probe(paths).state is DaemonState.RUNNING
    stop(paths)


def on_a_mount(paths: Paths, options: str, prepare: str = "true") -> list[str]:
    """The command prefix that puts a file system with these options below the state directory."""
    script = f'mount -t tmpfs -o {options} none "$0" && {prepare} && exec "$@"'
    return [*unshare("-m"), "sh", "-c", script, str(paths.state_dir)]


def test_a_read_only_state_directory_is_named(paths: Paths) -> None:
    answer = run(*on_a_mount(paths, "ro"), *command(paths, "start"))
    assert answer["exit"] == 5
    assert "Read-only file system" in answer["error"]
    assert str(paths.state_dir) in answer["error"]


def test_a_full_disk_is_named_and_leaves_nothing_running(paths: Paths) -> None:
    fill = 'touch "$0/litellm.pid" "$0/litellm.log"; cat /dev/zero > "$0/full" 2>/dev/null || true'
    answer = run(*on_a_mount(paths, "size=16k", fill), *command(paths, "start"))
    assert answer["exit"] == 5
    assert "No space left on device" in answer["error"]


def test_a_disk_without_room_for_another_file_is_named(paths: Paths) -> None:
    answer = run(*on_a_mount(paths, "nr_inodes=1"), *command(paths, "start"))
    assert answer["exit"] == 5
    assert "No space left on device" in answer["error"]
