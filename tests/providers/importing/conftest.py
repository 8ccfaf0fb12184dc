from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentbox_cli.providers.importing.convert import convert
from agentbox_cli.providers.importing.model import Imported, Source
from agentbox_cli.providers.registry import PluginChoice, Registry, discover

FILES = Path(__file__).parents[2] / "data" / "import"

Convert = Callable[..., Imported]


@pytest.fixture(scope="session")
def registry() -> Registry:
    """What our own plugins describe."""
    return discover(PluginChoice(bundled_only=True))


@pytest.fixture
def converted(registry: Registry) -> Convert:
    """Imports one of the source files, or a text."""

    def run(
        name: str,
        text: str | None = None,
        environ: Mapping[str, str] | None = None,
        source: Source | None = None,
    ) -> Imported:
        told = (FILES / name).read_text() if text is None else text
        return convert(told, name, registry, environ or {}, source)

    return run
