"""The contract, held by every plugin that is installed here."""

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from agentbox_cli.providers.hookspecs import ENTRY_POINT_GROUP
from agentbox_cli.testing import PluginContract

INSTALLED = sorted(point.module for point in entry_points(group=ENTRY_POINT_GROUP))

PLUGIN = """
from agentbox_cli.api import ModelSpec, Protocol, ProviderSpec, QuotaWindow, hookimpl

@hookimpl
def agentbox_providers():
    return [ProviderSpec({fields})]
"""

# Field of ProviderSpec to Python text.
SOUND = {
    "name": "'acme'",
    "title": "'Acme'",
    "protocols": "frozenset({Protocol.OPENAI_CHAT})",
    "api_base": "'https://api.acme.example/v1'",
    "api_key_env": "'ACME_API_KEY'",
    "models": "(ModelSpec(id='acme-1'),)",
}

WritePlugin = Callable[[str], PluginContract]


class TestInstalledPlugins(PluginContract):
    @pytest.fixture(autouse=True, params=INSTALLED)
    def plugin(self, request: pytest.FixtureRequest) -> None:
        self.module = request.param


@pytest.fixture
def contract_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePlugin]:
    """Writes a plugin of the given text and gives its contract."""

    def write(text: str) -> PluginContract:
        contract = PluginContract()
        contract.module = "acme_in_a_test"
        (tmp_path / f"{contract.module}.py").write_text(text)
        return contract

    monkeypatch.syspath_prepend(str(tmp_path))
    yield write
    sys.modules.pop("acme_in_a_test", None)


def plugin_with(**changes: str) -> str:
    fields = ", ".join(f"{name}={text}" for name, text in (SOUND | changes).items())
    return PLUGIN.format(fields=fields)


def broken_tests(contract: PluginContract) -> list[str]:
    failed = []
    for name in [name for name in dir(contract) if name.startswith("test_")]:
        try:
            getattr(contract, name)()
        except AssertionError:
            failed.append(name)
    return failed


def test_the_plugins_that_come_with_agentbox_are_installed() -> None:
    assert {"agentbox_plugins.openai", "agentbox_plugins.simulated"} <= set(INSTALLED)


def test_a_sound_plugin_holds_the_contract(contract_of: WritePlugin) -> None:
    assert broken_tests(contract_of(plugin_with())) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "'no'", "its name must be a plain YAML key"),
        ("name", "'Acme Inc'", "its name must be a plain YAML key"),
        ("protocols", "frozenset()", "speaks no protocol"),
        ("api_base", "'http://api.acme.example/v1'", "api_base must be https"),
        ("api_base", "'https://api.acme.example/v1/'", "without a slash"),
        ("api_base", "'api.acme.example/v1'", "api_base must be https"),
        ("api_key_env", "'sk-abcdef0123456789'", "api_key_env must be the name of a variable"),
        ("models", "(ModelSpec(id='a'), ModelSpec(id='a'))", "model 'a' is listed twice"),
        ("default_aliases", "{'code': 'acme-2'}", "alias 'code' names the unknown model 'acme-2'"),
    ],
)
def test_a_plugin_with_an_unsound_description_does_not_load(
    contract_of: WritePlugin, field: str, value: str, message: str
) -> None:
    contract = contract_of(plugin_with(**{field: value}))
    with pytest.raises(AssertionError, match=message) as raised:
        contract.test_the_plugin_loads_and_describes_something()
    assert "abcdef" not in str(raised.value)


def test_an_address_on_this_machine_needs_no_https(contract_of: WritePlugin) -> None:
    assert broken_tests(contract_of(plugin_with(api_base="'http://127.0.0.1:11434/v1'"))) == []


def test_a_key_in_a_description_is_found_and_not_repeated(contract_of: WritePlugin) -> None:
    contract = contract_of(plugin_with(docs_url="'https://acme.example/?key=sk-abcdef0123456789'"))
    with pytest.raises(AssertionError, match="acme holds what looks like a key") as raised:
        contract.test_no_description_holds_a_key()
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
def test_a_plugin_that_reaches_behind_the_api_is_found(
    contract_of: WritePlugin, statement: str
) -> None:
    contract = contract_of(f"{statement}\n{plugin_with()}")
    with pytest.raises(AssertionError, match=r"only agentbox_cli\.api is stable"):
        contract.test_the_plugin_imports_nothing_of_agentbox_but_the_api()


