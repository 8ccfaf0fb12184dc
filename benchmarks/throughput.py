"""32 keep-alive clients: requests per second, in rounds that take turns."""

import time
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.figures import Figure, of_rounds, ratios
from benchmarks.latency import paired
from benchmarks.lineup import DIRECT, FLOOR, LITELLM, OURS, Lineup
from benchmarks.load import drive

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
    rates: dict[str, dict[int, float]] = defaultdict(dict)
    failed = 0
    rounds = max(3, lineup.effort.rounds // _ROUNDS_SHARE)
    for number in range(rounds):
        for name in lineup.round_of(number, rounds):
            target = lineup.targets[name]
            load = drive(
                target.port,
                target.request(),
                connections=CLIENTS,
                seconds=lineup.effort.seconds,
            )
            rates[name][number] = load.rate
            failed += load.failed
            time.sleep(_PAUSE_SECONDS)
    for name in (DIRECT, FLOOR, OURS, LITELLM):
        if name in rates:
            values = list(rates[name].values())
            at_least = RATE if name == OURS else None
            yield of_rounds(f"32 clients: {name}", values, "req/s", at_least=at_least)
    share = ratios(*paired(rates, OURS, FLOOR))
    yield of_rounds("32 clients: ours / floor", share, "x", at_least=SHARE_OF_FLOOR)
    headroom = ratios(*paired(rates, DIRECT, OURS))
    yield of_rounds("32 clients: direct / ours (generator)", headroom, "x", at_least=HEADROOM)
    yield Figure(
        name="32 clients: answers that were no 200", value=failed, unit="calls", at_most=0
    )
