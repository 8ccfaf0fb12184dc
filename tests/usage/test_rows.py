from typing import Any

from agentbox_cli.providers.pricing import Counts
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.rows import (
    CALL_COLUMNS,
    REQUEST_COLUMNS,
    call_rows,
    request_row,
    total_rows,
)
from agentbox_cli.usage.tables import CANCELLED, GROUPS, SUMS, calls, requests
from tests.usage.builders import call, failed_call, request


def _totals(*records: RequestRecord) -> list[dict[str, Any]]:
    return [dict(zip((*GROUPS, *SUMS), row, strict=True)) for row in total_rows(records, 1)]


def test_the_rows_have_every_column_of_their_table_but_its_number() -> None:
    assert set(REQUEST_COLUMNS) == set(requests.c.keys()) - {"id"}
    assert set(CALL_COLUMNS) == set(calls.c.keys()) - {"id"}


def test_a_request_row_carries_what_the_record_says() -> None:
    row = dict(zip(REQUEST_COLUMNS, request_row(request(1, call(), pid=7)), strict=True))
    assert (row["alias"], row["status"], row["pid"]) == ("default", 200, 7)


def test_a_call_row_carries_its_tokens_and_the_providers_own_words() -> None:
    counts = Counts(fresh=5, cached=4, written=3, written_1h=2, output=9, reasoning=1)
    record = request(1, call(counts=counts, raw_usage={"prompt_tokens": 14}))
    row = dict(zip(CALL_COLUMNS, call_rows([record], 3)[0], strict=True))
    assert [row[name] for name in Counts.__struct_fields__] == [5, 4, 3, 2, 9, 1]
    assert row["raw_usage"] == '{"prompt_tokens":14}'
    assert (row["price_version"], row["request_id"]) == (3, record.request_id)


def test_a_request_counts_once_however_many_calls_it_took() -> None:
    record = request(
        1,
        failed_call(),
        call(attempt=2, link=2, provider="gwdg_saia", model="llama"),
    )
    failed, answered = sorted(_totals(record), key=lambda row: row["requests"])
    assert (failed["calls"], failed["calls_failed"], failed["requests"]) == (1, 1, 0)
    assert (answered["requests"], answered["fell_back"], answered["rescues"]) == (1, 1, 1)
    assert answered["failed"] == 0


def test_a_request_that_reached_no_link_counts_by_itself() -> None:
    (row,) = _totals(request(1))
    assert (row["requests"], row["failed"], row["calls"], row["provider"]) == (1, 1, 0, "")


def test_calls_of_one_group_are_added_up() -> None:
    (row,) = _totals(request(1, call()), request(2, call()))
    assert (row["requests"], row["fresh"], row["output"]) == (2, 2_000, 200)


def test_long_prompts_stand_apart_because_they_may_cost_more() -> None:
    long = call(counts=Counts(fresh=150_000, cached=60_000))
    rows = _totals(request(1, call()), request(2, long))
    assert sorted(row["over"] for row in rows) == [0, 200_000]


def test_an_answer_without_token_counts_is_told() -> None:
    silent = call(counts=Counts(), counted=False)
    (row,) = _totals(request(1, silent))
    assert row["uncounted"] == 1


def test_a_failed_call_that_cost_nothing_is_not_missed() -> None:
    (row,) = _totals(request(1, failed_call()))
    assert row["uncounted"] == 0


def test_a_stream_that_broke_off_may_have_cost_more_than_it_told() -> None:
    broken = {"complete": False, "maybe_charged": True, "first_content_ms": 40.0}
    (left,) = _totals(request(1, call(**broken, cancelled=True)))
    assert (left["kind"], left["uncounted"], left["output"]) == (CANCELLED, 1, 100)
    (cut,) = _totals(request(2, call(**broken, kind="connection")))
    assert (cut["kind"], cut["uncounted"]) == ("connection", 1)


def test_a_filtered_answer_has_told_all_that_it_cost() -> None:
    told = {"kind": "content_policy", "complete": False, "maybe_charged": True}
    (row,) = _totals(request(1, call(**told, first_content_ms=None)))
    assert row["uncounted"] == 0
