import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from agentbox_cli.usage.database import Place
from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.queue import MOST_KEPT, UsageQueue
from agentbox_cli.usage.record import RequestRecord
from tests.fakes.waiting import eventually
from tests.usage.builders import call, request
from tests.usage.watched import counted, kept, put, queue_for


@pytest.fixture
def writer(place: Place, tmp_path: Path) -> UsageQueue:
    return queue_for(place, tmp_path)


def test_what_is_put_is_written_while_the_writer_runs(writer: UsageQueue, place: Place) -> None:
    writer.start()
    put(writer, request(1, call()))
    eventually(lambda: kept(place) == 1)
    writer.close()


def test_closing_writes_everything(writer: UsageQueue, place: Place) -> None:
    writer.start()
    put(writer, *(request(number, call()) for number in range(5_000)))
    writer.close()
    assert kept(place) == 5_000
    assert (writer.lost, writer.trouble) == (0, None)


def test_a_request_that_is_given_twice_counts_once(writer: UsageQueue, place: Place) -> None:
    writer.start()
    put(writer, request(1, call()), request(2, call()), request(1, call()))
    writer.close()
    assert (kept(place), counted(place)) == (2, 2)
    assert (writer.lost, writer.trouble) == (0, None)


def test_nothing_is_made_before_there_is_something_to_write(
    file_place: Place, tmp_path: Path
) -> None:
    writer = queue_for(file_place, tmp_path)
    writer.start()
    writer.close()
    assert file_place.file is not None
    assert not file_place.file.exists()


def test_the_database_is_readable_by_its_owner_only(file_place: Place, tmp_path: Path) -> None:
    writer = queue_for(file_place, tmp_path)
    writer.start()
    put(writer, request(1, call()))
    writer.close()
    assert file_place.file is not None
    assert file_place.file.stat().st_mode & 0o077 == 0


