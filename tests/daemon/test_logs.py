import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentbox_cli.daemon import logs
from agentbox_cli.daemon.logs import LINE_LIMIT
from agentbox_cli.errors import ProxyError
from tests.fakes.waiting import eventually


class Reader:
    """Follows a log in a thread, as `logs -f` does in the foreground."""

    def __init__(self, path: Path, lines: int) -> None:
        self.seen: list[str] = []
        self._stop = threading.Event()
        self._followed = logs.follow(path, self._stop.is_set, lines=lines)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for line in self._followed:
            self.seen.append(line)

    def has(self, *lines: str) -> None:
        eventually(lambda: self.seen == list(lines), f"{lines} were read")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Reader]]:
    monkeypatch.setattr(logs, "POLL_SECONDS", 0.01)
    readers: list[Reader] = []

    def make(path: Path, lines: int = 0) -> Reader:
        readers.append(Reader(path, lines))
        return readers[-1]

    yield make
    for one in readers:
        one.stop()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a\n\nb\nc\n")
    assert logs.tail(log, 2) == ["b", "c"]
    assert logs.tail(log, 3) == ["", "b", "c"]
    assert logs.tail(log, 99) == ["a", "", "b", "c"]
    assert logs.tail(log, 0) == []


def test_a_missing_or_empty_log_has_no_tail(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert logs.tail(tmp_path / "missing", 5) == []
    assert logs.tail(tmp_path / "empty", 5) == []
    assert logs.tail(tmp_path, 5) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.text(alphabet="ab é\r", max_size=5), max_size=12),
    lines=st.integers(min_value=0, max_value=15),
    ended=st.booleans(),
    block=st.integers(min_value=1, max_value=9),
)
def test_the_tail_is_what_reading_everything_would_give(
    tmp_path: Path, rows: list[str], lines: int, ended: bool, block: int
) -> None:
    text = "\n".join(rows) + ("\n" if ended and rows else "")
    (tmp_path / "log").write_bytes(text.encode())
    expected = text.removesuffix("\n").split("\n") if text else []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "_BLOCK", block)
        found = logs.tail(tmp_path / "log", lines)
    assert found == (expected[-lines:] if lines else [])


def test_the_tail_does_not_reach_back_before_the_offset(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\nnew\n")
    assert logs.tail(log, 10, offset=4) == ["new"]
    assert logs.tail(log, 10, offset=8) == []
    assert logs.tail(log, 10, offset=999) == ["old", "new"]


def test_bytes_that_are_no_utf8_are_shown_as_such(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"ok\n\xff\xfe!\n")
    assert logs.tail(tmp_path / "log", 1) == ["��!"]


def test_a_huge_line_is_cut(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * (logs.TAIL_LIMIT + 10) + b"\nlast\n")
    huge, last = logs.tail(tmp_path / "log", 5)
    assert (len(huge), huge[-1], last) == (LINE_LIMIT + 1, "…", "last")


def test_following_begins_with_the_last_lines(
    tmp_path: Path, reader: Callable[..., Reader]
) -> None:
    log = tmp_path / "log"
    log.write_text("a\nb\nc\n")
    follower = reader(log, lines=2)
    follower.has("b", "c")
    append(log, "d\n")
    follower.has("b", "c", "d")


def test_following_waits_for_a_log_and_for_the_end_of_a_line(
    tmp_path: Path, reader: Callable[..., Reader]
) -> None:
    log = tmp_path / "log"
    follower = reader(log)
    append(log, "one\ntw")
    follower.has("one")
    append(log, "o\nthree")
    follower.has("one", "two")
    follower.stop()
    assert follower.seen == ["one", "two", "three"]


def test_following_survives_rotation(tmp_path: Path, reader: Callable[..., Reader]) -> None:
    log = tmp_path / "log"
    append(log, "before\n")
    follower = reader(log, lines=1)
    follower.has("before")
    append(log, "unfinished")
    logs.rotate(log, limit=0)
    append(log, "after\n")
    follower.has("before", "unfinished", "after")


def test_following_survives_truncation(tmp_path: Path, reader: Callable[..., Reader]) -> None:
    log = tmp_path / "log"
    append(log, "a long line before\n")
    follower = reader(log, lines=1)
    follower.has("a long line before")
    log.write_text("cut\n")
    follower.has("a long line before", "cut")


def test_following_cuts_a_huge_line_and_goes_on(
    tmp_path: Path, reader: Callable[..., Reader]
) -> None:
    log = tmp_path / "log"
    log.touch()
    follower = reader(log, lines=1)
    append(log, "x" * 300_000 + "\nnext\n")
    eventually(lambda: follower.seen[-1:] == ["next"])
    assert [len(line) for line in follower.seen] == [LINE_LIMIT + 1, 4]


def test_a_small_log_is_not_rotated(tmp_path: Path) -> None:
    log = tmp_path / "log"
    logs.rotate(log)
    log.write_text("small")
    logs.rotate(log)
    assert [entry.name for entry in tmp_path.glob("log*")] == ["log"]


def test_rotation_keeps_three_older_logs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(6):
        log.write_text(f"run {number}")
        logs.rotate(log, limit=3)
    kept = {entry.name: entry.read_text() for entry in tmp_path.glob("log*")}
    assert kept == {"log.1": "run 5", "log.2": "run 4", "log.3": "run 3"}


def test_a_log_that_cannot_be_rotated_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("text")
    (tmp_path / "log.1").write_text("older")
    (tmp_path / "log.2").mkdir()
    (tmp_path / "log.3").write_text("in the way")
    with pytest.raises(ProxyError, match="cannot rotate the log"):
        logs.rotate(log, limit=0)


def test_the_log_is_private_and_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for text in (b"a\n", b"b\n"):
        with logs.open_for_append(log) as file:
            file.write(text)
    assert log.read_bytes() == b"a\nb\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in (".", "fifo", "missing/log"):
        with pytest.raises(ProxyError, match="cannot write the log"):
            logs.open_for_append(tmp_path / name)
