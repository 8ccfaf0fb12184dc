"""A thousand streams at once, a tenth of them cut in the middle: what the daemon holds afterwards.

Everything that a stream holds has to be given back: its tasks, its connections and its memory.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.proxy.crowds import REST_SECONDS
from benchmarks.figures import Figure
from benchmarks.ours import Home, running
from benchmarks.processes import (
    cpu_seconds,
    get,
    helper,
    most_rss_mb,
    private_directory,
    rss_mb,
)
from benchmarks.provider import CUT, SLOW
from benchmarks.wire import Target

STREAMS = 1_000
ROUNDS = 5
# The first rounds fill buffers and pools that stay; what comes after them must not add to it.
FIRST_ROUNDS = 2
ONE_IN = 10
MODELS = (SLOW, CUT)
SECONDS = 120.0
MAY_STAY_MB = 4.0
# No growth worth the name within this time means that everything is loaded.
LOADING_SECONDS = 5.0
LOADED_MB = 0.5
SETTLED_AFTER = 45.0
# What remains of a crowd is tidied up that long after its end.
RESTED_AFTER = REST_SECONDS + 10.0
STAYS_OF_START = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a daemon holds."""

    tasks: int
    files: int
    rss_mb: float


def held_by(pid: int, port: int) -> Held:
    """Ask the daemon, and the kernel."""
    status = json.loads(get(port, "/agentbox/status")[1])
    files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names will do
    return Held(tasks=status["tasks"], files=files, rss_mb=rss_mb(pid))


async def _grown_up(pid: int, port: int) -> Held:
    """What it holds once all is loaded that it loads after its start, the usage store among it."""
    now, earlier = held_by(pid, port), 0.0
    while now.rss_mb - earlier > LOADED_MB:
        earlier = now.rss_mb
        await asyncio.sleep(LOADING_SECONDS)
        now = held_by(pid, port)
    return now


async def settled(pid: int, port: int, before: Held) -> Held:
    """What it holds when it has given back the streams', or after a while."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SETTLED_AFTER
    now = held_by(pid, port)
    while loop.time() < until and (now.tasks > before.tasks or now.files > before.files):
        await asyncio.sleep(0.2)
        now = held_by(pid, port)
    return now


async def crowd(port: int, streams: int) -> int:
    """Ask for many streams at once; gives how many ended otherwise than they should."""
    ends = await asyncio.gather(*(_stream(port, number) for number in range(streams)))
    return ends.count(False)


async def _stream(port: int, number: int) -> bool:
    cut = number % ONE_IN == 0
    request = Target(port=port, model=CUT if cut else SLOW).request(stream=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(SECONDS):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"\r\n0\r\n\r\n") if b"chunked" in head else b""
    writer.close()
    await writer.wait_closed()
    broken, whole = b"upstream_stream_error" in body, b"[DONE]" in body
    return (broken and not whole) if cut else (whole and not broken)


async def rested(pid: int, port: int, before: Held) -> Held:
    """What it holds when it has tidied up, or should have."""
    loop = asyncio.get_running_loop()
    until = loop.time() + RESTED_AFTER
    enough = (1 + STAYS_OF_START) * before.rss_mb
    while loop.time() < until and rss_mb(pid) > enough:  # noqa: ASYNC110 - the kernel has no event
        await asyncio.sleep(1)
    return held_by(pid, port)


def cut_streams(
    streams: int = STREAMS, rounds: int = ROUNDS, *, rest: bool = True
) -> Iterator[Figure]:
    """Many streams at once, some cut: what is wrong, and what is left of them.

    Args:
        streams: how many at once.
        rounds: how often.
        rest: whether to wait for the memory to be given back.
    """
    with helper("provider") as provider, private_directory() as directory:
        home = Home(Path(directory), provider.port, engine="off", models=MODELS, cooldown=0)
        with running(home) as daemon:
            pid, port = daemon.identity.pid, daemon.port
            yield from asyncio.run(_rounds(pid, port, streams, rounds, rest=rest))


async def _rounds(pid: int, port: int, streams: int, rounds: int, *, rest: bool) -> list[Figure]:
    await crowd(port, 2 * ONE_IN)
    before = await _grown_up(pid, port)
    wrong, seen, busy = 0, [before], cpu_seconds(pid)
    for _ in range(rounds):
        wrong += await crowd(port, streams)
        seen.append(held_by(pid, port))
    first, last = seen[min(FIRST_ROUNDS, rounds)], await settled(pid, port, before)
    spent = (cpu_seconds(pid) - busy) * 1_000 / (streams * rounds)
    end = await rested(pid, port, before) if rest else last
    name = f"{streams} streams at once x {rounds}, one in {ONE_IN} cut"
    grown = last.rss_mb - first.rss_mb

    def figure(what: str, value: float, unit: str, at_most: float | None = None) -> Figure:
        return Figure(name=f"{name}: {what}", value=value, unit=unit, at_most=at_most)

    return [
        figure("ended otherwise than they should", wrong, "streams", 0),
        figure("tasks left", last.tasks - before.tasks, "tasks", 0),
        figure("files left", last.files - before.files, "files", 0),
        figure(f"memory over that of round {FIRST_ROUNDS}", grown, "MB", MAY_STAY_MB),
        figure("memory at the most, over the start", most_rss_mb(pid) - before.rss_mb, "MB"),
        figure("memory before", before.rss_mb, "MB"),
        figure("memory over the start", last.rss_mb - before.rss_mb, "MB"),
        figure(
            "memory that stays, of that of the start",
            100 * (end.rss_mb / before.rss_mb - 1),
            "%",
            100 * STAYS_OF_START if rest else None,
        ),
        figure("CPU of the daemon", spent, "ms/stream"),
    ]


if __name__ == "__main__":
    for figure in cut_streams():
        print(f"{figure.name}: {figure.value:.2f} {figure.unit}")
