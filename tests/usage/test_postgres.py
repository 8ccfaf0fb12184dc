"""What only a server can do to the store: go away, come back, be asked by several at once."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from agentbox_cli.errors import UsageStoreError
from agentbox_cli.usage.database import Place, open_for_reading, open_for_writing
from agentbox_cli.usage.queue import UsageQueue
from agentbox_cli.usage.store import add
from agentbox_cli.usage.upkeep import export_calls
from agentbox_cli.usage.writer import StoreWriter
from tests.fakes.postgres import PostgresServer
from tests.fakes.waiting import eventually
from tests.usage.builders import call, request
from tests.usage.watched import counted, kept, put, queue_for


@pytest.fixture
def server_place(postgres: PostgresServer) -> Place:
    return postgres.new_database()


@pytest.fixture
def engine(server_place: Place) -> Iterator[Engine]:
    opened = open_for_writing(server_place).engine
    yield opened
    opened.dispose()


@pytest.fixture
def queue(server_place: Place, tmp_path: Path) -> Iterator[UsageQueue]:
    made = queue_for(server_place, tmp_path)
    made.start()
    yield made
    made.close()


def test_a_server_that_is_down_at_the_start_gets_everything_when_it_comes_up(
    postgres: PostgresServer, queue: UsageQueue, server_place: Place, tmp_path: Path
) -> None:
    postgres.stop()
    try:
        put(queue, *(request(number, call()) for number in range(50)))
        eventually((tmp_path / "usage.journal").exists)
        assert "journal" in (queue.trouble or "")
        with pytest.raises(UsageStoreError) as raised:
            open_for_reading(server_place)
        assert raised.value.exit_code == 6
    finally:
        postgres.start()
    eventually(lambda: queue.trouble is None)
    queue.close()
    assert kept(server_place) == 50
    assert queue.lost == 0
    assert not (tmp_path / "usage.journal").exists()


def test_connections_that_are_cut_again_and_again_lose_and_double_nothing(
    postgres: PostgresServer, queue: UsageQueue, server_place: Place
) -> None:
    for number in range(400):
        put(queue, request(number, call()))
        if number % 40 == 0:
            eventually(lambda: kept(server_place) > 0)
            postgres.cut_connections()
    eventually(lambda: kept(server_place) == 400)
    queue.close()
    assert queue.lost == 0
    assert counted(server_place) == 400


def test_a_server_that_crashes_in_between_loses_nothing(
    postgres: PostgresServer, queue: UsageQueue, server_place: Place
) -> None:
    put(queue, request(1, call()))
    eventually(lambda: kept(server_place) == 1)
    postgres.stop()
    put(queue, request(2, call()))
    postgres.start()
    eventually(lambda: kept(server_place) == 2)
    queue.close()
    assert (queue.lost, counted(server_place)) == (0, 2)


def test_writers_at_the_same_time_count_every_request_once(
    engine: Engine, server_place: Place
) -> None:
    batches = [range(start, start + 40) for start in range(0, 400, 20)]  # each overlaps the next

    def write(mine: list[range]) -> None:
        own = open_for_writing(server_place).engine
        for numbers in mine:
            add_until_it_is_in(own, numbers)
        own.dispose()

    def add_until_it_is_in(own: Engine, numbers: range) -> None:
        writer = StoreWriter(lambda: server_place, Path("unused"), {})
        writer._version = 1
        writer._add(own, [request(n, call(model=f"m{n % 7}")) for n in numbers])
        assert writer.lost == 0

    _at_once([partial(write, batches[0::2]), partial(write, batches[1::2])])
    assert (kept(server_place), counted(server_place)) == (420, 420)


def test_several_may_open_an_empty_database_at_once(server_place: Place) -> None:
    def opens() -> None:
        open_for_writing(server_place).engine.dispose()

    _at_once([opens] * 4)
    assert kept(server_place) == 0


def test_an_export_reads_bit_by_bit(engine: Engine) -> None:
    add(engine, [request(number, call()) for number in range(3_000)], 1)
    rows = export_calls(engine, None, None)
    assert next(rows)["model"] == "gpt-4o"
    add(engine, [request(9_999, call())], 1)
    assert sum(1 for _ in rows) == 2_999


def test_a_text_that_a_server_does_not_take_keeps_no_other_request_out(
    queue: UsageQueue, server_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    odd = request(7, call(), asked="a\0b")
    put(queue, *(request(number, call()) for number in range(5)), odd, request(8, call()))
    eventually(lambda: kept(server_place) == 6)
    queue.close()
    assert (queue.lost, queue.trouble) == (1, None)
    assert "a request cannot be kept" in caplog.text


def test_the_password_of_a_server_is_never_shown(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://agentbox:secret-word@/none?host={tmp_path}"
    with pytest.raises(UsageStoreError) as raised:
        open_for_reading(Place(url=url, file=None))
    assert "secret-word" not in raised.value.message
    assert "postgresql" in raised.value.message


def _at_once(works: list[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the test tells it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
