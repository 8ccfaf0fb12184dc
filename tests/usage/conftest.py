from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from agentbox_cli.usage.database import Place, open_for_writing, place_of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return place_of(None, tmp_path / "usage.db")


@pytest.fixture
def database(place: Place) -> Iterator[Engine]:
    engine = open_for_writing(place).engine
    yield engine
    engine.dispose()
