import json
from dataclasses import asdict

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.simulate.faults import (
    BUILT_IN,
    DOWN,
    HANGING,
    RATE_LIMITED,
    Fault,
    FaultKind,
    FaultTable,
)

ONCE = Fault(status=500, times=1)


def test_faults_are_met_in_order_and_used_up() -> None:
    table = FaultTable()
    table.put("a/m", Fault(status=429, times=2), ONCE)
    met = [table.take("a/m", None) for _ in range(4)]
    assert [fault and fault.status for fault in met] == [429, 429, 500, None]


def test_a_fault_without_times_stays() -> None:
    table = FaultTable()
    table.put("a/m", ONCE, DOWN)
    met = [table.take("a/m", None) for _ in range(3)]
    assert met == [ONCE, DOWN, DOWN]


def test_parallel_checks_do_not_meet_each_others_faults() -> None:
    table = FaultTable()
    table.put("a/m", ONCE, check="one")
    assert table.take("a/m", "two") is None
    assert table.take("a/m", None) is None
    assert table.take("a/m", "one") == ONCE


def test_a_checks_own_fault_comes_before_everybodys() -> None:
    table = FaultTable()
    table.put("a/m", DOWN)
    table.put("a/*", HANGING, check="one")
    assert table.take("a/m", "one") == HANGING
    assert table.take("a/m", "two") == DOWN


def test_a_models_own_fault_comes_before_its_providers() -> None:
    table = FaultTable()
    table.put("a/*", DOWN)
    table.put("a/m", HANGING)
    assert (table.take("a/m", None), table.take("a/n", None)) == (HANGING, DOWN)


def test_a_built_in_failure_can_be_mended() -> None:
    table = FaultTable()
    assert table.take("simulated/rate-limited", None) == RATE_LIMITED
    fine = Fault(kind=FaultKind.NONE)
    table.put("simulated/rate-limited", fine)
    assert table.take("simulated/rate-limited", None) == fine
    table.put("simulated/rate-limited")
    assert table.take("simulated/rate-limited", None) == RATE_LIMITED


def test_what_nothing_is_set_for_can_be_left_to_somebody() -> None:
    table = FaultTable()
    table.otherwise = {"a/m": DOWN}.get
    table.put("a/n", ONCE)
    met = [table.take(name, None) for name in ("a/m", "a/n", "simulated/hang")]
    assert met == [DOWN, ONCE, None]


def test_clearing_one_check_leaves_the_others() -> None:
    table = FaultTable()
    table.put("a/m", DOWN, check="one")
    table.put("a/m", DOWN, check="two")
    table.clear("one")
    assert (table.take("a/m", "one"), table.take("a/m", "two")) == (None, DOWN)
    table.clear()
    assert table.take("a/m", "two") is None


def test_the_built_in_models_are_these() -> None:
    assert list(BUILT_IN) == [
        "simulated/echo",
        "simulated/rate-limited",
        "simulated/down",
        "simulated/hang",
    ]


@given(st.from_type(FaultKind), st.integers(0, 9), st.dictionaries(st.text(), st.text()))
def test_a_fault_survives_json(kind: FaultKind, after: int, headers: dict[str, str]) -> None:
    fault = Fault(kind=kind, after_events=after, headers=headers)
    sent = json.dumps(asdict(fault)).encode()
    assert msgspec.json.decode(sent, type=Fault) == fault
