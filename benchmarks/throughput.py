"""32 keep-alive clients: requests per second, in rounds that take turns."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure, of_rounds, ratios
from benchmarks.latency import paired
from benchmarks.lineup import DIRECT, FLOOR, LITELLM, OURS, Lineup
from benchmarks.load import Load, drive
from benchmarks.processes import cpu_seconds

CLIENTS = 32
RATE = 2_500.0
SHARE_OF_FLOOR = 0.5
# The generator is no bottleneck while it asks the provider directly this many times faster.
HEADROOM = 3.0

# Closed connections may still be noticed by the server before the next one is measured.
_PAUSE_SECONDS = 0.2
_ROUNDS_SHARE = 5


def requests_per_second(lineup: Lineup) -> Iterator[Figure]:
    """Rates, and ours as a share of the floor's."""
    rounds = max(3, lineup.effort.rounds // _ROUNDS_SHARE)
    measured = _rounds(lineup, rounds)
    rates = _by_name(measured, lambda sample: sample.load.rate)
    for name, values in rates.items():
        at_least = RATE if name == OURS else None
        yield of_rounds(f"32 clients: {name}", list(values.values()), "req/s", at_least=at_least)
    share = ratios(*paired(rates, OURS, FLOOR))
    yield of_rounds("32 clients: ours / floor", share, "x", at_least=SHARE_OF_FLOOR)
    costs = _by_name(measured, lambda sample: sample.cpu_us)
    for name, values in costs.items():
        yield of_rounds(f"CPU per call: {name}", list(values.values()), "us")
    yield of_rounds("CPU per call: ours / floor", ratios(*paired(costs, OURS, FLOOR)), "x")
    headroom = ratios(*paired(rates, DIRECT, OURS))
    yield of_rounds("32 clients: direct / ours (generator)", headroom, "x", at_least=HEADROOM)
    failed = sum(sample.load.failed for sample in measured)
    yield Figure(
        name="32 clients: answers that were no 200", value=failed, unit="calls", at_most=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    name: str
    number: int
    load: Load
    cpu_us: float


def _rounds(lineup: Lineup, rounds: int) -> list[_Sample]:
    samples = []
    for number in range(rounds):
        for name in lineup.round_of(number, rounds):
            samples.append(_sample(lineup, name, number))
            time.sleep(_PAUSE_SECONDS)
    return samples


def _sample(lineup: Lineup, name: str, number: int) -> _Sample:
    target, pid = lineup.targets[name], lineup.pids[name]
    before = cpu_seconds(pid)
    load = drive(target.port, target.request(), connections=CLIENTS, seconds=lineup.effort.seconds)
    used = cpu_seconds(pid) - before
    return _Sample(name=name, number=number, load=load, cpu_us=used / load.answered * 1e6)


def _by_name(
    samples: Sequence[_Sample], of: Callable[[_Sample], float]
) -> dict[str, dict[int, float]]:
    values: dict[str, dict[int, float]] = {}
    for name in (DIRECT, FLOOR, OURS, LITELLM):
        mine = {sample.number: of(sample) for sample in samples if sample.name == name}
        if mine:
            values[name] = mine
    return values
