"""The first process, as a subreaper: it gets orphans without being process 1."""

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentbox_cli.supervise import pid_one
from tests.fakes.waiting import eventually

# PR_SET_CHILD_SUBREAPER (prctl(2)) makes orphans come to it.
AS_REAPER = """
import ctypes, os, runpy, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests may be run by nohup
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", AS_REAPER, pid_one.__file__, *words]


def begin(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(command(*words), stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill $$", 143)]
)
def test_the_status_is_the_programs(script: str, status: int) -> None:
    assert subprocess.run(command("sh", "-c", script), check=False).returncode == status


def test_a_program_that_is_not_there_is_told() -> None:
    done = subprocess.run(command("/no/such"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (127, "/no/such: No such file or directory\n")
    done = subprocess.run(command("/etc/passwd"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (126, "/etc/passwd: Permission denied\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on(number: signal.Signals) -> None:
    script = (
        f"trap 'exit 9' {number.name.removeprefix('SIG')}; echo ready; while :; do sleep 1; done"
    )
    with begin("sh", "-c", script) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(20) == 9


def test_orphans_are_buried_while_the_program_runs() -> None:
    script = "(true & echo $!) ; read line"
    with subprocess.Popen(
        command("sh", "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        orphan = int(process.stdout.readline())
        eventually(lambda: not Path(f"/proc/{orphan}").exists(), "the orphan is gone")
        assert process.poll() is None
        process.communicate("go\n")
        assert process.returncode == 0


def test_the_program_has_the_terminal() -> None:
    child, master = pty.fork()
    if child == 0:
        # Only the foreground group gets what the keyboard sends.
        words = command(
            "sh", "-c", "trap 'echo told; exit 5' INT; echo ready; while :; do sleep 0.1; done"
        )
        os.execv(words[0], words)  # noqa: S606 - a child by pty.fork
    said = b""
    while b"ready" not in said:
        said += os.read(master, 1000)
    os.write(master, b"\x03")
    while b"told" not in said:
        said += os.read(master, 1000)
    _, status = os.waitpid(child, 0)
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 5
    assert said.count(b"told") == 1


def test_the_program_may_read_from_the_terminal() -> None:
    child, master = pty.fork()
    if child == 0:
        # A group in the background would be stopped when it reads.
        words = command("sh", "-c", "echo ready; read line; echo got $line")
        os.execv(words[0], words)  # noqa: S606 - a child by pty.fork
    said = b""
    while b"ready" not in said:
        said += os.read(master, 1000)
    os.write(master, b"this\n")
    while b"got this" not in said:
        assert select.select([master], [], [], 20)[0], said
        said += os.read(master, 1000)
    _, status = os.waitpid(child, 0)
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 0


def test_it_keeps_nothing_open_that_the_program_was_given() -> None:
    reading, writing = os.pipe()
    script = f"import os, sys; os.close({writing}); sys.stdin.read()"
    process = subprocess.Popen(
        command(sys.executable, "-c", script),
        stdin=subprocess.PIPE,
        pass_fds=(writing,),
    )
    os.close(writing)
    assert select.select([reading], [], [], 20)[0], "somebody keeps it open"
    assert os.read(reading, 1) == b""
    os.close(reading)
    process.communicate(b"\n")
