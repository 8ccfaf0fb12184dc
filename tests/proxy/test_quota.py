import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentbox_cli.providers.model import QuotaWindow, RateLimitScope
from agentbox_cli.proxy.quota import CLOCK_SLACK, Quotas
from tests.proxy.builders import DAY, MINUTE, WALL, deployment, spec

HOUR = QuotaWindow(
    name="hour",
    limit_header="x-ratelimit-limit-hour",
    remaining_header="x-ratelimit-remaining-hour",
    seconds=3_600,
)
MONTH = QuotaWindow(
    name="month",
    limit_header="x-ratelimit-limit-month",
    remaining_header="x-ratelimit-remaining-month",
    seconds=30 * 86_400,
)
SAIA = spec("saia", scope=RateLimitScope.ACCOUNT, windows=(MINUTE, HOUR, DAY, MONTH))
ONE = deployment(SAIA, "one")
TWO = deployment(SAIA, "two")
OF_MODEL = spec("other", windows=(MINUTE,))
NONE = deployment("plain")


def told(reset: object = None, **left: object) -> dict[str, str]:
    headers = {f"x-ratelimit-remaining-{name}": str(value) for name, value in left.items()}
    headers |= {f"x-ratelimit-limit-{name}": "1000" for name in left}
    return headers | ({} if reset is None else {"ratelimit-reset": str(reset)})


def at(text: str) -> float:
    year, month, day, hour, minute, second = (int(part) for part in text.split())
    return float(calendar.timegm((year, month, day, hour, minute, second)))


def exhausted_for(headers: dict[str, str], now: float = WALL) -> float | None:
    quotas = Quotas()
    quotas.observe(ONE, headers, now)
    return quotas.exhausted_for(ONE, now)


def test_nothing_is_known_at_first() -> None:
    quotas = Quotas()
    assert quotas.exhausted_for(ONE, WALL) is None
    assert quotas.windows(ONE, WALL) == []


def test_a_window_with_something_left_stops_nobody() -> None:
    assert exhausted_for(told(minute=1, hour=1, day=1, month=1)) is None


def test_the_providers_reset_counts() -> None:
    assert exhausted_for(told("17", minute=0)) == 17.0


def test_a_reset_is_never_longer_than_its_window() -> None:
    assert exhausted_for(told("1760000060", minute=0)) == 60.0


@pytest.mark.parametrize(
    ("window", "now", "seconds"),
    [
        ("minute", "2025 10 9 8 53 20", 40),
        ("hour", "2025 10 9 8 53 20", 400),
        ("day", "2025 10 9 8 53 20", 15 * 3_600 + 400),
        ("month", "2025 10 9 8 53 20", (31 - 9) * 86_400 + 15 * 3_600 + 400),
        ("month", "2025 12 31 23 59 59", 1),
        ("month", "2028 2 29 0 0 0", 86_400),
        ("minute", "2025 10 9 8 53 0", 60),
    ],
)
def test_without_a_reset_windows_follow_the_calendar(window: str, now: str, seconds: int) -> None:
    assert exhausted_for(told(**{window: 0}), at(now)) == seconds


def test_the_longest_of_the_empty_windows_decides() -> None:
    assert exhausted_for(told("3", minute=0, hour=0, day=5)) == 400.0


def test_a_window_counts_until_it_starts_anew() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told("17", minute=0), WALL)
    assert [window.name for window in quotas.windows(ONE, WALL)] == ["minute"]
    assert quotas.exhausted_for(ONE, WALL + 16.5) == 0.5
    assert quotas.exhausted_for(ONE, WALL + 17.0) is None
    assert quotas.windows(ONE, WALL + 17.0) == []


def test_the_last_values_count() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told("17", minute=0), WALL)
    quotas.observe(ONE, {}, WALL)
    assert quotas.exhausted_for(ONE, WALL) == 17.0
    quotas.observe(ONE, told("17", minute=9), WALL)
    assert quotas.exhausted_for(ONE, WALL) is None
    (window,) = quotas.windows(ONE, WALL)
    assert (window.remaining, window.limit, window.resets_at) == (9, 1_000, WALL + 17)


