"""The writer of a config: old requests are forgotten when it opens, and every hour."""

import json
from pathlib import Path

import pytest

from agentbox_cli.paths import Paths
from agentbox_cli.providers.load import load_setup
from agentbox_cli.usage.by import By
from agentbox_cli.usage.database import open_for_reading, place_of
from agentbox_cli.usage.opening import open_writer
from agentbox_cli.usage.queue import UsageQueue
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.writer import HOUR_SECONDS, StoreWriter
from tests.fakes.kept import kept
from tests.fakes.waiting import eventually
from tests.usage.builders import call, request

OLD, NEW = 1_000_000.0, 4_000_000_000.0


def writer_of(directory: Path, days: int | None) -> StoreWriter:
    chain = [{"provider": "simulated", "model": "echo"}]
    section = {"models": {"default": chain}, "usage": {"retention_days": days}}
    file = directory / "config.yml"
    file.write_text(json.dumps({"litellm": section}))
    paths = Paths(
        config_dir=directory, state_dir=directory, cache_dir=directory, data_dir=directory
    )
    resolved = load_setup(file, {}, None).resolved
    return open_writer(resolved, paths, lambda _: None, lambda _: None)


def fill(directory: Path) -> None:
    writer = writer_of(directory, None)
    writer.write([request(1, call(at=OLD), at=OLD), request(2, call(at=NEW), at=NEW)])
    writer.close()


@pytest.mark.parametrize(("days", "left"), [(None, [OLD, NEW]), (30, [NEW])])
def test_old_requests_are_forgotten_when_the_writer_opens(
    tmp_path: Path, days: int | None, left: list[float]
) -> None:
    fill(tmp_path)
    writer = writer_of(tmp_path, days)
    assert writer.write([])
    writer.close()
    assert [row["at"] for row in kept(tmp_path / "usage.db")] == left
    engine = open_for_reading(place_of(None, tmp_path / "usage.db"))
    assert engine is not None
    assert usage_report(engine, By.ALIAS, None, None).total.requests == 2
    engine.dispose()


def test_old_requests_are_forgotten_again_an_hour_later(tmp_path: Path) -> None:
    writer = writer_of(tmp_path, 30)
    assert writer.write([request(1, call(at=OLD), at=OLD)])
    assert writer.write([])
    assert len(kept(tmp_path / "usage.db")) == 1
    writer._hourly_at -= HOUR_SECONDS
    assert writer.write([])
    writer.close()
    assert kept(tmp_path / "usage.db") == []


def test_old_requests_are_forgotten_though_nothing_is_written(tmp_path: Path) -> None:
    fill(tmp_path)
    writer = writer_of(tmp_path, 30)
    journal, recent = tmp_path / "usage.journal", tmp_path / "usage.recent"
    queue = UsageQueue(lambda: writer, journal, recent, waiting=True, pause=0.01)
    queue.start()
    eventually(lambda: [row["at"] for row in kept(tmp_path / "usage.db")] == [NEW])
    assert 3_500 < (writer.retry_in or 0) <= HOUR_SECONDS
    queue.close()


def test_many_old_requests_are_forgotten_bit_by_bit_and_let_new_ones_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentbox_cli.usage.opening.SLICE", 3)
    old = writer_of(tmp_path, None)
    old.write([request(number, call(at=OLD), at=OLD + number) for number in range(8)])
    old.close()
    writer = writer_of(tmp_path, 30)
    left = []
    for number in range(100, 103):
        assert writer.retry_in == 0
        writer.write([request(number, call(at=NEW), at=NEW)])
        left.append(len(kept(tmp_path / "usage.db")))
    assert left == [8 - 3 + 1, 8 - 6 + 2, 3]
    assert (writer.retry_in or 0) > 0
    writer.close()
