"""Databases of every released schema. What is in tests/data/usage was written by a release."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text

from agentbox_cli.usage import migrations
from agentbox_cli.usage.by import By
from agentbox_cli.usage.database import Place, open_for_reading, open_for_writing
from agentbox_cli.usage.migrations import SchemaTooNewError, newest, version_of
from agentbox_cli.usage.report import usage_report
from agentbox_cli.usage.store import add
from agentbox_cli.usage.upkeep import export_calls, failures
from tests.usage.builders import call, request

RELEASED = (1,)
SCHEMAS = Path(__file__).parent.parent / "data" / "usage"


@pytest.fixture(params=RELEASED)
def released(request: pytest.FixtureRequest, place: Place) -> Place:
    """A database as a release has written it."""
    kind = "sqlite" if place.file else "postgresql"
    for part in (kind, "rows"):
        _run(place, (SCHEMAS / f"{request.param}.{part}.sql").read_text("utf-8"))
    return place


@pytest.fixture
def opened(released: Place) -> Iterator[Engine]:
    engine = open_for_writing(released).engine
    yield engine
    engine.dispose()


def test_every_released_schema_is_held() -> None:
    assert tuple(range(1, newest() + 1)) == RELEASED


def test_an_older_database_has_the_newest_schema_when_it_was_opened(
    opened: Engine, tmp_path: Path, place: Place
) -> None:
    fresh = place if place.file is None else Place(url=f"sqlite:///{tmp_path}/new", file=None)
    if place.file is None:
        _run(place, "CREATE SCHEMA other")
        fresh = Place(url=f"{place.url}&options=-csearch_path%3Dother", file=None)
    engine = create_engine(fresh.url)
    migrations.migrate(engine)
    assert _shape(opened) == _shape(engine)
    engine.dispose()


def test_its_rows_are_all_there(opened: Engine) -> None:
    rows = list(export_calls(opened, None, None))
    assert [row["provider"] for row in rows] == [
        "openai",
        "openai",
        "gwdg_saia",
        "openai",
        "openai",
    ]
    assert rows[2]["project"] == "thesis"
    assert rows[3]["alias"] == "it's näme"
    assert (rows[0]["cached"], rows[2]["reasoning"], rows[4]["kind"]) == (100, 20, "server")
    assert {row.kind for row in failures(opened, None, None)} == {"throttle", "server"}


def test_its_reports_say_the_same(opened: Engine) -> None:
    total = usage_report(opened, By.ALIAS, None, None).total
    assert (total.requests, total.failed, total.fell_back) == (4, 1, 1)
    assert (total.input_tokens, total.output_tokens, total.unpriced) == (2_700, 250, 1)
    first = 900 * 2e-6 + 100 * 5e-7 + 100 * 8e-6
    assert total.cost_usd == pytest.approx(first + 1_000 * 2e-6 + 100 * 8e-6)


def test_it_is_written_on(opened: Engine) -> None:
    assert add(opened, [request(1, call()), request(9, call())], 2) == 1
    assert usage_report(opened, By.ALIAS, None, None).total.requests == 5


def test_a_command_that_reads_brings_it_forward_too(released: Place) -> None:
    engine = open_for_reading(released)
    assert engine is not None
    with engine.connect() as connection:
        assert version_of(connection) == newest()
    engine.dispose()


@pytest.fixture
def next_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that adds a column to requests."""
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, _add_a_column))


def _add_a_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE requests ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'"))


def test_a_step_forward_keeps_every_row(opened: Engine, next_release: None) -> None:
    assert migrations.migrate(opened) == newest() - 1
    with opened.connect() as connection:
        assert version_of(connection) == newest()
        moods = connection.execute(text("SELECT mood FROM requests")).scalars().all()
    assert moods == ["fine"] * 4
    assert usage_report(opened, By.ALIAS, None, None).total.requests == 4
    assert migrations.migrate(opened) == newest()


def test_a_step_that_fails_changes_nothing(
    opened: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(connection: Connection) -> None:
        _add_a_column(connection)
        raise ZeroDivisionError

    before = _shape(opened)
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, fails))
    with pytest.raises(ZeroDivisionError):
        migrations.migrate(opened)
    assert _shape(opened) == before
    with opened.connect() as connection:
        assert version_of(connection) == newest() - 1


def test_a_database_of_a_newer_release_is_left_alone(
    released: Place, opened: Engine, next_release: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations.migrate(opened)
    monkeypatch.undo()
    before = _shape(opened)
    for opens in (open_for_writing, open_for_reading):
        with pytest.raises(SchemaTooNewError) as raised:
            opens(released)
        assert "update this one" in (raised.value.hint or "")
    assert _shape(opened) == before


def _run(place: Place, script: str) -> None:
    if place.file is not None:
        with closing(sqlite3.connect(place.file)) as connection:
            connection.executescript(script)
        return
    with psycopg.connect(place.url.replace("+psycopg", "")) as server:
        server.execute(script.encode())


def _shape(engine: Engine) -> dict[str, Any]:
    """Everything that a schema consists of, in words that compare."""
    found = inspect(engine)
    return {
        table: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table)],
            found.get_pk_constraint(table)["constrained_columns"],
            sorted((i["name"] or "", i["column_names"]) for i in found.get_indexes(table)),
            sorted(u["column_names"] for u in found.get_unique_constraints(table)),
        )
        for table in sorted(found.get_table_names())
    }