def test_records_wait_in_the_journal_while_the_database_is_locked(
    file_place: Place, tmp_path: Path
) -> None:
    writer = queue_for(file_place, tmp_path)
    writer.start()
    put(writer, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    assert file_place.file is not None
    with _locked(file_place.file):
        put(writer, request(2, call()))
        eventually(lambda: writer.trouble is not None)
        eventually((tmp_path / "usage.journal").exists)
    eventually(lambda: kept(file_place) == 2)
    eventually(lambda: writer.trouble is None)
    writer.close()
    assert not (tmp_path / "usage.journal").exists()


def test_the_journal_of_an_earlier_run_is_taken_in(place: Place, tmp_path: Path) -> None:
    Journal(tmp_path / "usage.journal").append([request(1, call()), request(2, call())])
    writer = queue_for(place, tmp_path)
    writer.start()
    eventually(lambda: kept(place) == 2)
    writer.close()


def test_a_journal_that_was_replayed_and_not_cleared_counts_once(
    place: Place, tmp_path: Path
) -> None:
    for _ in range(2):
        Journal(tmp_path / "usage.journal").append([request(1, call())])
        writer = queue_for(place, tmp_path)
        writer.start()
        writer.close()
    assert kept(place) == 1


def test_a_damaged_file_is_moved_aside_and_never_deleted(
    file_place: Place, tmp_path: Path
) -> None:
    assert file_place.file is not None
    file_place.file.write_bytes(b"this is no database at all" * 100)
    writer = queue_for(file_place, tmp_path)
    writer.start()
    put(writer, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    writer.close()
    assert writer.moved is not None
    assert writer.moved.read_bytes().startswith(b"this is no database")


def test_damage_that_shows_while_writing_loses_no_record(
    file_place: Place, tmp_path: Path
) -> None:
    writer = queue_for(file_place, tmp_path)
    writer.start()
    put(writer, *(request(number, call()) for number in range(3_000)))
    eventually(lambda: kept(file_place) == 3_000)
    assert file_place.file is not None
    with closing(sqlite3.connect(file_place.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = bytearray(file_place.file.read_bytes())
    damaged[8_192:200_000] = os.urandom(200_000 - 8_192)
    with file_place.file.open("r+b") as file:
        file.write(damaged)
    numbers = iter(range(10_000, 20_000))

    def moved() -> bool:
        put(writer, request(next(numbers), call()))
        return writer.moved is not None

    eventually(moved)
    writer.close()
    assert writer.lost == 0
    assert kept(file_place) >= 1


def test_a_directory_that_cannot_be_written_is_told_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "usage.db"
    writer = queue_for(Place(url=f"sqlite:///{nowhere}", file=nowhere), tmp_path / "file")
    writer.start()
    put(writer, request(1, call()))
    eventually(lambda: writer.trouble is not None)
    assert "only kept in memory" in (writer.trouble or "")
    writer.close()


def test_memory_is_bounded_when_nothing_takes_records(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "usage.db"
    writer = queue_for(Place(url=f"sqlite:///{nowhere}", file=nowhere), tmp_path / "file")
    put(writer, *(request(number) for number in range(MOST_KEPT + 10)))
    assert writer.lost == 10


def test_a_record_that_cannot_be_made_stops_no_other(
    writer: UsageQueue, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> RequestRecord:
        raise ZeroDivisionError

    writer.start()
    writer.put(fails)
    put(writer, request(1, call()))
    writer.close()
    assert kept(place) == 1
    assert "fault of ours" in caplog.text


def test_many_threads_mayput(writer: UsageQueue, place: Place) -> None:
    writer.start()

    def work(start: int) -> None:
        put(writer, *(request(number, call()) for number in range(start, start + 500)))

    threads = [threading.Thread(target=work, args=(start * 500,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert kept(place) == 4_000


def test_a_killed_process_loses_at_most_what_is_younger_than_a_tenth_of_a_second(
    file_place: Place, tmp_path: Path
) -> None:
    said = _killed_while_writing(file_place, tmp_path)
    last, at = said
    assert file_place.file is not None
    with closing(sqlite3.connect(file_place.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {row[0] for row in connection.execute("SELECT request_id FROM requests")}
    old = {f"req_{number:024x}" for number in range(last + 1) if at[number] < at[last] - 0.1}
    # A busy machine may hold the writer up; what matters is that nothing in the middle is missing.
    missing = sorted(old - kept)
    assert len(kept) > 0
    assert not missing or missing == sorted(old)[-len(missing) :]


_WRITES = """
import sys, time
from pathlib import Path
from agentbox_cli.usage.database import place_of
from agentbox_cli.usage.queue import UsageQueue
from agentbox_cli.usage.writer import StoreWriter
sys.path.insert(0, sys.argv[2])
from tests.usage.builders import call, request
directory = Path(sys.argv[1])
place = place_of(None, directory / "usage.db")
journal = directory / "usage.journal"
recent = directory / "usage.recent"
writer = UsageQueue(lambda: StoreWriter(lambda: place, journal, {}), journal, recent)
writer.start()
number = 0
while True:
    writer.put(lambda number=number: request(number, call()))
    print(number, time.monotonic(), flush=True)
    number += 1
    time.sleep(0.0005)
"""


def _killed_while_writing(place: Place, directory: Path) -> tuple[int, dict[int, float]]:
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITES, str(directory), root], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    at: dict[int, float] = {}
    deadline = time.monotonic() + 60
    for line in child.stdout:
        number, moment = line.split()
        at[int(number)] = float(moment)
        if (len(at) > 1_500 and kept(place)) or time.monotonic() > deadline:
            break
    os.kill(child.pid, signal.SIGKILL)
    rest = child.stdout.read().splitlines()
    child.wait()
    child.stdout.close()
    for line in rest:
        words = line.split()
        if len(words) == 2:
            at[int(words[0])] = float(words[1])
    return max(at), at


class _locked:  # noqa: N801 - it reads as a word
    """Holds SQLite's write lock."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()
