"""How long to wait before a program that ended is started again."""

from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.supervise.backoff import LONGEST_SECONDS, STABLE_SECONDS, Backoff

LIVED = st.floats(min_value=0, max_value=1e6)


def delays(*lived: float) -> list[float]:
    backoff, found = Backoff(), []
    for seconds in lived:
        backoff = backoff.after(seconds)
        found.append(backoff.delay)
    return found


def test_nothing_has_ended_so_nothing_is_waited_for() -> None:
    assert Backoff().delay == 0.0


def test_the_delay_doubles_up_to_half_a_minute() -> None:
    assert delays(*[1.0] * 8) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_stable_minute_starts_a_new_series() -> None:
    assert delays(1.0, 1.0, 1.0, STABLE_SECONDS, 1.0) == [0.5, 1.0, 2.0, 0.5, 1.0]


def test_thousands_of_ends_overflow_nothing() -> None:
    assert Backoff(ends=100_000).delay == LONGEST_SECONDS


@given(st.lists(LIVED, max_size=50))
def test_there_is_always_a_pause_and_never_a_long_one(lived: list[float]) -> None:
    assert all(0.5 <= delay <= LONGEST_SECONDS for delay in delays(*lived))


@given(st.lists(st.floats(min_value=0, max_value=STABLE_SECONDS - 1), max_size=50))
def test_the_delay_never_shrinks_without_a_stable_minute(lived: list[float]) -> None:
    found = delays(*lived)
    assert found == sorted(found)
