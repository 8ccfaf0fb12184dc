"""One keep-alive client: what a proxy adds to a call, and to the first content of a stream."""

import contextlib
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.figures import Figure, differences, of_rounds
from benchmarks.lineup import DIRECT, FLOOR, LITELLM, OURS, Lineup
from benchmarks.wire import Connection, Target, Timing

ADDED_MS = 0.6
ADDED_FIRST_MS = 1.0

UNARY_BLOCK = 25
LONG_BLOCK = 10
STREAM_BLOCK = 8
WARM_UP = 30
LONG_PROMPT = 100_000

Medians = Mapping[str, Mapping[int, float]]


def unary(lineup: Lineup) -> Iterator[Figure]:
    """Whole unary answers."""
    medians = _medians(lineup, lambda t: t.request(), _whole, UNARY_BLOCK)
    yield of_rounds("unary call, direct, p50", list(medians[DIRECT].values()), "ms")
    yield from _added(medians, "added p50, 1 client", ADDED_MS)
    # Coding agents send prompts of this size.
    longer = _medians(lineup, lambda t: t.request(padding=LONG_PROMPT), _whole, LONG_BLOCK)
    yield from _added(longer, "added p50, 100 kB prompt", None)


def stream(lineup: Lineup) -> Iterator[Figure]:
    """The first content of a stream."""
    medians = _medians(lineup, lambda t: t.request(stream=True), _first, STREAM_BLOCK)
    yield of_rounds("first streamed content, direct, p50", list(medians[DIRECT].values()), "ms")
    yield from _added(medians, "added to first streamed content, p50", ADDED_FIRST_MS)


def _added(medians: Medians, name: str, target: float | None) -> Iterator[Figure]:
    for who in (FLOOR, OURS, LITELLM):
        if who in medians:
            values = differences(*paired(medians, who, DIRECT))
            yield of_rounds(
                f"{name}: {who}", values, "ms", at_most=target if who == OURS else None
            )


def paired(medians: Medians, who: str, other: str) -> tuple[Sequence[float], Sequence[float]]:
    """The values of both in the rounds in which both took part."""
    both = sorted(medians[who].keys() & medians[other].keys())
    return [medians[who][n] for n in both], [medians[other][n] for n in both]


def _medians(
    lineup: Lineup,
    request: Callable[[Target], bytes],
    of: Callable[[Timing], float],
    block: int,
) -> Medians:
    """By server and round, the median of a block of calls."""
    medians: dict[str, dict[int, float]] = defaultdict(dict)
    rounds = lineup.effort.rounds
    with contextlib.ExitStack() as stack:
        requests = {name: request(target) for name, target in lineup.targets.items()}
        open_ = {
            name: stack.enter_context(Connection(target.port))
            for name, target in lineup.targets.items()
        }
        for name, connection in open_.items():
            for _ in range(WARM_UP):
                connection.ask(requests[name])
        for number in range(rounds):
            for name in lineup.round_of(number, rounds):
                timings = [of(open_[name].ask(requests[name])) for _ in range(block)]
                medians[name][number] = statistics.median(timings)
    return medians


def _whole(timing: Timing) -> float:
    return timing.whole_ms


def _first(timing: Timing) -> float:
    return timing.first_ms
