from pathlib import Path

from sqlalchemy import Engine, Table, func, select

from agentbox_cli.usage.database import open_for_writing, place_of
from agentbox_cli.usage.store import add, price_version, read_prices
from agentbox_cli.usage.tables import calls, requests, totals
from tests.usage.builders import DEAR, FREE, call, failed_call, request


def _count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_requests_and_their_calls_are_kept(database: Engine) -> None:
    assert add(database, [request(1, failed_call(), call(attempt=2)), request(2)], 1) == 2
    assert (_count(database, requests), _count(database, calls)) == (2, 2)


def test_a_request_that_is_there_already_is_not_written_or_counted_again(
    database: Engine,
) -> None:
    add(database, [request(1, call())], 1)
    assert add(database, [request(1, call()), request(2, call())], 1) == 1
    assert _count(database, requests) == 2
    with database.connect() as connection:
        assert connection.execute(select(totals.c.requests)).scalar_one() == 2


def test_the_same_request_twice_in_one_batch_counts_once(database: Engine) -> None:
    assert add(database, [request(1, call()), request(1, call())], 1) == 1


def test_a_price_table_gets_a_new_version_only_when_it_changes(database: Engine) -> None:
    first = price_version(database, {"a/b": DEAR})
    assert price_version(database, {"a/b": DEAR}) == first
    second = price_version(database, {"a/b": FREE})
    assert second > first
    with database.connect() as connection:
        assert read_prices(connection) == {first: {"a/b": DEAR}, second: {"a/b": FREE}}


def test_the_totals_are_what_the_calls_add_up_to(database: Engine) -> None:
    for number in range(50):
        add(database, [request(number, failed_call(), call(attempt=2, link=2))], 1)
    with database.connect() as connection:
        told = connection.execute(
            select(func.sum(totals.c.fresh), func.sum(totals.c.calls_failed))
        ).one()
        kept = connection.execute(select(func.sum(calls.c.fresh))).scalar_one()
    assert tuple(told) == (kept, 50)


def test_two_daemons_may_write_into_one_file(tmp_path: Path) -> None:
    place = place_of(None, tmp_path / "usage.db")
    one, other = open_for_writing(place).engine, open_for_writing(place).engine
    for number in range(0, 40, 2):
        add(one, [request(number, call())], 1)
        add(other, [request(number + 1, call())], 1)
    assert _count(one, requests) == 40
    one.dispose()
    other.dispose()
