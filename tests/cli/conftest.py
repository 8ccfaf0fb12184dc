import shutil
from pathlib import Path

import pytest

SEED = Path(__file__).parent.parent / "data" / "seed-config.yml"


@pytest.fixture
def config_yml(home: Path) -> Path:
    """The place of the user's config.yml, which does not exist yet."""
    file = home / "config" / "agentbox" / "config.yml"
    file.parent.mkdir(parents=True)
    return file


@pytest.fixture
def seed(config_yml: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example that must work as it stands, with three keys."""
    shutil.copy(SEED, config_yml)
    for name in ("OPENAI_API_KEY", "GWDG_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, f"dummy-{name.lower()}")
    return config_yml
