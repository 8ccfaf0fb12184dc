from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from agentbox_cli.providers.pricing import PriceList, Rates, Variant
from agentbox_cli.usage.by import By
from agentbox_cli.usage.database import Place, open_for_reading, open_for_writing
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.store import add, price_version
from agentbox_cli.usage.upkeep import (
    EXPORTED,
    count_before,
    export_calls,
    failures,
    prune,
    reprice,
    start_of_retention,
    vacuum,
)
from tests.usage.builders import DEAR, NOON, call, failed_call, request

DAY = 86_400.0


def _fill(engine: Engine) -> None:
    rescue = call(attempt=2, link=2, provider="gwdg_saia", model="llama")
    version = price_version(engine, {})
    add(
        engine,
        [
            request(1, call()),
            request(2, failed_call(), rescue),
            request(3, failed_call(), rescue, at=NOON + 60),
            request(4, failed_call("server", status=500)),
            request(5, call(at=NOON + 9 * DAY), at=NOON + 9 * DAY),
        ],
        version,
    )


def test_failures_tell_what_failed_and_where_it_went(database: Engine) -> None:
    _fill(database)
    first, second = failures(database, None, None)
    assert (first.count, first.kind, first.served_by) == (2, "throttle", "gwdg_saia/llama")
    assert (second.deployment, second.status, second.served_by) == ("openai/gpt-4o", 500, "")
    assert failures(database, NOON + DAY, None) == []


def test_an_export_has_every_call_with_its_request(database: Engine) -> None:
    _fill(database)
    rows = list(export_calls(database, None, None))
    assert len(rows) == 7
    assert rows[0]["alias"] == "default"
    assert rows[0]["fresh"] == 1_000
    assert tuple(rows[0]) == EXPORTED
    told = {name: rows[2][name] for name in ("kind", "status", "client_status", "fell_back")}
    assert told == {"kind": "", "status": 200, "client_status": 200, "fell_back": True}
    assert (rows[1]["status"], rows[1]["client_status"], rows[1]["pid"]) == (429, 200, None)
    assert len(list(export_calls(database, NOON + DAY, None))) == 1


def test_pruning_forgets_requests_and_keeps_their_sums(database: Engine) -> None:
    _fill(database)
    before = usage_report(database, By.ALIAS, None, None).total
    assert count_before(database, NOON + DAY) == 4
    assert prune(database, NOON + DAY) == 4
    assert len(list(export_calls(database, None, None))) == 1
    assert usage_report(database, By.ALIAS, None, None).total == before
    vacuum(database)


def test_pruning_everything_forgets_the_sums_too(database: Engine) -> None:
    _fill(database)
    prune(database, NOON + DAY, totals_too=True)
    assert usage_report(database, By.ALIAS, None, None).total.requests == 1


def test_pricing_anew_gives_old_calls_the_new_price(database: Engine) -> None:
    _fill(database)
    assert usage_report(database, By.ALIAS, None, None).total.unpriced == 4
    planned = reprice(database, {"openai/gpt-4o": DEAR}, None, dry_run=True)
    assert usage_report(database, By.ALIAS, None, None).total.unpriced == 4
    assert reprice(database, {"openai/gpt-4o": DEAR}, None) == planned
    assert (planned.calls, planned.before_usd) == (7, 0.0)
    assert planned.after_usd == pytest.approx(2 * (1_000 * 2e-6 + 100 * 8e-6))
    total = usage_report(database, By.ALIAS, None, None).total
    assert total.cost_usd == pytest.approx(2 * (1_000 * 2e-6 + 100 * 8e-6))
    assert (total.requests, total.unpriced) == (5, 2)


def test_pricing_anew_may_leave_older_calls_alone(database: Engine) -> None:
    _fill(database)
    assert reprice(database, {"openai/gpt-4o": DEAR}, NOON + DAY).calls == 1
    total = usage_report(database, By.ALIAS, None, None).total
    assert total.cost_usd == pytest.approx(1_000 * 2e-6 + 100 * 8e-6)


def test_pricing_anew_adds_up_sums_that_become_alike(database: Engine) -> None:
    add(database, [request(1, call())], price_version(database, {}))
    add(database, [request(2, call())], price_version(database, {"openai/gpt-4o": DEAR}))
    reprice(database, {"openai/gpt-4o": DEAR}, None)
    (row,) = usage_report(database, By.MODEL, None, None).rows
    assert row.requests == 2


def test_pricing_anew_keeps_the_price_of_what_stands_in_no_chain_any_more(
    database: Engine,
) -> None:
    add(database, [request(1, call())], price_version(database, {"openai/gpt-4o": DEAR}))
    before = usage_report(database, By.MODEL, None, None).total
    reprice(database, {"openai/gpt-5": DEAR}, None)
    assert usage_report(database, By.MODEL, None, None).total == before
    # What stands in one and has no price is not guessed at.
    reprice(database, {"openai/gpt-4o": None}, None)
    assert usage_report(database, By.MODEL, None, None).total.unpriced == 1


def test_pricing_anew_while_requests_come_in_loses_none(place: Place) -> None:
    open_for_writing(place).engine.dispose()
    engine = open_for_reading(place)  # it waits, as commands do
    assert engine is not None
    version = price_version(engine, {})
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(_write_many, place, version)
        for factor in range(1, 8):
            reprice(engine, {"openai/gpt-4o": _price(factor)}, None)
        writing.result()
    assert usage_report(engine, By.ALIAS, None, None).total.requests == 400
    engine.dispose()


def _write_many(place: Place, version: int) -> None:
    engine = open_for_writing(place).engine
    for number in range(400):
        while True:
            with suppress(OperationalError):  # the other one is writing
                add(engine, [request(number, call())], version)
                break
    engine.dispose()


def _price(factor: int) -> PriceList:
    return PriceList(variants=(Variant(rates=Rates(input=factor * 1e-6, output=0.0)),))


def test_retention_is_counted_in_days() -> None:
    assert start_of_retention(2, NOON) == NOON - 2 * DAY
