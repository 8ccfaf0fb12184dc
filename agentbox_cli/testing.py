"""The contract of a plugin, as tests for its author to inherit.

    from agentbox_cli.testing import PluginContract

    class TestMyPlugin(PluginContract):
        module = "agentbox_acme"

pytest collects the inherited tests; this module itself needs no pytest.
"""
# ruff: noqa: D102 - the name of a test is its sentence

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint

from pydantic import SecretStr

from agentbox_cli.config.document import parse
from agentbox_cli.config.dummy import DUMMY_KEY
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.redaction import redact
from agentbox_cli.config.secrets import Found
from agentbox_cli.config.shapes import HEADER_NAME
from agentbox_cli.providers import registry
from agentbox_cli.providers.agent import (
    AgentSpec,
    Alias,
    Connection,
    Settings,
    ToolProgram,
)
from agentbox_cli.providers.hookspecs import ENTRY_POINT_GROUP
from agentbox_cli.providers.model import ProviderSpec
from agentbox_cli.providers.registry import PluginChoice, PluginRecord, PluginState
from agentbox_cli.providers.resolve import resolve
from agentbox_cli.providers.resolved import Lane

_API = ["agentbox_cli.api"]
_KEY = "key-of-the-contract"

# Notes each import statement of the plugin that names us, and prints what is not the API.
_WATCH_IMPORTS = """
import builtins, importlib, json, sys
plugin, seen, real = sys.argv[1], set(), builtins.__import__
def watch(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "").partition(".")[0]
    if level == 0 and importer == plugin.partition(".")[0]:
        plain = name != "agentbox_cli"
        seen.update([name] if plain else [f"{name}.{part}" for part in fromlist or ["*"]])
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = watch
importlib.import_module(plugin)
print(json.dumps(sorted(name for name in seen if name.startswith("agentbox_cli"))))
"""


class PluginContract:
    """What every plugin holds; inherit from it and name your plugin's module.

    Attributes:
        module: the module that the entry point of the group `agentbox.plugins` names.
    """

    module: str

    def test_the_plugin_loads_and_describes_something(self) -> None:
        record = self._record()
        _hold([] if record.state is PluginState.LOADED else [f"{record.state}: {record.reason}"])
        described = record.specs or record.agents
        _hold([] if described else [f"{self.module} describes no provider and no agent"])

    def test_the_plugin_imports_nothing_of_agentbox_but_the_api(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _WATCH_IMPORTS, self.module],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        _hold([done.stderr] if done.returncode else [])
        extra = [name for name in json.loads(done.stdout) if name not in _API]
        _hold(f"{self.module} imports {name}; only {_API[0]} is stable" for name in extra)

    def test_each_provider_name_is_a_yaml_key(self) -> None:
        _hold(
            f"{spec.name!r} is not a plain YAML key"
            for spec in self._specs()
            if list(parse(f"{spec.name}: x\n", "a provider's name").data) != [spec.name]
        )

    def test_no_description_holds_a_key(self) -> None:
        # Only the name is told: the description may hold the key.
        _hold(
            f"the description of {spec.name} holds what looks like a key"
            for spec in self._specs()
            if redact(repr(spec), ()) != repr(spec)
        )

    def test_each_quota_header_can_be_a_header(self) -> None:
        _hold(
            f"{spec.name}: {header!r} is no name of a header"
            for spec in self._specs()
            for window in spec.quota_windows
            for header in (window.limit_header, window.remaining_header, window.reset_header)
            if header is not None and not HEADER_NAME.fullmatch(header)
        )

    def test_each_provider_works_in_a_config(self) -> None:
        _hold(problem for spec in self._specs() for problem in _problems_in_a_config(spec))

    def test_each_agent_can_be_started_against_the_proxy(self) -> None:
        _hold(
            f"{agent.name}: {problem}"
            for agent in self._record().agents
            for problem in _problems_of_an_agent(agent)
        )

    def test_no_settings_of_an_agent_hold_a_key(self) -> None:
        # Where the proxy wants one, they may name the command that prints it.
        _hold(
            f"{agent.name} would write the proxy's key into its config"
            for agent in self._record().agents
            if agent.settings is not None
            and agent.key_command
            and _KEY in repr(agent.settings(_connection(key=_KEY, key_command="agentbox x")))
        )

    def test_the_hook_answers_the_same_each_time(self) -> None:
        first, second = self._record(), self._record()
        same = (first.specs, first.agents) == (second.specs, second.agents)
        _hold([] if same else [f"{self.module} is not plain data"])

    def _record(self) -> PluginRecord:
        point = EntryPoint(name="plugin", value=self.module, group=ENTRY_POINT_GROUP)
        (record,) = registry.discover(PluginChoice(), [point]).plugins
        return record

    def _specs(self) -> tuple[ProviderSpec, ...]:
        return self._record().specs


def _problems_of_an_agent(agent: AgentSpec) -> Iterator[str]:
    to = _connection()
    if agent.launch is not None:
        launch = agent.launch(to)
        told = repr((launch, agent.settings(to) if launch.overlay and agent.settings else ()))
        if launch != agent.launch(to):
            yield "launch gives something else each time"
        if to.url not in told:
            yield "launch does not name the address of the proxy"
    places = [each for made in _settings_of(agent, to) for each in made]
    yield from (f"{each.path} is no path" for each in places if each.path[:1] not in "/~$")
    yield from (f"{each.path} gets no value" for each in places if not each.values)


def _settings_of(agent: AgentSpec, to: Connection) -> Iterator[tuple[Settings, ...]]:
    if agent.settings is not None:
        yield agent.settings(to)
    if agent.tools is not None:
        yield agent.tools(f"{to.url}/mcp")
    if agent.server is not None:
        yield agent.server(ToolProgram(command="/bin/agentbox", args=("serve",)))


def _connection(*, key: str = DUMMY_KEY, key_command: str | None = None) -> Connection:
    aliases = (Alias(name="code", context_window=100_000), Alias(name="fast"))
    return Connection(
        url="http://127.0.0.1:4321",
        model=aliases[0],
        fast=aliases[1],
        aliases=aliases,
        key=key,
        key_command=key_command,
    )


def _problems_in_a_config(spec: ProviderSpec) -> list[str]:
    """Put every model into a chain of its own and resolve it, with a key for every variable."""
    chains = {
        f"alias-{number}": [{"provider": spec.name, "model": model.id}]
        for number, model in enumerate(spec.models)
    }
    config = {"litellm": {"providers": {spec.name: {}}, "models": chains}}
    record = PluginRecord(
        name=spec.name,
        distribution=None,
        version=None,
        state=PluginState.LOADED,
        specs=(spec,),
    )
    resolved, issues = resolve(
        HostConfig.model_validate(config), registry.collect([record]), _dummy_key
    )
    problems = [f"{spec.name}: {issue.message}" for issue in issues]
    problems += [
        f"{name} can be called on no endpoint"
        for name, deployment in resolved.deployments().items()
        if set(deployment.lanes().values()) == {Lane.NONE.value}
    ]
    if spec.api_base is None and not spec.served_here and not spec.litellm_prefix:
        problems.append(f"{spec.name}: nobody knows its address")
    return problems


def _dummy_key(_: str) -> Found:
    return Found(value=SecretStr("dummy-key"), source="the contract")


def _hold(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise AssertionError("\n".join(found))