def test_the_api_may_be_imported_by_any_statement(contract_of: WritePlugin) -> None:
    head = "from agentbox_cli import api\nimport agentbox_cli.api\n"
    contract_of(head + plugin_with()).test_the_plugin_imports_nothing_of_agentbox_but_the_api()


def test_a_quota_header_with_a_blank_is_found(contract_of: WritePlugin) -> None:
    window = "QuotaWindow(name='day', limit_header='X Limit', remaining_header='left', seconds=1)"
    contract = contract_of(plugin_with(quota_windows=f"({window},)"))
    with pytest.raises(AssertionError, match="'X Limit' is no name of a header"):
        contract.test_each_quota_header_can_be_a_header()


def test_a_model_that_no_endpoint_serves_is_found(contract_of: WritePlugin) -> None:
    contract = contract_of(plugin_with(protocols="frozenset({Protocol.OPENAI_EMBEDDINGS})"))
    with pytest.raises(AssertionError, match="acme/acme-1 can be called on no endpoint"):
        contract.test_each_provider_works_in_a_config()


def test_a_provider_without_an_address_is_found(contract_of: WritePlugin) -> None:
    contract = contract_of(plugin_with(api_base="None"))
    with pytest.raises(AssertionError, match="acme: nobody knows its address"):
        contract.test_each_provider_works_in_a_config()


def test_a_hook_that_answers_differently_each_time_is_found(contract_of: WritePlugin) -> None:
    contract = contract_of(
        "import itertools\nturn = itertools.count()\n" + plugin_with(rank="next(turn)")
    )
    with pytest.raises(AssertionError, match="is not plain data"):
        contract.test_the_hook_answers_the_same_each_time()


AGENT = """
from agentbox_cli.api import AgentSpec, Launch, Protocol, Settings, SettingsFormat, hookimpl

def launch(to):
    return Launch(env={{"ACME_URL": {address}}})

def settings(to):
    return (Settings(path={path}, format=SettingsFormat.JSON, values=((("key",), to.key),)),)

@hookimpl
def agentbox_agents():
    return [AgentSpec(name={name}, title="Acme", program="acme", install="x", key_command=True,
                      protocol=Protocol.OPENAI_CHAT, launch=launch, settings=settings)]
"""
SOUND_AGENT = {"name": "'acme'", "address": "to.v1", "path": "'~/.acme.json'"}


def test_a_sound_agent_loads(contract_of: WritePlugin) -> None:
    contract = contract_of(AGENT.format(**SOUND_AGENT))
    contract.test_the_plugin_loads_and_describes_something()
    contract.test_each_agent_can_be_started_against_the_proxy()
    contract.test_the_hook_answers_the_same_each_time()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"address": "'http://elsewhere'"}, "launch does not name the address of the proxy"),
        ({"path": "'acme.json'"}, r"acme\.json is no path"),
    ],
)
def test_an_agent_that_would_not_reach_the_proxy_is_found(
    contract_of: WritePlugin, changes: dict[str, str], message: str
) -> None:
    contract = contract_of(AGENT.format(**SOUND_AGENT | changes))
    with pytest.raises(AssertionError, match=message):
        contract.test_each_agent_can_be_started_against_the_proxy()


def test_an_agent_that_writes_a_key_where_a_command_would_do_is_found(
    contract_of: WritePlugin,
) -> None:
    contract = contract_of(AGENT.format(**SOUND_AGENT))
    with pytest.raises(AssertionError, match="acme would write the proxy's key into its config"):
        contract.test_no_settings_of_an_agent_hold_a_key()


def test_an_agent_with_an_odd_name_does_not_load(contract_of: WritePlugin) -> None:
    contract = contract_of(AGENT.format(**SOUND_AGENT | {"name": "'Acme Inc'"}))
    with pytest.raises(AssertionError, match="its name must be a plain word"):
        contract.test_the_plugin_loads_and_describes_something()
