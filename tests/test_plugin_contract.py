"""The contract, held by every plugin that is installed here."""

import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from agentbox_cli.providers.hookspecs import ENTRY_POINT_GROUP
from agentbox_cli.testing import PluginContract

INSTALLED = sorted(point.module for point in entry_points(group=ENTRY_POINT_GROUP))

SOUND = """
from agentbox_cli.api import ModelSpec, Protocol, ProviderSpec, hookimpl

@hookimpl
def agentbox_providers():
    return [
        ProviderSpec(
            name={name!r},
            title="Acme",
            protocols=frozenset({{Protocol.OPENAI_CHAT}}),
            api_base="https://api.acme.example/v1",
            api_key_env="ACME_API_KEY",
            models=(ModelSpec(id="acme-1"),),
            {more}
        )
    ]
"""


class TestInstalledPlugins(PluginContract):
    @pytest.fixture(autouse=True, params=INSTALLED)
    def plugin(self, request: pytest.FixtureRequest) -> None:
        self.module = request.param


def test_the_plugins_that_come_with_agentbox_are_installed() -> None:
    assert {"agentbox_plugins.openai", "agentbox_plugins.simulated"} <= set(INSTALLED)


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Writes a plugin and gives its contract."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(more: str = "", *, name: str = "acme", head: str = "") -> PluginContract:
        module = f"acme_plugin_{abs(hash((request.node.name, more, name, head)))}"
        (tmp_path / f"{module}.py").write_text(head + SOUND.format(name=name, more=more))
        request.addfinalizer(lambda: sys.modules.pop(module, None))
        held = PluginContract()
        held.module = module
        return held

    return write


def every_test(contract: PluginContract) -> list[str]:
    """The tests of a contract that fail."""
    failed = []
    for name in [name for name in dir(contract) if name.startswith("test_")]:
        try:
            getattr(contract, name)()
        except AssertionError:
            failed.append(name)
    return failed


def test_a_sound_plugin_holds_the_contract(contract) -> None:
    assert every_test(contract()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('default_aliases={"code": "acme-2"}', "alias 'code' names the unknown model 'acme-2'"),
        ('api_base="http://api.acme.example/v1"', "api_base must be https"),
        ('api_base="https://api.acme.example/v1/"', "without a slash"),
        ('api_key_env="sk-abcdef0123456789"', "api_key_env must be the name of a variable"),
    ],
)
def test_a_faulty_description_does_not_load(contract, more: str, message: str) -> None:
    key = more.partition("=")[0]
    plugin = contract(more)
    path = Path(sys.path[0]) / f"{plugin.module}.py"
    lines = [line for line in path.read_text().splitlines() if more in line or f" {key}=" not in line]
    path.write_text("\n".join(lines))
    with pytest.raises(AssertionError, match=message):
        plugin.test_the_plugin_loads_and_describes_a_provider()


def test_a_key_in_a_description_is_found_and_not_repeated(contract) -> None:
    plugin = contract('docs_url="https://acme.example/?key=sk-abcdef0123456789"')
    with pytest.raises(AssertionError, match="acme holds what looks like a key") as raised:
        plugin.test_no_description_holds_a_key()
    assert "abcdef" not in str(raised.value)


@pytest.mark.parametrize(
    "statement",
    [
        "from agentbox_cli.providers.model import Price",
        "import agentbox_cli.providers.registry",
        "from agentbox_cli import paths",
        "import agentbox_cli",
    ],
)
def test_a_plugin_that_reaches_behind_the_api_is_found(contract, statement: str) -> None:
    plugin = contract(head=f"{statement}\n")
    with pytest.raises(AssertionError, match="only agentbox_cli.api is stable"):
        plugin.test_the_plugin_imports_nothing_of_agentbox_but_the_api()


def test_the_api_may_be_imported_by_either_statement(contract) -> None:
    plugin = contract(head="from agentbox_cli import api\nimport agentbox_cli.api\n")
    plugin.test_the_plugin_imports_nothing_of_agentbox_but_the_api()


def test_a_header_in_upper_case_is_found(contract) -> None:
    window = "QuotaWindow(name='day', limit_header='X-Limit', remaining_header='x-left', seconds=1)"
    plugin = contract(
        f"quota_windows=({window},)", head="from agentbox_cli.api import QuotaWindow\n"
    )
    with pytest.raises(AssertionError, match="'X-Limit' is not in lower case"):
        plugin.test_each_header_is_in_lower_case()
