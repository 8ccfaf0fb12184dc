from collections.abc import Callable
from importlib.metadata import Distribution, EntryPoint
from typing import Any

import pytest

from agentbox_cli.providers.registry import (
    PluginChoice,
    PluginState,
    Registry,
    discover,
)

WritePlugin = Callable[..., EntryPoint]

HOOK = "from agentbox_cli.api import hookimpl\n@hookimpl\ndef agentbox_providers"
ALL = PluginChoice()


def states(registry: Registry) -> dict[str, str]:
    return {plugin.name: plugin.state.value for plugin in registry.plugins}


def test_a_sound_plugin_is_loaded_with_its_providers(plugin: WritePlugin) -> None:
    registry = discover(ALL, [plugin()])
    (record,) = registry.plugins
    assert record.state is PluginState.LOADED
    assert record.reason is None
    assert list(registry.providers) == ["acme"]
    assert registry.origins["acme"] is record


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import not_a_module_anywhere", "ModuleNotFoundError: No module named"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("1 +", "SyntaxError: invalid syntax"),
        ("raise RuntimeError('first\\nsecond')", "RuntimeError: first second"),
        (f"{HOOK}(): return None", "TypeError: agentbox_providers returned NoneType, not a list"),
        (f"{HOOK}(): return 'acme'", "TypeError: agentbox_providers returned str, not a list"),
        (f"{HOOK}(): return [{{}}]", "returned dict, not ProviderSpec"),
        (f"{HOOK}(): raise ValueError('no')", "ValueError: no"),
        (f"{HOOK}(colour): return []", "can not be found in the hookspec"),
        (f"{HOOK}s_(): return []", "unknown hook 'agentbox_providerss_'"),
        ("def agentbox_providers(): return []", "implements no hook of agentbox"),
        ("", "implements no hook of agentbox"),
    ],
)
def test_a_broken_plugin_is_recorded_with_its_reason(
    plugin: WritePlugin, text: str, reason: str
) -> None:
    registry = discover(ALL, [plugin("broken", text or "# nothing"), plugin("sound")])
    assert states(registry) == {"broken": "broken", "sound": "loaded"}
    assert reason in (registry.plugins[0].reason or "")
    assert "\n" not in (registry.plugins[0].reason or "")
    assert list(registry.providers) == ["acme"]


def test_a_distribution_is_asked_for_its_name_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    read = Distribution.metadata.fget  # type: ignore[attr-defined] # it is a property

    def metadata(distribution: Distribution) -> Any:
        asked.append(distribution)
        return read(distribution)

    monkeypatch.setattr(Distribution, "metadata", property(metadata))
    loaded = [plugin for plugin in discover(ALL).plugins if plugin.distribution == "agentbox-cli"]
    assert len(loaded) >= 4
    assert len(asked) == 2 * len({id(distribution) for distribution in asked})  # name, version


def test_a_plugin_that_describes_nothing_is_loaded(plugin: WritePlugin) -> None:
    registry = discover(ALL, [plugin(text=f"{HOOK}(): return []")])
    assert states(registry) == {"acme": "loaded"}
    assert not registry.providers


def test_an_interrupt_while_plugins_load_is_no_broken_plugin(plugin: WritePlugin) -> None:
    with pytest.raises(KeyboardInterrupt):
        discover(ALL, [plugin(text="raise KeyboardInterrupt")])


def test_one_plugin_that_describes_a_provider_twice_is_broken(plugin: WritePlugin) -> None:
    spec = "ProviderSpec(name='acme', title='Acme', protocols=frozenset(Protocol))"
    text = f"from agentbox_cli.api import *\n{HOOK}(): return 2 * [{spec}]"
    (record,) = discover(ALL, [plugin(text=text)]).plugins
    assert record.reason == "ValueError: provider acme is described twice"


def test_of_two_plugins_with_one_provider_neither_wins(plugin: WritePlugin) -> None:
    registry = discover(ALL, [plugin("one"), plugin("two"), plugin("three", provider="other")])
    assert list(registry.providers) == ["other"]
    assert [record.label for record in registry.conflicts["acme"]] == ["one", "two"]
    assert states(registry) == {"one": "loaded", "three": "loaded", "two": "loaded"}


def test_plugins_are_in_the_order_of_their_names(plugin: WritePlugin) -> None:
    points = [plugin(name, provider=name) for name in ("b", "c", "a")]
    assert [record.name for record in discover(ALL, points).plugins] == ["a", "b", "c"]


def test_an_unwanted_plugin_is_not_even_imported(plugin: WritePlugin) -> None:
    point = plugin("acme", "raise RuntimeError")
    registry = discover(PluginChoice(without=frozenset({"acme"})), [point])
    assert states(registry) == {"acme": "disabled"}
    assert registry.plugins[0].reason == "disabled by AGENTBOX_DISABLE_PLUGINS"


@pytest.mark.parametrize(
    ("variables", "loaded"),
    [
        ({}, {"one", "two"}),
        ({"AGENTBOX_LOAD_PLUGINS": "one"}, {"one"}),
        ({"AGENTBOX_LOAD_PLUGINS": " two , one,"}, {"one", "two"}),
        ({"AGENTBOX_LOAD_PLUGINS": ""}, set()),
        ({"AGENTBOX_LOAD_PLUGINS": "unknown"}, set()),
        ({"AGENTBOX_DISABLE_PLUGINS": ""}, {"one", "two"}),
        ({"AGENTBOX_DISABLE_PLUGINS": "one,unknown"}, {"two"}),
        ({"AGENTBOX_LOAD_PLUGINS": "one", "AGENTBOX_DISABLE_PLUGINS": "one"}, set()),
        ({"AGENTBOX_NO_PLUGINS": "1"}, set()),
        ({"AGENTBOX_NO_PLUGINS": "0"}, {"one", "two"}),
    ],
)
def test_the_environment_chooses_the_plugins(
    plugin: WritePlugin, variables: dict[str, str], loaded: set[str]
) -> None:
    points = [plugin("one", provider="one"), plugin("two", provider="two")]
    registry = discover(PluginChoice.from_environ(variables), points)
    assert {name for name, state in states(registry).items() if state == "loaded"} == loaded
    assert all(record.reason for record in registry.plugins if record.name not in loaded)


def test_without_plugins_our_own_are_left() -> None:
    registry = discover(PluginChoice(bundled_only=True))
    assert {"anthropic", "gwdg_saia", "openai", "simulated"} <= set(registry.providers)
    assert {record.distribution for record in registry.plugins if record.specs} == {"agentbox-cli"}


def test_the_environment_of_the_process_counts_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AGENTBOX_LOAD_PLUGINS", "openai")
    assert list(discover().providers) == ["openai"]
