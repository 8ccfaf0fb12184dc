"""What keeping usage costs: two daemons that differ in nothing else take turns; then reports."""

import sqlite3
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.providers.pricing import Counts
from agentbox_cli.usage.database import open_for_writing, place_of
from agentbox_cli.usage.queue import LONGEST_PAUSE_SECONDS, NOTE_SECONDS
from agentbox_cli.usage.record import CallRecord, RequestRecord
from agentbox_cli.usage.store import add
from benchmarks import ours
from benchmarks.commands import EMPTY, milliseconds
from benchmarks.figures import Figure, differences, of_pairs, of_rounds, ratios
from benchmarks.lineup import Effort
from benchmarks.load import drive, steadily
from benchmarks.processes import cpu_seconds, helper, private_directory, rss_mb, seconds_until
from benchmarks.startup import AGENTBOX, REQUESTS, RSS_MB
from benchmarks.wire import Connection, Target

ADDED_US = 30.0
REPORT_SECONDS = 1.0
STEADY_RATE = 1_000.0
TAIL_RATE = 500.0

# Short, and many: the machine's moods last longer than a pair, and so hit both alike.
_BLOCK = 10
_PAIRS_A_ROUND = 40
_WARM_UP = 200
_CLIENTS = 32
_ON, _OFF = "usage on", "usage off"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Daemon:
    pid: int
    target: Target
    database: Path


def capture(effort: Effort) -> Iterator[Figure]:
    """On and off, in turns."""
    with _pair() as pair:
        yield from _memory(pair)
        yield from _added(pair, effort)
        yield from _tails(pair, effort)
        yield from _cpu(pair, effort)
        yield from _steady(pair[_ON], effort)


def reports(effort: Effort) -> Iterator[Figure]:
    """Reports over many requests, by the command."""
    with private_directory() as directory:
        home = ours.Home(directory, provider_port=9)
        milliseconds("usage", home, _REPORT)  # compiles
        empty = [milliseconds("usage", home, _REPORT) for _ in range(effort.starts)]
        begun = time.perf_counter()
        _fill(home.paths.usage_database, effort.stored)
        filled = time.perf_counter() - begun
        yield Figure(
            name="requests written to the store", value=effort.stored / filled, unit="req/s"
        )
        many = [milliseconds("usage", home, _REPORT) for _ in range(effort.starts)]
        python = [milliseconds(EMPTY, home) for _ in range(effort.starts)]
    name = f"usage --by model, {effort.stored:,} requests"
    seconds = [each / 1_000 for each in many]
    yield of_rounds(name, seconds, "s", at_most=REPORT_SECONDS)
    yield of_rounds("usage --by model, none", [each / 1_000 for each in empty], "s")
    bare = differences(many, python)
    yield of_rounds(f"{name}, without Python's start", [each / 1_000 for each in bare], "s")


_REPORT = (str(AGENTBOX), "litellm", "usage", "--by", "model")


@contextmanager
def _pair() -> Iterator[Mapping[str, _Daemon]]:
    with private_directory() as directory, helper("provider") as provider:
        homes = {
            name: ours.Home(
                directory / name.replace(" ", "-"),
                provider.port,
                engine="off",
                counted=name == _ON,
            )
            for name in (_ON, _OFF)
        }
        with ours.running(homes[_ON]) as on, ours.running(homes[_OFF]) as off:
            yield {
                name: _Daemon(
                    pid=daemon.pid,
                    target=Target(port=daemon.port, model=ours.PLAIN),
                    database=homes[name].paths.usage_database,
                )
                for name, daemon in ((_ON, on), (_OFF, off))
            }


def _memory(pair: Mapping[str, _Daemon]) -> Iterator[Figure]:
    for name, daemon in pair.items():
        with Connection(daemon.target.port) as connection:
            for _ in range(REQUESTS):
                connection.ask(daemon.target.request())
        if name == _ON:
            seconds_until(
                lambda: _kept(pair[_ON].database) >= REQUESTS,
                begun=time.perf_counter(),
                limit=30.0,
            )
        yield Figure(
            name=f"RSS after {REQUESTS} requests: {name}",
            value=rss_mb(daemon.pid),
            unit="MB",
            at_most=RSS_MB,
        )


def _added(pair: Mapping[str, _Daemon], effort: Effort) -> Iterator[Figure]:
    """What one client's call takes longer, and what the event loop does for it, then or later."""
    medians: dict[str, list[float]] = {name: [] for name in pair}
    with (
        Connection(pair[_ON].target.port) as on,
        Connection(pair[_OFF].target.port) as off,
    ):
        turn = ((_ON, on), (_OFF, off))
        for name, connection in turn:
            _block(pair[name], connection, _WARM_UP)
        before = {name: cpu_seconds(daemon.pid) for name, daemon in pair.items()}
        pairs = effort.rounds * _PAIRS_A_ROUND
        for number in range(pairs):
            for name, connection in turn if number % 2 else reversed(turn):
                medians[name].append(_block(pair[name], connection, _BLOCK))
        time.sleep(NOTE_SECONDS * 2)  # what was put off is done
        loops = {name: cpu_seconds(daemon.pid) - before[name] for name, daemon in pair.items()}
    added = differences(medians[_ON], medians[_OFF])
    yield of_pairs("usage, added p50, 1 client", added, "us", at_most=ADDED_US)
    cpu = (loops[_ON] - loops[_OFF]) / (pairs * _BLOCK) * 1e6
    name = "usage, added CPU of the event loop, 1 client"
    yield Figure(name=name, value=cpu, unit="us", at_most=ADDED_US)


