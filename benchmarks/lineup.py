"""All that is measured side by side: the same provider, direct and behind each proxy."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import bare, ours
from benchmarks.processes import helper, private_directory
from benchmarks.wire import Target

DIRECT, FLOOR, OURS, LITELLM = "direct", "floor", "ours", "litellm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is measured.

    Args:
        rounds: of paired measurements.
        seconds: of load in each round, for each server.
        starts: of the daemon, and of each command.
        litellm_rounds: as `rounds`, for LiteLLM, which is slow; 0 leaves it out.
        kills: of the daemon.
        steady_seconds: of a steady load.
        stored: requests in the database that is reported on.
    """

    rounds: int
    seconds: float
    starts: int
    litellm_rounds: int
    kills: int
    steady_seconds: float
    stored: int


USUAL = Effort(
    rounds=40,
    seconds=2.0,
    starts=9,
    litellm_rounds=6,
    kills=20,
    steady_seconds=60.0,
    stored=1_000_000,
)
QUICK = Effort(
    rounds=8,
    seconds=0.5,
    starts=3,
    litellm_rounds=0,
    kills=3,
    steady_seconds=2.0,
    stored=20_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineup:
    """The running servers.

    Args:
        provider_port: where calls are counted.
        targets: by name, in the order of the table.
        pids: by the same names.
        effort: how much is measured.
    """

    provider_port: int
    targets: dict[str, Target]
    pids: dict[str, int]
    effort: Effort

    def round_of(self, number: int, rounds: int) -> list[str]:
        """Who takes part in a round, in an order that changes; LiteLLM is not in every one."""
        names = [name for name in self.targets if name != LITELLM]
        shift = number % len(names)
        order = names[shift:] + names[:shift]
        is_turn = number % max(1, rounds // max(1, self.effort.litellm_rounds)) == 0
        return [*order, LITELLM] if LITELLM in self.targets and is_turn else order


@contextmanager
def line_up(effort: Effort) -> Iterator[Lineup]:
    """Start everything, and end it with the block."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(private_directory())
        provider = stack.enter_context(helper("provider"))
        floor = stack.enter_context(helper("floor", f"http://127.0.0.1:{provider.port}"))
        # The engine serves other protocols than the one measured; idle, it would only add noise.
        home = ours.Home(directory / OURS, provider.port, limited=effort.rounds, engine="off")
        daemon = stack.enter_context(ours.running(home))
        targets = {
            DIRECT: Target(port=provider.port, model="echo"),
            FLOOR: Target(port=floor.port, model="echo"),
            OURS: Target(port=daemon.port, model=ours.PLAIN),
        }
        pids = {DIRECT: provider.pid, FLOOR: floor.pid, OURS: daemon.pid}
        if effort.litellm_rounds:
            running = bare.running(
                directory / LITELLM, provider.port, limited=effort.litellm_rounds
            )
            litellm = stack.enter_context(running)
            targets[LITELLM], pids[LITELLM] = litellm.target, litellm.pid
        yield Lineup(provider_port=provider.port, targets=targets, pids=pids, effort=effort)
