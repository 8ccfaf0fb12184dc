"""What a link that is left alone costs, and how often it is called; the evidence is the counts."""

import statistics
import time
from collections.abc import Iterator

from benchmarks.figures import Figure, differences, of_rounds
from benchmarks.lineup import OURS, Lineup
from benchmarks.ours import ALL_LIMITED, BRIEF, BROKEN, PLAIN, STEADY
from benchmarks.processes import calls
from benchmarks.provider import BRIEF_SECONDS
from benchmarks.wire import Connection, Target

ADDED_MS = 0.1
CALLS_FOR_A_500 = 2
BLOCK = 25
WARM_UP = 30
LATER_CALLS = 50
PER_SECOND = 100
# Half a cooldown more than four of them: no probe falls on the end.
PROBING_SECONDS = 4.5 * BRIEF_SECONDS
LIMITED = 429


def cooling(lineup: Lineup) -> Iterator[Figure]:
    """Steady state with a first link that cools, its probes, and chains that cool as a whole."""
    with Connection(lineup.targets[OURS].port) as connection:
        yield from _steady(lineup, connection)
        yield from _probes(lineup, connection)
        yield from _all_limited(lineup, connection)
        yield from _broken(lineup, connection)


def _steady(lineup: Lineup, connection: Connection) -> Iterator[Figure]:
    plain, steady = _request(lineup, PLAIN), _request(lineup, STEADY)
    for request in [steady, plain] * WARM_UP:
        connection.ask(request)
    before = _calls(lineup, STEADY)
    medians: dict[bytes, list[float]] = {plain: [], steady: []}
    for _ in range(lineup.effort.rounds):
        for request, values in medians.items():
            block = [connection.ask(request).whole_ms for _ in range(BLOCK)]
            values.append(statistics.median(block))
    added = differences(medians[steady], medians[plain])
    yield of_rounds("first link cools, added p50: ours", added, "ms", at_most=ADDED_MS)
    made = _calls(lineup, STEADY) - before
    yield _count("first link cools, calls to it", made, at_most=0)


def _probes(lineup: Lineup, connection: Connection) -> Iterator[Figure]:
    """A link that answers 429 each time, asked for by many more requests than it may get."""
    request, asked = _request(lineup, BRIEF), 0
    begun = time.perf_counter()
    while (now := time.perf_counter()) < begun + PROBING_SECONDS:
        connection.ask(request)
        asked += 1
        time.sleep(max(begun + asked / PER_SECOND - now, 0))
    cooldowns = int(PROBING_SECONDS / BRIEF_SECONDS)
    yield _count(f"requests in {cooldowns} cooldowns of {BRIEF_SECONDS} s", asked)
    probes = _calls(lineup, BRIEF) - 1
    yield _count("probes of a rate-limited link, per cooldown", probes / cooldowns, at_most=1)


def _all_limited(lineup: Lineup, connection: Connection) -> Iterator[Figure]:
    request = _request(lineup, ALL_LIMITED)
    connection.ask(request, expect=LIMITED)
    before = _calls(lineup, ALL_LIMITED)
    for _ in range(LATER_CALLS):
        connection.ask(request, expect=LIMITED)
    made = _calls(lineup, ALL_LIMITED) - before
    yield _count(f"all links cool for 429, calls in {LATER_CALLS} requests", made, at_most=0)


def _broken(lineup: Lineup, connection: Connection) -> Iterator[Figure]:
    request = _request(lineup, BROKEN)
    connection.ask(request)
    first = _calls(lineup, BROKEN)
    yield _count("500, calls to the link in the first request", first, at_most=CALLS_FOR_A_500)
    for _ in range(LATER_CALLS):
        connection.ask(request)
    made = _calls(lineup, BROKEN) - first
    yield _count(f"500, calls to it in the next {LATER_CALLS} requests", made, at_most=0)


def _request(lineup: Lineup, alias: str) -> bytes:
    return Target(port=lineup.targets[OURS].port, model=alias).request()


def _calls(lineup: Lineup, alias: str) -> int:
    """Calls that the failing links of an alias have got."""
    counts = calls(lineup.provider_port)
    return sum(count for model, count in counts.items() if model.startswith(alias))


def _count(name: str, value: float, at_most: float | None = None) -> Figure:
    return Figure(name=name, value=value, unit="calls", at_most=at_most)
