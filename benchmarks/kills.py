"""The daemon killed while it is busy: what of its usage is missing afterwards."""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from agentbox_cli.paths import Paths
from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.recent import read_recent
from benchmarks import ours
from benchmarks.figures import Figure
from benchmarks.lineup import Effort
from benchmarks.processes import helper, private_directory
from benchmarks.wire import Connection, Target

CLIENTS = 4
# After the first answer; in the beginning the database is not open yet.
FIRST, LAST = 0.05, 1.5
MISSING_MS = 100.0

_REQUEST_ID = re.compile(rb"\r\nx-agentbox-request-id: (\S+)", re.IGNORECASE)


@dataclass(slots=True)
class Told:
    """What the clients were told: request ids, with the time of their answer.

    Args:
        answered: time by id.
    """

    answered: dict[str, float] = field(default_factory=dict)

    def ask(self, target: Target) -> None:
        """Ask until the connection breaks."""
        request = target.request()
        with suppress(OSError), Connection(target.port) as connection:
            while True:
                found = _REQUEST_ID.search(connection.ask(request).raw)
                assert found is not None
                self.answered[found[1].decode()] = time.perf_counter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What one kill cost.

    Args:
        answered: how many requests were answered before it.
        missing_ms: how long before the kill each was answered that is nowhere now.
        sound: whether the database is whole, and its sums are those of its rows.
    """

    answered: int
    missing_ms: Sequence[float]
    sound: bool


def kills(effort: Effort) -> Iterator[Figure]:
    """Kill it again and again, in one home."""
    with private_directory() as directory, helper("provider") as provider:
        home = ours.Home(directory, provider.port, engine="off")
        killed = [kill(home, seconds) for seconds in moments(effort.kills)]
    missing = [age for each in killed for age in each.missing_ms]
    name = f"kill -9, {effort.kills} times"
    yield Figure(
        name=f"{name}: requests before", value=sum(each.answered for each in killed), unit="calls"
    )
    yield Figure(
        name=f"{name}: oldest that is missing",
        value=max(missing, default=0.0),
        unit="ms",
        at_most=MISSING_MS,
    )
    unsound = sum(not each.sound for each in killed)
    yield Figure(name=f"{name}: databases not whole", value=unsound, unit="calls", at_most=0)


def moments(number: int) -> list[float]:
    """When to kill, in seconds after the first answer."""
    return [FIRST + (LAST - FIRST) * n / max(1, number - 1) for n in range(number)]


def kill(home: ours.Home, seconds: float) -> Killed:
    """Start the daemon, keep it busy for a while, kill it, and look at what it left."""
    daemon = home.start()
    told = Told()
    target = Target(port=daemon.port, model=ours.PLAIN)
    clients = [threading.Thread(target=told.ask, args=(target,)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    while not told.answered:
        time.sleep(0.001)
    time.sleep(seconds)
    killed_at = time.perf_counter()
    os.kill(daemon.pid, signal.SIGKILL)
    for client in clients:
        client.join()
    home.stop()
    kept = _kept(home.paths)
    missing = [(killed_at - at) * 1_000 for name, at in told.answered.items() if name not in kept]
    return Killed(
        answered=len(told.answered),
        missing_ms=missing,
        sound=_is_sound(home.paths.usage_database),
    )


def _kept(paths: Paths) -> set[str]:
    files = (Journal(paths.usage_journal).read(), read_recent(paths.usage_recent))
    kept = {record.request_id for record in chain(*files) if record is not None}
    database = paths.usage_database
    if database.exists():
        with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.OperationalError):
            # A database that has no tables yet has nothing.
            kept.update(name for (name,) in connection.execute("SELECT request_id FROM requests"))
    return kept


def _is_sound(database: Path) -> bool:
    if not database.exists():
        return True
    with closing(sqlite3.connect(database)) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return False
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return True
        rows = connection.execute("SELECT count(*) FROM requests").fetchone()
        sums = connection.execute("SELECT coalesce(sum(requests), 0) FROM totals").fetchone()
        return bool(rows == sums)