def test_an_account_shares_its_quota_and_models_do_not() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told(minute=0), WALL)
    assert quotas.exhausted_for(TWO, WALL) is not None
    quotas.observe(deployment(OF_MODEL, "a"), told(minute=0), WALL)
    assert quotas.exhausted_for(deployment(OF_MODEL, "a"), WALL) is not None
    assert quotas.exhausted_for(deployment(OF_MODEL, "b"), WALL) is None


def test_a_provider_without_windows_has_no_quota() -> None:
    quotas = Quotas()
    quotas.observe(NONE, told(minute=0), WALL)
    quotas.reserve(NONE)
    assert quotas.exhausted_for(NONE, WALL) is None
    assert quotas._in_flight == {}


def test_calls_in_flight_take_from_what_is_left() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told(minute=2), WALL)
    quotas.reserve(ONE)
    assert quotas.exhausted_for(TWO, WALL) is None
    quotas.reserve(TWO)
    assert quotas.exhausted_for(ONE, WALL) == 40.0
    quotas.settle(ONE)
    assert quotas.exhausted_for(ONE, WALL) is None


def test_settling_more_than_was_reserved_gives_no_credit() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told(minute=1), WALL)
    quotas.settle(ONE)
    quotas.reserve(ONE)
    assert quotas.exhausted_for(ONE, WALL) is not None


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "1e999", "-", "٣x"])
def test_a_remaining_that_is_no_number_is_not_heard(text: str) -> None:
    assert exhausted_for(told(minute=text)) is None


@pytest.mark.parametrize("text", ["-1", "0.0", "0.5", "-1e9"])
def test_less_than_one_left_is_nothing_left(text: str) -> None:
    assert exhausted_for(told(minute=text)) == 40.0


@given(
    left=st.one_of(st.text(max_size=8), st.integers(), st.floats()),
    reset=st.one_of(st.none(), st.text(max_size=8), st.integers().map(str)),
    now=st.floats(0, 4e9),
)
def test_no_header_breaks_it_and_every_wait_is_within_the_window(
    left: object, reset: str | None, now: float
) -> None:
    wait = exhausted_for(told(reset, minute=left, month=left), now)
    assert wait is None or 0 < wait <= 31 * 86_400


@pytest.mark.parametrize("back", [3_600.0, 86_400.0, 1e9])
def test_a_clock_that_is_put_back_does_not_make_a_window_longer(back: float) -> None:
    quotas = Quotas()
    quotas.observe(ONE, told("17", minute=0), WALL)
    assert quotas.exhausted_for(ONE, WALL - 1.0) == 18.0, "clocks are put right by a little"
    assert quotas.exhausted_for(ONE, WALL - back) is None
    assert quotas.windows(ONE, WALL - back) == []


@given(left=st.integers(0, 2), later=st.floats(-1e9, 1e9))
def test_whatever_the_clock_does_no_wait_is_longer_than_the_window(
    left: int, later: float
) -> None:
    quotas = Quotas()
    quotas.observe(ONE, told(minute=left, hour=left, day=left, month=left), WALL)
    wait = quotas.exhausted_for(ONE, WALL + later)
    assert wait is None or 0 < wait <= 31 * 86_400 + CLOCK_SLACK


def test_of_several_used_up_windows_the_one_that_lasts_longest_is_told() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told(minute=0, day=0, month=7), WALL)
    window = quotas.exhausted(ONE, WALL)
    assert window is not None
    assert (window.name, window.seen_at) == ("day", WALL)


def test_what_is_forgotten_is_known_again_with_the_next_answer() -> None:
    quotas = Quotas()
    quotas.observe(ONE, told(minute=0), WALL)
    quotas.forget("saia")
    assert quotas.exhausted_for(ONE, WALL) is None
    quotas.forget("saia")
    quotas.observe(ONE, told(minute=0), WALL)
    assert quotas.exhausted_for(ONE, WALL) == 40.0
