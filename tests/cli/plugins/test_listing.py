import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from agentbox_cli.providers import registry
from tests.fakes.commandline import Agentbox

RIVAL = """
from agentbox_cli.api import Protocol, ProviderSpec, hookimpl

@hookimpl
def agentbox_providers():
    return [ProviderSpec(name="openai", title="Rival", protocols=frozenset(Protocol))]
"""


@pytest.fixture
def foreign_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken plugin, and one that describes openai as well."""
    (tmp_path / "broken_in_a_test.py").write_text("1 / 0")
    (tmp_path / "rival_in_a_test.py").write_text(RIVAL)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "rival_in_a_test", raising=False)
    foreign = [
        EntryPoint(name=name, value=f"{name}_in_a_test", group="agentbox.plugins")
        for name in ("broken", "rival")
    ]
    points = [*entry_points(group="agentbox.plugins"), *foreign]
    monkeypatch.setattr(registry, "entry_points", lambda **_: points)


def test_the_shape_of_the_json(agentbox: Agentbox) -> None:
    document = agentbox("plugins", "list", "--json").document
    assert document["schema"] == "agentbox.plugins/1"
    plugins = {plugin["name"]: plugin for plugin in document["plugins"]}
    plugins["openai"].pop("version")
    assert plugins["openai"] == snapshot(
        {
            "name": "openai",
            "distribution": "agentbox-cli",
            "state": "loaded",
            "reason": None,
            "providers": ["openai"],
            "agents": [],
        }
    )


@pytest.mark.usefixtures("foreign_plugins")
def test_a_broken_plugin_is_a_line_with_its_reason(agentbox: Agentbox) -> None:
    result = agentbox("plugins", "list")
    assert result.exit_code == 0
    (line,) = [line for line in result.out.splitlines() if line.startswith("broken ")]
    assert line.split(maxsplit=2) == ["broken", "broken", "ZeroDivisionError: division by zero"]


@pytest.mark.usefixtures("foreign_plugins")
def test_two_plugins_with_one_provider_are_told(agentbox: Agentbox) -> None:
    result = agentbox("plugins", "list")
    assert result.err == (
        "warning: provider 'openai' is described by openai (agentbox-cli) and rival; "
        "none of them is used\n"
    )


@pytest.mark.usefixtures("foreign_plugins")
def test_without_plugins_no_foreign_one_is_loaded(agentbox: Agentbox) -> None:
    plugins = agentbox("--no-plugins", "plugins", "list", "--json").document["plugins"]
    states = {plugin["name"]: plugin["state"] for plugin in plugins}
    assert (states["broken"], states["rival"]) == ("disabled", "disabled")
    assert states["openai"] == "loaded"


def test_no_plugin_at_all_is_an_empty_table(
    agentbox: Agentbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda **_: [])
    assert agentbox("plugins", "list").out.splitlines() == [
        "PLUGIN  STATE  DISTRIBUTION  VERSION  DESCRIBES  REASON"
    ]
