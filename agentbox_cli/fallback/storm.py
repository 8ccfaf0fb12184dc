"""Which call fails in chaos, and how: by chance, and the same each time for the same seed."""

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from agentbox_cli.fallback.acting import FINE, fault_of
from agentbox_cli.fallback.scenarios import FAILURES, Scenario
from agentbox_cli.providers.resolved import Chain
from agentbox_cli.simulate.faults import Fault

# What passes within seconds; a refused key would end all variety for ten minutes.
USUAL = (
    Scenario.RATE_LIMIT,
    Scenario.SERVER_ERROR,
    Scenario.OVERLOADED,
    Scenario.CONTEXT_WINDOW,
    Scenario.TIMEOUT,
    Scenario.CLOSED,
    Scenario.CUT,
    Scenario.HTML,
    Scenario.ERROR_IN_200,
    Scenario.CUT_LATE,
)
# A port cannot be closed for one call only.
PLAYABLE = tuple(failure for failure in FAILURES if failure is not Scenario.REFUSED)

_RETRY_AFTER = {"retry-after": "3"}


class Storm:
    """Decides over each call.

    Args:
        breakable: the deployments that may fail.
        rate: how likely a call to one of them does.
        failures: in which ways.
        seed: the same for the same storm; each deployment has a sequence of its own.
    """

    def __init__(
        self,
        breakable: Collection[str],
        *,
        rate: float,
        failures: Sequence[Scenario],
        seed: int,
    ) -> None:
        self._rate = rate
        self._failures = failures
        # Not for secrets: a storm that can be had again is the point.
        self._dice = {name: random.Random(f"{seed} {name}") for name in breakable}  # noqa: S311

    def fault(self, deployment: str) -> Fault:
        """What the next call to a deployment meets."""
        dice = self._dice.get(deployment)
        if dice is None or dice.random() >= self._rate:
            return FINE
        failure = dice.choice(self._failures)
        fault = fault_of(failure, translated=True)
        return replace(fault, headers=_RETRY_AFTER) if failure is Scenario.RATE_LIMIT else fault


def breakable(chains: Iterable[Chain]) -> set[str]:
    """The deployments that may fail: those that no chain ends with, so that somebody answers.

    A chain of which all links stand last elsewhere gives its first one.
    """
    chains = list(chains)
    last = {chain.links[-1].deployment.name for chain in chains}
    found = set()
    for chain in chains:
        names = [link.deployment.name for link in chain.links[:-1]]
        free = [name for name in names if name not in last]
        found |= set(free or names[:1])
    return found
