"""What the budgets have counted outlives the usage database."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.providers.catalog import read_catalog
from agentbox_cli.proxy import kept_spent
from agentbox_cli.proxy.kept_spent import NOTHING_KEPT, carried, worth_keeping
from agentbox_cli.usage.budgets import Account, Budget, Period, Scope, StoreSpent
from agentbox_cli.usage.database import open_for_writing, place_of
from agentbox_cli.usage.prices import known, price_all
from agentbox_cli.usage.upkeep import reprice
from tests.fakes.stand import Plan, Stand, eventually, open_stand, resolved_for
from tests.usage.watched import kept as stored

PAID = "openai/gpt-4o"
PRICE = {PAID: {"input_usd": 100_000, "output_usd": 200_000}}
COST = 2 * 0.1 + 5 * 0.2
NOW = time.mktime((2026, 11, 25, 12, 0, 0, 0, 0, -1))
DAY = Budget(scope=Scope.ALL, name="", period=Period.DAY, limit_usd=9.0)
MONTH = Budget(scope=Scope.CALLER, name="alice", period=Period.MONTH, limit_usd=9.0)


def account(budget: Budget, spent: float, at: float = NOW, more: float = 0.0) -> Account:
    return Account(began=budget.period.begin(at), spent=spent, carried=more)


def store(day: float, month: float, born_at: float = 2.0) -> StoreSpent:
    return StoreSpent(dollars={DAY: day, MONTH: month}, born_at=born_at)


def test_what_another_store_lacks_is_carried_over() -> None:
    kept = worth_keeping({DAY: account(DAY, 3.0), MONTH: account(MONTH, 5.0)}, 1.0, None)
    assert carried(kept, store(0.0, 0.5), NOW) == {DAY: 3.0, MONTH: 4.5}
    assert carried(kept, store(4.0, 0.5), NOW) == {DAY: 0.0, MONTH: 4.5}


def test_the_same_store_is_believed_whatever_was_counted() -> None:
    kept = worth_keeping({DAY: account(DAY, 3.0), MONTH: account(MONTH, 5.0, more=2.0)}, 2.0, None)
    assert carried(kept, store(1.0, 1.0), NOW) == {DAY: 0.0, MONTH: 2.0}


def test_a_period_that_is_over_is_forgotten() -> None:
    yesterday = NOW - 86_400
    accounts = {DAY: account(DAY, 3.0, yesterday), MONTH: account(MONTH, 5.0, yesterday)}
    assert carried(worth_keeping(accounts, 1.0, None), store(0.0, 0.0), NOW) == {MONTH: 5.0}


def test_the_file_gives_back_what_was_written_and_nothing_if_it_is_spoilt(tmp_path: Path) -> None:
    file = tmp_path / "spent.json"
    assert kept_spent.read(file) == NOTHING_KEPT
    kept = worth_keeping({DAY: account(DAY, 0.1 + 0.2)}, 1_795_624_800.843, 7.5)
    kept_spent.write(file, kept)
    assert kept_spent.read(file) == kept
    assert file.stat().st_mode & 0o777 == 0o600
    for text in (
        "",
        "{",
        '{"schema": 2}',
        "[]",
        file.read_text().replace('"schema":1', '"schema":2'),
    ):
        file.write_text(text)
        assert kept_spent.read(file) == NOTHING_KEPT


def spoilt(file: Path) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[: len(damaged) // 2] = os.urandom(len(damaged) // 2)
    file.write_bytes(damaged)


def gone(file: Path) -> None:
    for each in file.parent.glob("usage.db*"):
        each.unlink()


def plan(**budgets: Any) -> Plan:
    usage = {"enabled": True, "prices": PRICE}
    return Plan(chains={"default": (PAID,)}, section={"usage": usage, "budgets": budgets})


async def spend(stand: Stand, directory: Path, *, total: int) -> int:
    """The status of one answer, which the store then has."""
    async with stand.chat(max_tokens=5) as answer:
        await answer.read()
    place = place_of(None, directory / "usage.db")
    await eventually(lambda: stored(place) == total)
    return int(answer.status)


async def counting(stand: Stand) -> None:
    """Wait until the budgets know what was spent."""
    budgets = stand.proxy._budgets
    assert budgets is not None
    await eventually(lambda: budgets.ledger.known)


def warned(stand: Stand, words: str) -> bool:
    return any(words in warning for warning in stand.proxy.status()["warnings"])


@pytest.mark.parametrize("lose", [spoilt, gone])
async def test_a_lost_database_gives_no_dollar_back_and_that_is_told(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    budgets = {"daily_usd": 7.5, "per_alias": {"default": {"monthly_usd": 100}}}
    async with open_stand(plan(**budgets), tmp_path) as first:
        for number in (1, 2):
            assert await spend(first, tmp_path, total=number) == 200
        assert not warned(first, "does not have")
    lose(tmp_path / "usage.db")
    # Both after the loss and a restart later, when the new database is the old one.
    for number in (1, 2):
        async with open_stand(plan(**budgets), tmp_path) as later:
            await counting(later)
            assert warned(later, f"budgets count ${2 * COST:.4f} that the usage database does not")
            if number == 1:
                assert await spend(later, tmp_path, total=1) == 200
            rows = later.proxy.status()["budgets"]
            assert [row["spent_usd"] for row in rows] == [pytest.approx(3 * COST)] * 2
            async with later.chat(max_tokens=5) as answer:
                assert answer.status == 429
    assert any("damaged" in name for name in os.listdir(tmp_path)) is (lose is spoilt)  # noqa: PTH208 - plain names will do


async def test_what_was_lost_before_anybody_counted_is_told(tmp_path: Path) -> None:
    async with open_stand(plan(daily_usd=100), tmp_path) as first:
        await spend(first, tmp_path, total=1)
    spoilt(tmp_path / "usage.db")
    (tmp_path / "litellm.spent.json").unlink()
    for _ in range(2):
        async with open_stand(plan(daily_usd=100), tmp_path) as later:
            await counting(later)
            assert warned(later, "budgets do not know what was spent before")


async def test_new_prices_for_past_calls_hold_after_a_restart(tmp_path: Path) -> None:
    async with open_stand(plan(daily_usd=100), tmp_path) as first:
        await spend(first, tmp_path, total=1)
    cheap = plan(daily_usd=100)
    cheap.section["usage"]["prices"][PAID] = {"input_usd": 1_000, "output_usd": 2_000}
    engine = open_for_writing(place_of(None, tmp_path / "usage.db")).engine
    resolved = resolved_for(cheap, "http://127.0.0.1:9", tmp_path)
    reprice(engine, known(price_all(resolved, read_catalog())), None)
    engine.dispose()
    async with open_stand(cheap, tmp_path) as later:
        await counting(later)
        [row] = later.proxy.status()["budgets"]
        assert row["spent_usd"] == pytest.approx(COST / 100)
        assert not warned(later, "does not have")
