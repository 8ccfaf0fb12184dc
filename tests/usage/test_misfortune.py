"""What may befall a store while a proxy runs. The proxy goes on, and what is missing is told."""

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from agentbox_cli.usage.by import By
from agentbox_cli.usage.capture import usage_warnings
from agentbox_cli.usage.database import Place, open_for_reading, open_for_writing, place_of
from agentbox_cli.usage.journal import Journal
from agentbox_cli.usage.queue import UsageQueue
from agentbox_cli.usage.record import RequestRecord
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.store import add
from agentbox_cli.usage.upkeep import export_calls
from agentbox_cli.usage.writer import StoreWriter
from tests.fakes.waiting import eventually
from tests.usage.builders import NOON, call, request
from tests.usage.watched import counted, kept, put, queue_for


@pytest.fixture
def queue(file_place: Place, tmp_path: Path) -> Iterator[UsageQueue]:
    made = queue_for(file_place, tmp_path)
    made.start()
    yield made
    made.close()


def test_a_database_that_is_deleted_while_it_is_in_use_is_begun_anew(
    queue: UsageQueue, file_place: Place, tmp_path: Path
) -> None:
    put(queue, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    for file in tmp_path.glob("usage.db*"):
        file.unlink()
    put(queue, request(2, call()))
    eventually(lambda: kept(file_place) == 1)
    put(queue, request(3, call()))
    eventually(lambda: kept(file_place) == 2)
    assert (queue.trouble, queue.lost) == (None, 0)
    assert counted(file_place) == 2


def test_a_database_that_is_replaced_by_a_copy_is_written_on(
    queue: UsageQueue, file_place: Place, tmp_path: Path
) -> None:
    put(queue, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    other = place_of(str(tmp_path / "restored.db"), tmp_path)
    engine = open_for_writing(other).engine
    add(engine, [request(number, call()) for number in range(10, 15)], 1)
    engine.dispose()
    for file in tmp_path.glob("usage.db*"):
        file.unlink()
    (tmp_path / "restored.db").rename(tmp_path / "usage.db")
    put(queue, request(2, call()))
    eventually(lambda: kept(file_place) == 6)


def test_a_newer_schema_keeps_everything_waiting_until_there_is_a_fitting_one(
    queue: UsageQueue, file_place: Place, tmp_path: Path
) -> None:
    put(queue, request(1, call()))
    eventually(lambda: kept(file_place) == 1)
    queue.close()
    _set_schema(file_place, 99)
    later = queue_for(file_place, tmp_path)
    later.start()
    put(later, request(2, call()))
    eventually(lambda: later.trouble is not None)
    (told,) = usage_warnings(later)
    assert "journal" in told
    assert "schema 99" in told
    assert kept(file_place) == 1
    _set_schema(file_place, 1)
    eventually(lambda: kept(file_place) == 2)
    eventually(lambda: later.trouble is None)
    later.close()


def test_two_proxies_on_one_file_count_every_request_once(
    file_place: Place, tmp_path: Path
) -> None:
    queues = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        queues.append(queue_for(file_place, tmp_path / name))
        queues[-1].start()

    def work(queue: UsageQueue, start: int) -> None:
        for number in range(start, start + 1_000):
            put(queue, request(number, call()))

    threads = [
        threading.Thread(target=work, args=(queue, 1_000 * number))
        for number, queue in enumerate(queues)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for queue in queues:
        queue.close()
    assert [queue.lost for queue in queues] == [0, 0]
    assert (kept(file_place), counted(file_place)) == (2_000, 2_000)


def test_a_clock_that_goes_backwards_loses_and_doubles_nothing(
    queue: UsageQueue, file_place: Place
) -> None:
    times = (NOON, NOON - 86_400.0, NOON - 1.0, 0.0, -5.0)
    for number, at in enumerate(times):
        put(queue, request(number, call(at=at), at=at))
    eventually(lambda: kept(file_place) == len(times))
    engine = open_for_reading(file_place)
    assert engine is not None
    assert usage_report(engine, By.DAY, None, None).total.requests == len(times)
    assert usage_report(engine, By.DAY, NOON - 900, None).total.requests == 2
    engine.dispose()


def test_a_journal_that_is_torn_in_the_middle_gives_all_but_what_was_torn(
    file_place: Place, tmp_path: Path
) -> None:
    journal = tmp_path / "usage.journal"
    Journal(journal).append([request(number, call()) for number in range(9)])
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = b"\0" * 40 + b"\xff\xfe" + lines[4][60:]
    journal.write_bytes(b"".join(lines) + lines[0][:50])
    queue = queue_for(file_place, tmp_path)
    queue.start()
    eventually(lambda: kept(file_place) == 8)
    queue.close()
    assert queue.lost == 2
    assert "2 requests were not counted" in usage_warnings(queue)[-1]
    assert not journal.exists()


def test_after_a_line_that_a_crash_has_cut_the_next_ones_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "usage.journal"
    Journal(file).append([request(1, call())])
    file.write_bytes(file.read_bytes()[:-30])
    Journal(file).append([request(2, call())])
    assert list(Journal(file).read()) == [None, request(2, call())]


def test_what_neither_database_nor_journal_takes_is_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentbox_cli.usage.queue.MOST_KEPT", 10)
    (tmp_path / "file").touch()
    queue = queue_for(place_of(str(tmp_path / "file" / "usage.db"), tmp_path), tmp_path / "file")
    queue.start()
    put(queue, *(request(number, call()) for number in range(4)))
    eventually(lambda: "only kept in memory" in (queue.trouble or ""))
    assert queue.lost == 0
    put(queue, *(request(number, call()) for number in range(4, 25)))
    eventually(lambda: queue.lost == 15)
    assert "15 requests were not counted" in usage_warnings(queue)[-1]
    queue.close()
    assert queue.lost == 15


def test_what_was_only_kept_in_memory_is_written_as_soon_as_something_takes_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").touch()
    place = place_of(str(tmp_path / "data" / "usage.db"), tmp_path)
    queue = queue_for(place, tmp_path / "data")
    queue.start()
    put(queue, request(1, call()), request(2, call()))
    eventually(lambda: queue.trouble is not None)
    (tmp_path / "data").unlink()
    eventually(lambda: kept(place) == 2)
    queue.close()
    assert queue.lost == 0


def test_a_driver_that_raises_anything_at_all_stops_nobody(
    file_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr("agentbox_cli.usage.writer.add", fails)
    queue = queue_for(file_place, tmp_path)
    queue.start()
    put(queue, request(1, call()))
    eventually((tmp_path / "usage.journal").exists)
    assert "boom" in (queue.trouble or "")
    monkeypatch.undo()
    eventually(lambda: kept(file_place) == 1)
    queue.close()


def test_a_writer_that_cannot_be_made_is_told_and_stops_nobody(
    file_place: Place, tmp_path: Path
) -> None:
    def fails() -> None:
        raise RuntimeError("no such thing")

    journal = tmp_path / "usage.journal"
    queue = UsageQueue(fails, journal, tmp_path / "usage.recent", pause=0.01)  # type: ignore[arg-type]  # it never returns
    queue.start()
    put(queue, request(1, call()))
    eventually(lambda: queue.trouble is not None)
    assert "no such thing" in usage_warnings(queue)[0]
    put(queue, request(2, call()))
    queue.close()
    later = queue_for(file_place, tmp_path)
    later.start()
    eventually(lambda: kept(file_place) == 2)
    later.close()


def test_while_the_writer_is_being_made_requests_are_on_the_disk_already(
    file_place: Place, tmp_path: Path
) -> None:
    journal = tmp_path / "data" / "usage.journal"
    slow = threading.Event()

    def opened() -> StoreWriter:
        assert slow.wait(20)
        return StoreWriter(lambda: file_place, journal, {})

    queue = UsageQueue(opened, journal, tmp_path / "data" / "usage.recent", pause=0.01)
    queue.start()
    for number in range(3):
        put(queue, request(number, call()))
        eventually(partial(_has_lines, journal, number + 1))
    slow.set()
    eventually(lambda: kept(file_place) == 3)
    eventually(lambda: not journal.exists())
    queue.close()
    assert (queue.lost, queue.trouble) == (0, None)


def test_while_a_journal_is_replayed_what_comes_in_is_on_the_disk_first(
    file_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "usage.journal"
    Journal(journal).append([request(number, call()) for number in range(250)])
    waiting: list[int] = []

    def noted(engine: Engine, records: Sequence[RequestRecord], *more: int, new: bool) -> int:
        waiting.append(len(list(Journal(journal).read())))
        return add(engine, records, *more, new=new)

    monkeypatch.setattr("agentbox_cli.usage.writer.add", noted)
    writer = StoreWriter(lambda: file_place, journal, {})
    assert [writer.write([request(number, call())]) for number in (900, 901)] == [True, True]
    assert writer.retry_in == 0
    assert waiting == [251, 252]
    writer.close()
    assert kept(file_place) == counted(file_place) == 252


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_stops_nobody_and_everything_is_there_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    place = place_of(str(small_disk / "usage.db"), tmp_path)
    queue = queue_for(place, tmp_path)
    queue.start()
    put(queue, request(1, call()))
    eventually(lambda: kept(place) == 1)
    _fill(small_disk / "ballast")
    put(queue, *(request(number, call()) for number in range(2, 500)))
    eventually(lambda: "full" in (queue.trouble or ""), "a full disk that is told")
    put(queue, request(500, call()))
    (small_disk / "ballast").unlink()
    eventually(lambda: kept(place) == 500)
    eventually(lambda: queue.trouble is None)
    queue.close()
    assert (queue.lost, counted(place)) == (0, 500)


def test_a_journal_on_the_full_disk_leaves_what_it_had_whole(
    small_disk: Path, tmp_path: Path
) -> None:
    journal = Journal(small_disk / "usage.journal")
    journal.append([request(1, call())])
    _fill(small_disk / "ballast")
    with pytest.raises(OSError, match="No space"):
        journal.append([request(number, call()) for number in range(2, 500)])
    (small_disk / "ballast").unlink()
    journal.append([request(2, call())])
    assert list(journal.read()) == [request(1, call()), request(2, call())]


def test_a_home_that_can_only_be_read_is_read(small_disk: Path, tmp_path: Path) -> None:
    place = place_of(str(small_disk / "usage.db"), tmp_path)
    engine = open_for_writing(place).engine
    add(engine, [request(1, call())], 1)
    engine.dispose()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert counted(place) == 1
    assert len(list(_exported(place))) == 1
    queue = queue_for(place, small_disk)
    queue.start()
    put(queue, request(2, call()))
    eventually(lambda: "only kept in memory" in (queue.trouble or ""))
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    eventually(lambda: kept(place) == 2)
    queue.close()
    assert queue.lost == 0


def _has_lines(journal: Path, wanted: int) -> bool:
    return len(list(Journal(journal).read())) == wanted


def _exported(place: Place) -> Iterator[object]:
    engine = open_for_reading(place)
    assert engine is not None
    yield from export_calls(engine, None, None)
    engine.dispose()


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(b"\0" * 512):
            pass


def _set_schema(place: Place, version: int) -> None:
    engine = create_engine(place.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_version SET version = :v"), {"v": version})
    engine.dispose()
