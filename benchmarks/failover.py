"""A rate-limited first link: what the call that meets it pays, and that no later call does.

Each sample has an alias and a first link of its own, so every one of them is a first failure with
a real cooldown behind it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from benchmarks.figures import Figure, differences, of_rounds
from benchmarks.lineup import LITELLM, OURS, Lineup
from benchmarks.processes import calls
from benchmarks.wire import Connection

ADDED_MS = 2.0
LATER_CALLS = 5
WARM_UP = 30


def on_rate_limit(lineup: Lineup) -> Iterator[Figure]:
    """Failover from a 429, ours and LiteLLM's."""
    yield from _figures(lineup, OURS, lineup.effort.rounds, at_most=ADDED_MS)
    if LITELLM in lineup.targets:
        yield from _figures(lineup, LITELLM, lineup.effort.litellm_rounds, at_most=None)


def _figures(lineup: Lineup, name: str, samples: int, at_most: float | None) -> Iterator[Figure]:
    before = calls(lineup.provider_port)
    plain, failing = _timed(lineup, name, samples)
    added = differences(failing, plain)
    yield of_rounds(f"429, added to the failing call: {name}", added, "ms", at_most=at_most)
    after = calls(lineup.provider_port)
    made = _limited_calls(after) - _limited_calls(before)
    yield Figure(
        name=f"429, calls to the cooling link afterwards: {name}",
        value=made - samples,
        unit="calls",
        at_most=0 if at_most is not None else None,
    )


def _timed(lineup: Lineup, name: str, samples: int) -> tuple[list[float], list[float]]:
    """Milliseconds of a plain call and of a first failing one, in turns; more calls follow."""
    target = lineup.targets[name]
    plain, failing = [], []
    with Connection(target.port) as connection:
        for _ in range(WARM_UP):
            connection.ask(target.request())
        for number in range(samples):
            limited = replace(target, model=f"limited-{number}").request()
            plain.append(connection.ask(target.request()).whole_ms)
            failing.append(connection.ask(limited).whole_ms)
            for _ in range(LATER_CALLS):
                connection.ask(limited)
    return plain, failing


def _limited_calls(counts: Mapping[str, int]) -> int:
    return sum(count for model, count in counts.items() if model.startswith("limited"))
