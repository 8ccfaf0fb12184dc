"""The last moment's requests: on the disk before the database has them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from agentbox_cli.usage import queue as queues
from agentbox_cli.usage.database import Place
from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.queue import UsageQueue
from agentbox_cli.usage.recent import Recent, read_recent, recent_files
from agentbox_cli.usage.record import RequestRecord
from tests.fakes.waiting import eventually
from tests.usage.builders import call, request
from tests.usage.watched import kept, put, queue_for


@pytest.fixture
def name(tmp_path: Path) -> Path:
    return tmp_path / "state" / "usage.recent"


@pytest.fixture
def hours_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first write there is time enough to look at what is not written yet."""
    monkeypatch.setattr(queues, "PAUSE_SECONDS_EACH", 3_600.0)
    monkeypatch.setattr(queues, "LONGEST_PAUSE_SECONDS", 3_600.0)


@pytest.fixture
def queue(file_place: Place, tmp_path: Path) -> Iterator[UsageQueue]:
    made = queue_for(file_place, tmp_path)
    made.start()
    yield made
    made.close()


def numbers(name: Path) -> set[int]:
    return {int(record.request_id[4:], 16) for record in read_recent(name) if record is not None}


def test_only_what_was_written_before_the_turn_is_forgotten(name: Path) -> None:
    recent = Recent(name)
    recent.append([request(1)])
    recent.turn()
    recent.append([request(2), request(3)])
    assert numbers(name) == {1, 2, 3}
    recent.forget()
    assert numbers(name) == {2, 3}
    recent.turn()
    recent.forget()
    assert [file.exists() for file in recent_files(name)] == [False, False]


def test_what_is_still_wanted_is_not_written_over(name: Path) -> None:
    recent = Recent(name)
    for number in range(3):
        recent.append([request(number)])
        recent.turn()
    assert numbers(name) == {0, 1, 2}
    recent.forget()
    recent.append([request(3)])
    assert numbers(name) == {1, 2, 3}


def test_only_their_owner_may_read_them(name: Path) -> None:
    Recent(name).append([request(1)])
    assert recent_files(name)[0].stat().st_mode & 0o077 == 0


def test_a_record_that_cannot_be_written_leaves_the_others_whole(name: Path) -> None:
    recent = Recent(name)
    recent.append([request(1)])
    with pytest.raises(ValueError, match="surrogates"):
        recent.append([request(2), request(3, caller="\ud800")])
    assert numbers(name) == {1}


def test_requests_are_on_the_disk_while_they_wait_for_the_database(
    hours_apart: None, queue: UsageQueue, file_place: Place, tmp_path: Path
) -> None:
    put(queue, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    eventually(lambda: numbers(tmp_path / "usage.recent") == set())
    put(queue, request(2, call()), request(3, call()))
    assert numbers(tmp_path / "usage.recent") == {2, 3}
    assert kept(file_place) == 1
    queue.close()
    assert kept(file_place) == 3
    assert numbers(tmp_path / "usage.recent") == set()
    assert not (tmp_path / "usage.journal").exists()


def test_what_is_in_memory_only_does_not_wait(
    hours_apart: None, queue: UsageQueue, file_place: Place, tmp_path: Path
) -> None:
    put(queue, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    eventually(lambda: numbers(tmp_path / "usage.recent") == set())
    for file in recent_files(tmp_path / "usage.recent"):
        file.mkdir()  # nobody writes to that
    put(queue, request(2, call()))
    eventually(lambda: kept(file_place) == 2)
    assert queue.trouble is None
    for file in recent_files(tmp_path / "usage.recent"):
        file.rmdir()


def test_what_a_killed_process_has_left_is_in_the_database_after_the_next_start(
    file_place: Place, tmp_path: Path
) -> None:
    killed = queue_for(file_place, tmp_path)  # it never writes to the database
    put(killed, *(request(number, call()) for number in range(5)))
    first, _ = recent_files(tmp_path / "usage.recent")
    with first.open("ab") as file:
        file.write(b'{"request_id": "req_half')
    later = queue_for(file_place, tmp_path)
    later.start()
    eventually(lambda: kept(file_place) == 5)
    eventually(lambda: not (tmp_path / "usage.journal").exists())
    later.close()
    assert later.lost == 1, "the line that the crash has cut"
    assert not first.exists()


def test_what_was_written_before_the_kill_counts_once(file_place: Place, tmp_path: Path) -> None:
    Recent(tmp_path / "usage.recent").append([request(1, call()), request(2, call())])
    Journal(tmp_path / "usage.journal").append([request(1, call())])
    queue = queue_for(file_place, tmp_path)
    queue.start()
    put(queue, request(2, call()))
    queue.close()
    assert kept(file_place) == 2


def test_what_cannot_be_moved_to_the_journal_stays_for_the_next_start(tmp_path: Path) -> None:
    recent = Recent(tmp_path / "usage.recent")
    recent.append([request(1)])
    (tmp_path / "usage.journal").mkdir()
    with pytest.raises(IsADirectoryError):
        recent.hand_over(Journal(tmp_path / "usage.journal"))
    assert numbers(tmp_path / "usage.recent") == {1}


def test_the_records_of_many_requests_are_made_at_once_and_later(tmp_path: Path) -> None:
    waiting: list[Callable[[], None]] = []

    def later(_: float, do: Callable[[], None]) -> None:
        waiting.append(do)

    def fails() -> Sequence[RequestRecord]:
        raise RuntimeError

    queue = UsageQueue(
        fails,  # type: ignore[arg-type]  # it never returns
        tmp_path / "usage.journal",
        tmp_path / "usage.recent",
        later=later,
    )
    made: list[int] = []
    for number in range(10):
        queue.put(partial(_noted, made, number))
    assert (made, len(waiting)) == ([], 1)
    waiting.pop()()
    assert made == [*range(10)]
    assert numbers(tmp_path / "usage.recent") == {*range(10)}
    queue.put(partial(_noted, made, 10))
    assert len(waiting) == 1
    assert queue.lost == 0


def test_noting_and_writing_at_the_same_time_loses_nothing(
    queue: UsageQueue, file_place: Place, tmp_path: Path
) -> None:
    def work(start: int) -> None:
        for number in range(start, start + 1_000):
            put(queue, request(number, call()))

    threads = [threading.Thread(target=work, args=(1_000 * n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.close()
    assert (kept(file_place), queue.lost) == (3_000, 0)
    assert numbers(tmp_path / "usage.recent") == set()


def _noted(made: list[int], number: int) -> RequestRecord:
    made.append(number)
    return request(number)
