from collections import Counter

import pytest

from agentbox_cli.fallback.acting import FINE
from agentbox_cli.fallback.scenarios import FAILURES, TRAITS, Rest, Scenario
from agentbox_cli.fallback.storm import PLAYABLE, USUAL, Storm, breakable
from agentbox_cli.simulate.faults import Fault, FaultKind
from tests.fallback.conftest import MakeChain

CALLS = 2_000


def storm(rate: float = 0.3, seed: int = 1, *failures: Scenario) -> Storm:
    return Storm({"a/1", "b/2"}, rate=rate, failures=failures or USUAL, seed=seed)


def faults(of: Storm, name: str = "a/1", number: int = CALLS) -> list[Fault]:
    return [of.fault(name) for _ in range(number)]


def test_so_many_calls_fail_as_were_asked_for() -> None:
    for rate in (0.0, 0.3, 1.0):
        failed = sum(fault.kind is not FaultKind.NONE for fault in faults(storm(rate)))
        assert failed == pytest.approx(rate * CALLS, abs=100)


def test_the_ways_change() -> None:
    met = Counter(str(fault) for fault in faults(storm(1.0)))
    assert len(met) == len(USUAL)
    assert min(met.values()) > CALLS / len(USUAL) / 2


def test_a_seed_gives_the_same_storm_whatever_is_called_between() -> None:
    alone, beside = storm(), storm()
    expected = faults(alone, number=50)
    met = []
    for _ in range(50):
        met.append(beside.fault("a/1"))
        beside.fault("b/2")
    assert met == expected
    assert faults(storm(seed=2), number=50) != expected


def test_a_link_that_must_not_break_does_not() -> None:
    assert set(map(str, faults(storm(1.0), "c/3", 20))) == {str(FINE)}


def test_a_rate_limit_passes_within_seconds() -> None:
    (met,) = {str(fault.headers) for fault in faults(storm(1.0, 1, Scenario.RATE_LIMIT))}
    assert met == str({"retry-after": "3"})


def test_what_a_storm_usually_does_passes_soon() -> None:
    assert all(TRAITS[failure].rest_s <= 60 for failure in USUAL)
    assert not any(TRAITS[failure].rest is Rest.PROVIDER for failure in USUAL)


def test_every_failure_but_a_closed_port_can_be_asked_for() -> None:
    assert set(FAILURES) - set(PLAYABLE) == {Scenario.REFUSED}
    for failure in PLAYABLE:
        assert faults(storm(1.0, 1, failure), number=1) != [FINE]


@pytest.mark.parametrize(
    ("chains", "expected"),
    [
        ([("a/1", "b/2", "c/3")], {"a/1", "b/2"}),
        ([("a/1", "b/2"), ("b/2", "c/3")], {"a/1", "b/2"}),
        ([("a/1", "b/2", "c/3"), ("c/3", "b/2")], {"a/1", "c/3"}),
        ([("a/1", "b/2"), ("b/2", "a/1")], {"a/1", "b/2"}),
        ([("a/1",)], set()),
    ],
)
def test_what_no_chain_ends_with_may_break(
    chain_of: MakeChain, chains: list[tuple[str, ...]], expected: set[str]
) -> None:
    assert breakable(chain_of(*names) for names in chains) == expected
