"""Real children: what they inherit, how they end, and that nothing of them stays."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from agentbox_cli.supervise import shim
from agentbox_cli.supervise.remains import session_of
from agentbox_cli.supervise.spawn import LINE_LIMIT, Child, spawn
from tests.fakes import tiny_parent
from tests.fakes.processes import lives
from tests.fakes.waiting import eventually

WAITS = "import time; print('up', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
WITH_CHILD = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True);"
)


class Heard:
    """What a child said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.something = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self.something.set()


async def python(code: str, heard: Callable[[str], None], *, directory: Path) -> Child:
    return await spawn(
        [sys.executable, "-c", code], environ={"MINE": "1"}, directory=directory, on_line=heard
    )


async def first_line(heard: Heard) -> str:
    await asyncio.wait_for(heard.something.wait(), 20)
    return heard.lines[0]


async def test_a_child_says_lines_and_ends_with_a_status(tmp_path: Path) -> None:
    heard = Heard()
    code = "import sys; print('one\\ntwo'); sys.stderr.write('three'); sys.exit(5)"
    child = await python(code, heard, directory=tmp_path)
    assert await child.wait() == 5
    assert sorted(heard.lines) == ["one", "three", "two"]


async def test_a_child_has_the_given_environment_and_place_and_no_input(tmp_path: Path) -> None:
    heard = Heard()
    code = "import os, sys; print(sorted(os.environ), os.getcwd(), sys.stdin.read(), os.getsid(0))"
    child = await python(code, heard, directory=tmp_path)
    await child.wait()
    # Python itself sets LC_CTYPE where nothing names a locale.
    said = heard.lines[0].replace("'LC_CTYPE', ", "")
    assert said == f"['MINE'] {tmp_path}  {child.pid}"


async def test_a_child_inherits_no_open_file(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(lock, True)
    heard = Heard()
    try:
        child = await python(
            "import os; print(sorted(os.listdir('/proc/self/fd')))", heard, directory=tmp_path
        )
        await child.wait()
    finally:
        os.close(lock)
    # The fourth is the directory that is being listed.
    assert heard.lines == ["['0', '1', '2', '3']"]


async def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    heard = Heard()
    child = await python("print('x' * 1_000_000); print('end')", heard, directory=tmp_path)
    await child.wait()
    assert heard.lines == ["x" * LINE_LIMIT + "…", "end"]


async def test_a_child_ends_when_asked_to(tmp_path: Path) -> None:
    heard = Heard()
    child = await python(WAITS, heard, directory=tmp_path)
    await first_line(heard)
    await child.stop(20)
    assert await child.wait() == -signal.SIGTERM


async def test_a_child_that_will_not_end_is_killed(tmp_path: Path) -> None:
    heard = Heard()
    child = await python(DEAF, heard, directory=tmp_path)
    await first_line(heard)
    await child.stop(0.1)
    assert await child.wait() == -signal.SIGKILL


async def test_a_child_is_killed_when_nobody_waits_for_its_end_any_more(tmp_path: Path) -> None:
    heard = Heard()
    child = await python(DEAF, heard, directory=tmp_path)
    await first_line(heard)
    stopping = asyncio.create_task(child.stop(600))
    await asyncio.sleep(0)
    stopping.cancel()
    assert await child.wait() == -signal.SIGKILL


async def test_stopping_what_ended_does_nothing(tmp_path: Path) -> None:
    child = await python("", Heard(), directory=tmp_path)
    await child.wait()
    await child.stop(20)
    child.kill()


@pytest.mark.parametrize("then", ["time.sleep(600)", "sys.exit(3)"], ids=["stopped", "crashed"])
async def test_grandchildren_end_too(tmp_path: Path, then: str) -> None:
    heard = Heard()
    child = await python(WITH_CHILD + then, heard, directory=tmp_path)
    grandchild = int(await first_line(heard))
    if "exit" not in then:
        await child.stop(20)
    await child.wait()
    assert not lives(grandchild)
    assert session_of(child.pid) == []


async def test_a_grandchild_outside_the_group_ends_too(tmp_path: Path) -> None:
    heard = Heard()
    code = WITH_CHILD.replace("'])", "'], process_group=0)") + "time.sleep(600)"
    child = await python(code, heard, directory=tmp_path)
    grandchild = int(await first_line(heard))
    await child.stop(20)
    assert not lives(grandchild)


async def test_a_program_that_is_not_there_ends_at_once(tmp_path: Path) -> None:
    heard = Heard()
    child = await spawn(["/not/there"], environ={}, directory=tmp_path, on_line=heard)
    assert await child.wait() == 127
    assert heard.lines == ["/not/there: No such file or directory"]


async def test_a_place_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await python("", Heard(), directory=tmp_path / "nowhere")


LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_a_spawn_that_is_cancelled_leaves_nothing(
    tmp_path: Path, turns: int, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    mark = str(tmp_path / "mark")

    async def cancel_after_some_turns() -> None:
        quiet = f"import time; time.sleep(600) # {mark}"
        spawning = asyncio.create_task(python(quiet, print, directory=tmp_path))
        for _ in range(turns):
            await asyncio.sleep(0)
        if spawning.done():
            await spawning.result().stop(0)
            return
        spawning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await spawning

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(cancel_after_some_turns())
    eventually(lambda: not list(running_with(mark)), "the end of what was spawned")


async def test_only_the_main_thread_may_spawn(tmp_path: Path) -> None:
    def elsewhere() -> None:
        asyncio.run(python("", print, directory=tmp_path))

    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(elsewhere)


def test_it_works_on_uvloop(tmp_path: Path) -> None:
    async def whole_life() -> tuple[list[str], int]:
        heard = Heard()
        child = await python(WAITS, heard, directory=tmp_path)
        await first_line(heard)
        await child.stop(20)
        return heard.lines, await child.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(whole_life()) == (["up"], -signal.SIGTERM)


def test_a_killed_parent_takes_its_child_with_it(tmp_path: Path) -> None:
    # A program that writes nothing: one that does would notice the closed pipe.
    with parent_of(["/bin/sleep", "600"], tmp_path) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            eventually(lambda: b"-I" not in command_of(child), "the exec after the shim")
        finally:
            parent.kill()
        eventually(lambda: not lives(child), "the child's end")


def test_a_shim_whose_parent_is_gone_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    ended = subprocess.run([sys.executable, shim.__file__, "1", "/bin/touch", mark], check=False)
    assert (ended.returncode, mark.exists()) == (126, False)


def command_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def parent_of(command: list[str], directory: Path) -> subprocess.Popen[str]:
    root = Path(tiny_parent.__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, tiny_parent.__file__, *command],
        cwd=directory,
        env={"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )


def running_with(mark: str) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and lives(int(entry.name)):
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in command:
                yield int(entry.name)


@pytest.mark.parametrize("turns", range(4))
async def test_a_spawn_that_fails_while_it_is_cancelled_is_cancelled(
    tmp_path: Path, turns: int
) -> None:
    command = [sys.executable, "\0"]  # no process can have such an argument
    spawning = asyncio.create_task(
        spawn(command, environ={}, directory=tmp_path, on_line=lambda _: None)
    )
    for _ in range(turns):
        await asyncio.sleep(0)
    if spawning.cancel():
        with pytest.raises(asyncio.CancelledError):
            await spawning
    else:
        with pytest.raises(ValueError, match="embedded null"):
            await spawning