def _block(daemon: _Daemon, connection: Connection, calls: int) -> float:
    """The median of so many calls, in microseconds."""
    request = daemon.target.request()
    return statistics.median(connection.ask(request).whole_ms for _ in range(calls)) * 1_000


def _tails(pair: Mapping[str, _Daemon], effort: Effort) -> Iterator[Figure]:
    tails: dict[str, list[float]] = {name: [] for name in pair}
    for _ in range(max(3, effort.rounds // 8)):
        for name, daemon in pair.items():
            load = steadily(
                daemon.target.port, daemon.target.request(), rate=TAIL_RATE, seconds=effort.seconds
            )
            tails[name].append(statistics.quantiles(load.took_ms, n=100)[98])
    for name, values in tails.items():
        yield of_rounds(f"p99 at {TAIL_RATE:.0f} req/s: {name}", values, "ms")
    yield of_rounds("p99, on / off", ratios(tails[_ON], tails[_OFF]), "x")


def _cpu(pair: Mapping[str, _Daemon], effort: Effort) -> Iterator[Figure]:
    rates: dict[str, list[float]] = {name: [] for name in pair}
    costs: dict[str, list[float]] = {name: [] for name in pair}
    loops: dict[str, list[float]] = {name: [] for name in pair}
    for _ in range(max(3, effort.rounds // 8)):
        for name, daemon in pair.items():
            whole, loop = _all_threads(daemon.pid), cpu_seconds(daemon.pid)
            load = drive(
                daemon.target.port,
                daemon.target.request(),
                connections=_CLIENTS,
                seconds=effort.seconds,
            )
            rates[name].append(load.rate)
            costs[name].append((_all_threads(daemon.pid) - whole) / load.answered * 1e6)
            loops[name].append((cpu_seconds(daemon.pid) - loop) / load.answered * 1e6)
    yield of_rounds("32 clients, req/s, on / off", ratios(rates[_ON], rates[_OFF]), "x")
    for name in pair:
        yield of_rounds(f"CPU per call, all threads: {name}", costs[name], "us")
    added = differences(loops[_ON], loops[_OFF])
    yield of_rounds("CPU per call, the event loop alone, added", added, "us")


def _steady(daemon: _Daemon, effort: Effort) -> Iterator[Figure]:
    before = _settled(daemon.database)
    load = steadily(
        daemon.target.port,
        daemon.target.request(),
        rate=STEADY_RATE,
        seconds=effort.steady_seconds,
    )
    kept = _settled(daemon.database) - before
    name = f"{STEADY_RATE:.0f} req/s for {effort.steady_seconds:.0f} s"
    yield Figure(name=f"{name}: rows", value=kept, unit="calls", at_least=load.answered)
    missing = STEADY_RATE * effort.steady_seconds - kept
    yield Figure(name=f"{name}: missing", value=missing, unit="calls", at_most=0)
    p99 = statistics.quantiles(load.took_ms, n=100)[98]
    yield Figure(name=f"{name}: p99", value=p99, unit="ms")


def _all_threads(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) / 1e9


def _kept(database: Path) -> int:
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            return 0
        return int(connection.execute("SELECT count(*) FROM requests").fetchone()[0])


def _settled(database: Path) -> int:
    """How many there are when no more come."""
    known, now = -1, _kept(database)
    while known != now:
        time.sleep(2 * LONGEST_PAUSE_SECONDS)
        known, now = now, _kept(database)
    return now


def _fill(database: Path, number: int) -> None:
    engine = open_for_writing(place_of(None, database)).engine
    for start in range(0, number, 5_000):
        add(engine, [_request(n) for n in range(start, min(number, start + 5_000))], 1)
    engine.dispose()


def _request(number: int) -> RequestRecord:
    """One of a month: ten models, five aliases, four callers, one in ten fails over."""
    at = 1_795_608_000.0 + number * 2.5
    model = f"model-{number % 10}"
    calls = [_call(1, at, "openai", model, kind="throttle" if number % 10 == 0 else "")]
    if number % 10 == 0:
        calls.append(_call(2, at, "gwdg_saia", "llama-3.3-70b"))
    last = calls[-1]
    return RequestRecord(
        request_id=f"req_{number:024x}",
        at=at,
        alias=f"alias-{number % 5}",
        asked=f"alias-{number % 5}",
        endpoint="/v1/chat/completions",
        stream=bool(number % 2),
        status=200,
        outcome="answered",
        served_by=f"{last.provider}/{last.model}",
        first_link=f"openai/{model}",
        fell_back=len(calls) > 1,
        elapsed_ms=812.5,
        first_content_ms=230.0,
        caller=f"caller-{number % 4}",
        project="",
        pid=None,
        process=None,
        calls=tuple(calls),
    )


def _call(attempt: int, at: float, provider: str, model: str, *, kind: str = "") -> CallRecord:
    return CallRecord(
        attempt=attempt,
        at=at,
        link=attempt,
        provider=provider,
        model=model,
        lane="direct",
        status=429 if kind else 200,
        kind=kind,
        complete=not kind,
        cancelled=False,
        maybe_charged=False,
        elapsed_ms=400.0,
        first_content_ms=None if kind else 230.0,
        counts=Counts() if kind else Counts(fresh=900, cached=100, output=150),
        counted=not kind,
        tier="",
        raw_usage=None if kind else {"prompt_tokens": 1_000, "completion_tokens": 150},
    )
