from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from agentbox_cli.usage.database import Place, open_for_writing, place_of
from tests.fakes.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def file_place(tmp_path: Path) -> Place:
    return place_of(None, tmp_path / "usage.db")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, file_place: Place) -> Place:
    if request.param == "sqlite":
        return file_place
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def database(place: Place) -> Iterator[Engine]:
    engine = open_for_writing(place).engine
    yield engine
    engine.dispose()
