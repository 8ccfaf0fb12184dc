from pathlib import Path

import pytest


@pytest.fixture
def seed() -> Path:
    """The example that must work as it stands."""
    return Path(__file__).parent.parent / "data" / "seed-config.yml"
