import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from agentbox_cli.providers.pricing import Counts, PriceList
from agentbox_cli.usage.by import By
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.report import Report, UsageRow, usage_report
from agentbox_cli.usage.store import add, price_version
from tests.usage.builders import DEAR, FREE, NOON, call, failed_call, request

GPT = "openai/gpt-4o"
LLAMA = "gwdg_saia/llama"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _add(engine: Engine, *records: RequestRecord, **prices: PriceList) -> None:
    table = {GPT: DEAR, LLAMA: FREE} if not prices else {}
    add(engine, records, price_version(engine, table))


def _rescued(number: int, **changed: object) -> RequestRecord:
    free = call(attempt=2, link=2, provider="gwdg_saia", model="llama")
    return request(number, failed_call(), free, **changed)


def _report(engine: Engine, by: By = By.ALIAS) -> Report:
    return usage_report(engine, by, None, None)


def test_an_empty_database_is_an_empty_report(database: Engine) -> None:
    report = _report(database)
    assert (report.rows, report.total) == ([], UsageRow(key="total"))


def test_by_alias_each_request_counts_once(database: Engine) -> None:
    _add(database, request(1, call()), _rescued(2), request(3, failed_call()), request(4))
    (row,) = _report(database).rows
    assert (row.key, row.requests, row.failed, row.fell_back) == ("default", 4, 2, 1)


def test_by_provider_each_call_counts(database: Engine) -> None:
    _add(database, request(1, call()), _rescued(2), request(3))
    openai, saia = sorted(_report(database, By.PROVIDER).rows, key=lambda row: row.key)[::-1]
    assert (openai.key, openai.requests, openai.failed) == ("openai", 2, 1)
    assert (saia.key, saia.requests, saia.fell_back) == ("gwdg_saia", 1, 1)


def test_cost_is_the_tokens_at_their_price(database: Engine) -> None:
    counts = Counts(fresh=1_000, cached=500, output=100)
    _add(database, request(1, call(counts=counts)))
    (row,) = _report(database, By.MODEL).rows
    assert row.key == GPT
    assert row.cost_usd == pytest.approx(1_000 * 2e-6 + 500 * 5e-7 + 100 * 8e-6)
    assert (row.input_tokens, row.cached_tokens, row.output_tokens) == (1_500, 500, 100)
    assert row.unpriced == 0


def test_what_a_free_link_saved_is_what_the_first_link_would_have_cost(database: Engine) -> None:
    _add(database, _rescued(1))
    total = _report(database).total
    assert total.cost_usd == 0.0
    assert total.saved_usd == pytest.approx(1_000 * 2e-6 + 100 * 8e-6)


def test_a_model_without_a_price_is_unpriced_and_not_free(database: Engine) -> None:
    add(database, [request(1, call()), request(2, failed_call())], price_version(database, {}))
    total = _report(database).total
    assert (total.cost_usd, total.unpriced) == (0.0, 1)


def test_an_answer_without_token_counts_is_unpriced_unless_it_is_free(database: Engine) -> None:
    silent = {"counts": Counts(), "counted": False}
    _add(
        database,
        request(1, call(**silent)),
        request(2, call(**silent, provider="gwdg_saia", model="llama")),
    )
    assert _report(database).total.unpriced == 1


def test_a_new_price_leaves_what_was_used_before_it_alone(database: Engine) -> None:
    _add(database, request(1, call()))
    before = _report(database).total.cost_usd
    add(database, [request(2, call())], price_version(database, {GPT: FREE}))
    assert _report(database).total.cost_usd == pytest.approx(before)


def test_classes_are_told_in_the_words_of_the_headers(database: Engine) -> None:
    left = request(4, call(cancelled=True, complete=False), outcome="cancelled")
    failed = (request(1, failed_call("quota")), request(2, failed_call("auth")))
    _add(database, *failed, _rescued(3), left)
    rows = {row.key: row.requests for row in _report(database, By.CLASS).rows}
    assert rows == {"rate_limit": 2, "auth": 1, "answered": 1, "cancelled": 1}


def test_days_and_hours_are_those_of_the_users_clock(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(database, request(1, call()), request(2, call(), at=NOON + 3_600))
    assert [row.key for row in _report(database, By.DAY).rows] == ["2026-11-25"]
    assert [row.key for row in _report(database, By.HOUR).rows] == [
        "2026-11-25 12:00",
        "2026-11-25 13:00",
    ]
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    assert [row.key for row in _report(database, By.HOUR).rows] == [
        "2026-11-25 17:00",
        "2026-11-25 18:00",
    ]


def test_only_what_lies_between_two_times_counts(database: Engine) -> None:
    _add(database, *(request(n, call(), at=NOON + n * 3_600) for n in range(4)))
    report = usage_report(database, By.ALIAS, NOON + 3_600, NOON + 3 * 3_600)
    assert report.total.requests == 2


def test_the_most_expensive_comes_first(database: Engine) -> None:
    _add(
        database,
        request(1, call(), alias="cheap"),
        request(2, call(counts=Counts(fresh=10**6)), alias="dear"),
    )
    assert [row.key for row in _report(database).rows] == ["dear", "cheap"]


def test_who_names_no_project_is_shown_as_a_dash(database: Engine) -> None:
    _add(database, request(1, call()), request(2, call(), project="thesis"))
    assert {row.key for row in _report(database, By.PROJECT).rows} == {"-", "thesis"}
