"""Start a program that is wholly ours: it dies with us, and nothing of it outlives it."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agentbox_cli.supervise import shim
from agentbox_cli.supervise.remains import kill_remains

# A line is cut here: one provider's HTML error page must not fill the log.
LINE_LIMIT = 8 * 1024

_BLOCK = 64 * 1024
# What a program wrote before its end is in the pipe already; only a runaway keeps it open.
_LAST_WORDS_SECONDS = 1.0


class Child:
    """A program started by `spawn`."""

    def __init__(self, process: asyncio.subprocess.Process, output: asyncio.Task[None]) -> None:
        self.pid = process.pid
        self._process = process
        self._output = output
        self._ended = asyncio.create_task(self._end())

    async def wait(self) -> int:
        """Wait until it ended, with all that it started, and return its status."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace: float) -> None:
        """Ask it to end by SIGTERM; kill it after `grace` seconds, or when cancelled."""
        self._signal(signal.SIGTERM)
        try:
            # Not asyncio.timeout: in a task that is being cancelled, that of Python 3.11.2
            # (Debian 12) raises CancelledError at its end (measured).
            await asyncio.wait([self._ended], timeout=grace)
        except BaseException:
            self.kill()
            raise
        self.kill()
        await self.wait()

    def kill(self) -> None:
        """Kill it and the rest of its group at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    async def _end(self) -> int:
        status = await self._process.wait()
        await asyncio.to_thread(kill_remains, self.pid)
        await asyncio.wait([self._output], timeout=_LAST_WORDS_SECONDS)
        self._output.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._output
        return status


async def spawn(
    command: Sequence[str],
    *,
    environ: Mapping[str, str],
    directory: Path,
    on_line: Callable[[str], None],
) -> Child:
    """Start a program in a session of its own; the kernel kills it when this process ends.

    Args:
        command: the program's path and its arguments.
        environ: its environment, all of it.
        directory: its working directory.
        on_line: gets each line that it writes, to either output.

    Raises:
        OSError: it cannot be started.
    """
    if threading.current_thread() is not threading.main_thread():
        # The kernel takes the end of the thread that forked for the parent's (prctl(2)).
        raise RuntimeError("only the main thread may spawn")
    tied = [sys.executable, "-I", "-S", shim.__file__, str(os.getpid()), *command]
    # Pipes of asyncio's own would make wait() wait for whoever else holds them open.
    reading, writing = os.pipe()
    creation = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *tied,
            env=environ,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    )
    try:
        process = await _created(creation)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Child(process, asyncio.create_task(_read_lines(reading, on_line)))


async def _created(
    creation: asyncio.Future[asyncio.subprocess.Process],
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.shield(creation)
    except asyncio.CancelledError:
        # uvloop would leave the process behind (measured). A creation that fails must not take the
        # place of the cancellation: who cancelled waits for its end.
        with contextlib.suppress(Exception):
            process = await creation
            process.kill()
            await process.wait()
        raise


async def _read_lines(descriptor: int, on_line: Callable[[str], None]) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader),
        os.fdopen(descriptor, "rb", buffering=0),
    )
    held = b""
    try:
        while block := await reader.read(_BLOCK):
            *lines, rest = (held + block).split(b"\n")
            # More of an endless line than is shown need not be kept.
            held = rest[: LINE_LIMIT + 1]
            for line in lines:
                on_line(_text(line))
    finally:
        if held:
            on_line(_text(held))
        transport.close()


def _text(line: bytes) -> str:
    text = line[:LINE_LIMIT].decode("utf-8", "replace").rstrip("\r")
    return text + "…" if len(line) > LINE_LIMIT else text
