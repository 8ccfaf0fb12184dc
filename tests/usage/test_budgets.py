import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentbox_cli.config.spending import BudgetsConfig, LimitsConfig
from agentbox_cli.usage.budgets import Budget, Ledger, Period, Scope, Spender, budgets_of
from tests.usage.builders import NOON

DAY = 86_400.0
ME = Spender(alias="code", provider="openai", caller="codex")
OTHER = Spender(alias="fast", provider="anthropic", caller="curl")


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _ledger(**limits: object) -> Ledger:
    ledger = Ledger(budgets_of(BudgetsConfig(**limits)))  # type: ignore[arg-type]
    ledger.restore({}, NOON)
    return ledger


def test_every_limit_of_the_config_is_a_budget() -> None:
    limits = LimitsConfig(daily_usd=1.0, monthly_usd=9.0)
    config = BudgetsConfig(
        daily_usd=2.0,
        per_alias={"code": limits},
        per_provider={"openai": LimitsConfig(monthly_usd=5.0)},
        per_caller={"codex": LimitsConfig(daily_usd=0.5)},
    )
    assert [budget.title for budget in budgets_of(config)] == [
        "daily budget",
        "daily budget of alias code",
        "monthly budget of alias code",
        "monthly budget of provider openai",
        "daily budget of caller codex",
    ]


def test_a_day_ends_at_local_midnight_also_when_the_clocks_change() -> None:
    noon = time.mktime((2026, 10, 25, 12, 0, 0, 0, 0, -1))  # 25 hours long in Berlin
    assert Period.DAY.end(noon) - Period.DAY.begin(noon) == 25 * 3_600
    assert time.localtime(Period.MONTH.end(noon))[:4] == (2026, 11, 1, 0)
    december = time.mktime((2026, 12, 31, 12, 0, 0, 0, 0, -1))
    assert time.localtime(Period.MONTH.end(december))[:3] == (2027, 1, 1)


def test_what_was_spent_forbids_the_next_paid_call() -> None:
    ledger = _ledger(daily_usd=1.0)
    assert ledger.exceeded(ME, 0.4, NOON) is None
    ledger.spend(ME, 0.7, NOON)
    found = ledger.exceeded(ME, 0.4, NOON)
    assert found is not None
    assert (found.budget.title, found.spent_usd) == ("daily budget", 0.7)
    assert found.resets_at == Period.DAY.end(NOON)


def test_a_used_up_budget_forbids_calls_whose_price_nobody_knows() -> None:
    ledger = _ledger(daily_usd=1.0)
    ledger.spend(ME, 1.0, NOON)
    assert ledger.exceeded(ME, 0.0, NOON) is not None


def test_what_is_under_way_is_set_aside_and_given_back() -> None:
    ledger = _ledger(daily_usd=1.0)
    held = [ledger.reserve(ME, 0.3) for _ in range(3)]
    assert ledger.exceeded(ME, 0.3, NOON) is not None
    ledger.settle(held[0])
    assert ledger.exceeded(ME, 0.3, NOON) is None


def test_a_budget_of_an_alias_a_provider_or_a_caller_concerns_nobody_else() -> None:
    for limits in (
        {"per_alias": {"code": LimitsConfig(daily_usd=0.0)}},
        {"per_provider": {"openai": LimitsConfig(daily_usd=0.0)}},
        {"per_caller": {"codex": LimitsConfig(daily_usd=0.0)}},
    ):
        ledger = _ledger(**limits)
        assert ledger.exceeded(ME, 0.1, NOON) is not None
        assert ledger.exceeded(OTHER, 0.1, NOON) is None


def test_the_budget_that_lasts_longest_is_named() -> None:
    ledger = _ledger(daily_usd=1.0, monthly_usd=1.0)
    ledger.spend(ME, 2.0, NOON)
    found = ledger.exceeded(ME, 0.1, NOON)
    assert found is not None
    assert found.budget.period is Period.MONTH


def test_a_new_day_begins_with_nothing_spent_and_the_month_goes_on() -> None:
    ledger = _ledger(daily_usd=1.0, monthly_usd=10.0)
    ledger.spend(ME, 1.0, NOON)
    day, month = ledger.standings(NOON + DAY)
    assert (day.spent_usd, month.spent_usd) == (0.0, 1.0)


def test_a_clock_that_was_set_back_gives_nothing_back() -> None:
    ledger = _ledger(daily_usd=1.0)
    ledger.spend(ME, 1.0, NOON)
    assert ledger.exceeded(ME, 0.1, NOON - DAY) is not None


def test_what_the_store_knows_counts_after_a_restart() -> None:
    ledger = Ledger(budgets_of(BudgetsConfig(daily_usd=1.0)))
    assert not ledger.known
    (budget,) = ledger.budgets
    ledger.restore({budget: 0.9}, NOON)
    assert ledger.known
    assert ledger.exceeded(ME, 0.2, NOON) is not None


def test_a_budget_of_nothing_is_all_gone() -> None:
    (standing,) = _ledger(daily_usd=0.0).standings(NOON)
    assert standing.share == 1.0


@settings(deadline=None)
@given(st.lists(st.floats(min_value=0.0, max_value=0.3), max_size=60))
def test_reservations_never_promise_more_than_the_limit(costs: list[float]) -> None:
    budget = Budget(scope=Scope.ALL, name="", period=Period.DAY, limit_usd=1.0)
    ledger = Ledger((budget,))
    ledger.restore({}, NOON)
    held = [ledger.reserve(ME, cost) for cost in costs if ledger.exceeded(ME, cost, NOON) is None]
    (standing,) = ledger.standings(NOON)
    assert standing.reserved_usd <= 1.0 + 1e-9
    for reservation in held:
        ledger.settle(reservation)
        ledger.spend(ME, reservation.dollars, NOON)
    (standing,) = ledger.standings(NOON)
    assert standing.reserved_usd == pytest.approx(0.0, abs=1e-9)
    assert standing.spent_usd <= 1.0 + 1e-9
