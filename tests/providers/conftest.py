import itertools
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from agentbox_cli.providers.hookspecs import ENTRY_POINT_GROUP

WritePlugin = Callable[..., EntryPoint]

SOUND = """
from agentbox_cli.api import Protocol, ProviderSpec, hookimpl

@hookimpl
def agentbox_providers():
    return [
        ProviderSpec(
            name="{provider}",
            title="{provider}",
            protocols=frozenset({{Protocol.OPENAI_CHAT}}),
            api_base="https://api.{provider}.example/v1",
        )
    ]
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePlugin]:
    """Writes a plugin's module, a sound one unless a text is given, and gives its entry point."""
    numbers = itertools.count()
    written = []

    def write(name: str = "acme", text: str | None = None, provider: str = "acme") -> EntryPoint:
        module = f"plugin_in_a_test_{next(numbers)}"
        written.append(module)
        (tmp_path / f"{module}.py").write_text(text or SOUND.format(provider=provider))
        return EntryPoint(name=name, value=module, group=ENTRY_POINT_GROUP)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield write
    for module in written:
        sys.modules.pop(module, None)
