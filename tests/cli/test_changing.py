"""What every command that changes config.yml shares."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agentbox_cli.config import document
from agentbox_cli.config.grow import grow
from agentbox_cli.providers import registry
from tests.fakes.commandline import Agentbox


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often plugins are looked up, and how often each text is read as YAML."""
    found: Counter[str] = Counter()
    discover = registry.discover

    def count_discover(*arguments: Any) -> Any:
        found["plugins"] += 1
        return discover(*arguments)

    def count_grow(text: str) -> Any:
        found[text] += 1
        return grow(text)

    monkeypatch.setattr(registry, "discover", count_discover)
    monkeypatch.setattr(document, "grow", count_grow)
    document._grown.cache_clear()
    return found


@pytest.mark.parametrize(
    "line",
    [
        "config set litellm.port 4001",
        "config set litellm.port 4002 --dry-run",
        "config unset litellm.router.timeout --json",
        "litellm models move default 2 1",
        "litellm providers add simulated",
    ],
)
def test_a_change_asks_plugins_once_and_reads_no_text_twice(
    agentbox: Agentbox, seed: Path, counted: Counter[str], line: str
) -> None:
    before = seed.read_text()
    assert agentbox(*line.split()).exit_code == 0
    assert counted["plugins"] == 1
    after = seed.read_text()
    assert counted[before] == 1
    assert max(counted.values()) == 1
    assert after != before or "--dry-run" in line


def test_of_a_long_config_only_the_changed_lines_are_read_a_second_time(
    agentbox: Agentbox, seed: Path, counted: Counter[str]
) -> None:
    more = "".join(f"    a{number}:\n      - provider: openai\n" for number in range(60))
    more = more.replace("openai\n", "openai\n        model: gpt-4o\n")
    before = seed.read_text().replace("  models:\n", f"  models:\n{more}")
    seed.write_text(before)
    assert agentbox("config", "set", "litellm.router.timeout", "90").exit_code == 0
    assert seed.read_text() == before.replace("timeout: 120", "timeout: 90")
    assert counted.pop(before) == 1
    assert max(len(text) for text in counted) < len(before) / 3
