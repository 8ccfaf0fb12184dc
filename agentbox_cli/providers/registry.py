"""Plugins found, loaded one by one, and the providers and agents they describe.

A broken plugin is recorded with its reason and disabled; it never takes the others with it.
pluggy's own entry-point loading is all or nothing, so each plugin gets its own plugin manager.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import pluggy

from agentbox_cli.providers import hookspecs
from agentbox_cli.providers.agent import AgentSpec
from agentbox_cli.providers.model import ProviderSpec

PROVIDER_NAME = re.compile(r"[a-z][a-z0-9_-]*")
# What YAML 1.1 or 1.2 reads as something other than text.
YAML_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
VERSION = re.compile(r"\d+(\.\d+)*")
BUNDLED_PACKAGE = "agentbox_plugins"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

# Name and version of a distribution.
Origin = tuple[str | None, str | None]


class PluginState(StrEnum):
    """What became of a plugin."""

    LOADED = "loaded"
    DISABLED = "disabled"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRecord:
    """A plugin that was found, and what became of it."""

    name: str
    distribution: str | None
    version: str | None
    state: PluginState
    reason: str | None = None
    specs: tuple[ProviderSpec, ...] = ()
    agents: tuple[AgentSpec, ...] = ()

    @property
    def label(self) -> str:
        """The plugin with the distribution that brought it."""
        return f"{self.name} ({self.distribution})" if self.distribution else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All plugins and the providers that exactly one of them describes.

    Args:
        plugins: every plugin found, loaded or not, in the order of their names.
        providers: provider by name.
        origins: the plugin that describes a provider, by the provider's name.
        conflicts: provider names that several plugins claim, with these plugins. None wins.
        agents: coding agent by name.
        agent_conflicts: agent names that several plugins claim, with these plugins. None wins.
    """

    plugins: tuple[PluginRecord, ...]
    providers: Mapping[str, ProviderSpec]
    origins: Mapping[str, PluginRecord]
    conflicts: Mapping[str, tuple[PluginRecord, ...]]
    agents: Mapping[str, AgentSpec] = field(default_factory=dict)
    agent_conflicts: Mapping[str, tuple[PluginRecord, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginChoice:
    """Which plugins the user wants.

    Args:
        only: load these and no others; None for all.
        without: never load these.
        bundled_only: load only what comes with agentbox.
    """

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    bundled_only: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "PluginChoice":
        """Read `AGENTBOX_LOAD_PLUGINS`, `AGENTBOX_DISABLE_PLUGINS` and `AGENTBOX_NO_PLUGINS`."""
        only = environ.get("AGENTBOX_LOAD_PLUGINS")
        return cls(
            only=None if only is None else _names(only),
            without=_names(environ.get("AGENTBOX_DISABLE_PLUGINS", "")),
            bundled_only=environ.get("AGENTBOX_NO_PLUGINS", "") not in {"", "0"},
        )


def discover(
    choice: PluginChoice | None = None, found: Iterable[EntryPoint] | None = None
) -> Registry:
    """Load the installed plugins and collect what they describe.

    Args:
        choice: which plugins to load; by default what the environment says.
        found: the entry points to consider; by default those that are installed.
    """
    chosen = choice or PluginChoice.from_environ(os.environ)
    points = entry_points(group=hookspecs.ENTRY_POINT_GROUP) if found is None else found
    # A distribution is asked once, because each answer reads and parses a file.
    origins: dict[int, Origin] = {}
    named = [(point, _origin(point, origins)) for point in points]
    ordered = sorted(named, key=lambda each: (each[0].name, each[1][0] or ""))
    return collect(_load(point, origin, chosen) for point, origin in ordered)


def collect(records: Iterable[PluginRecord]) -> Registry:
    """Make a registry of plugin records; a name claimed twice belongs to nobody."""
    plugins = tuple(records)
    providers = _Claims((each, spec) for each in plugins for spec in each.specs)
    agents = _Claims((each, agent) for each in plugins for agent in each.agents)
    return Registry(
        plugins=plugins,
        providers=providers.single(),
        origins=providers.origins(),
        conflicts=providers.conflicts(),
        agents=agents.single(),
        agent_conflicts=agents.conflicts(),
    )


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Spec = TypeVar("Spec", bound=_Named)


class _Claims(Generic[Spec]):
    """Who describes which name; the order is that of the plugins."""

    def __init__(self, claims: Iterable[tuple[PluginRecord, Spec]]) -> None:
        self._claims: defaultdict[str, list[tuple[PluginRecord, Spec]]] = defaultdict(list)
        for plugin, spec in claims:
            self._claims[spec.name].append((plugin, spec))

    def single(self) -> Mapping[str, Spec]:
        found = {name: claim[0][1] for name, claim in self._claims.items() if len(claim) == 1}
        return MappingProxyType(found)

    def origins(self) -> Mapping[str, PluginRecord]:
        found = {name: claim[0][0] for name, claim in self._claims.items() if len(claim) == 1}
        return MappingProxyType(found)

    def conflicts(self) -> Mapping[str, tuple[PluginRecord, ...]]:
        found = {
            name: tuple(plugin for plugin, _ in claim)
            for name, claim in self._claims.items()
            if len(claim) > 1
        }
        return MappingProxyType(found)


def spec_problems(spec: ProviderSpec) -> list[str]:
    """Say everything that is wrong with a provider's description; empty if nothing is."""
    problems = (*_identity_problems(spec), *_model_problems(spec), *_pattern_problems(spec))
    return [f"provider {spec.name}: {problem}" for problem in problems]


def agent_problems(agent: AgentSpec) -> list[str]:
    """Say everything that is wrong with an agent's description; empty if nothing is."""
    return [f"agent {agent.name}: {problem}" for problem in _agent_problems(agent)]


def _agent_problems(agent: AgentSpec) -> Iterator[str]:
    if not PROVIDER_NAME.fullmatch(agent.name):
        yield "its name must be a plain word: lower-case letters, digits, _ and -"
    if not agent.program or "/" in agent.program:
        yield "program must be the name of a command"
    if (agent.launch is None) != (agent.protocol is None):
        yield "launch and protocol belong together"
    if agent.launch is None and agent.tools is None and agent.server is None:
        yield "it can neither be started against the proxy nor be given tools"
    if agent.minimum is not None and not VERSION.fullmatch(agent.minimum):
        yield "minimum must be a version such as 2.0.0"


def _identity_problems(spec: ProviderSpec) -> Iterator[str]:
    if not PROVIDER_NAME.fullmatch(spec.name) or spec.name in YAML_WORDS:
        yield "its name must be a plain YAML key: lower-case letters, digits, _ and -"
    if not spec.protocols and not spec.litellm_prefix:
        yield "it speaks no protocol and has no LiteLLM prefix"
    if spec.api_base is not None and not _is_safe_address(spec.api_base):
        yield "api_base must be https, or on this machine, without a slash at its end"
    if spec.api_key_env is not None and not VARIABLE_NAME.fullmatch(spec.api_key_env):
        yield "api_key_env must be the name of a variable"  # it may hold a key, so it is not shown


def _model_problems(spec: ProviderSpec) -> Iterator[str]:
    ids = Counter(model.id for model in spec.models)
    for model, number in ids.items():
        if number > 1:
            yield f"model {model!r} is listed twice"
    for alias, model in spec.default_aliases.items():
        if model not in ids:
            yield f"alias {alias!r} names the unknown model {model!r}"


def _pattern_problems(spec: ProviderSpec) -> Iterator[str]:
    for pattern in spec.error_patterns:
        try:
            re.compile(pattern.pattern)
        except re.error as error:
            yield f"error pattern {pattern.pattern!r}: {error}"


def _load(point: EntryPoint, origin: Origin, choice: PluginChoice) -> PluginRecord:
    distribution, version = origin
    record = PluginRecord(
        name=point.name, distribution=distribution, version=version, state=PluginState.DISABLED
    )
    unwanted = _unwanted(point, choice)
    if unwanted:
        return replace(record, reason=unwanted)
    try:
        specs, agents = _told_by(point)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may even call sys.exit on import
        return replace(record, state=PluginState.BROKEN, reason=_one_line(error))
    return replace(record, state=PluginState.LOADED, specs=specs, agents=agents)


def _told_by(point: EntryPoint) -> tuple[tuple[ProviderSpec, ...], tuple[AgentSpec, ...]]:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    hooks = (manager.hook.agentbox_providers, manager.hook.agentbox_agents)
    if not any(hook.get_hookimpls() for hook in hooks):
        raise TypeError("implements no hook of agentbox (is @hookimpl missing?)")
    providers, agents = hooks
    return (
        _answers(providers, ProviderSpec, spec_problems),
        _answers(agents, AgentSpec, agent_problems),
    )


def _answers(
    hook: pluggy.HookCaller, kind: type[Spec], problems_of: Callable[[Spec], list[str]]
) -> tuple[Spec, ...]:
    if not hook.get_hookimpls():
        return ()
    answers = hook() or [None]  # pluggy leaves out None
    return tuple(spec for answer in answers for spec in _checked(hook, answer, kind, problems_of))


def _checked(
    hook: pluggy.HookCaller,
    answer: Any,
    kind: type[Spec],
    problems_of: Callable[[Spec], list[str]],
) -> list[Spec]:
    if not isinstance(answer, list):
        raise TypeError(f"{hook.name} returned {type(answer).__name__}, not a list")
    for spec in answer:
        if not isinstance(spec, kind):
            raise TypeError(f"{hook.name} returned {type(spec).__name__}, not {kind.__name__}")
    names = Counter(spec.name for spec in answer)
    what = "provider" if kind is ProviderSpec else "agent"
    problems = [f"{what} {name} is described twice" for name, n in names.items() if n > 1]
    problems += [problem for spec in answer for problem in problems_of(spec)]
    if problems:
        raise ValueError("; ".join(problems))
    return answer


def _one_line(error: BaseException) -> str:
    # pluggy spreads its reasons over several lines.
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _unwanted(point: EntryPoint, choice: PluginChoice) -> str | None:
    if point.name in choice.without:
        return "disabled by AGENTBOX_DISABLE_PLUGINS"
    if choice.only is not None and point.name not in choice.only:
        return "not in AGENTBOX_LOAD_PLUGINS"
    if choice.bundled_only and point.module.partition(".")[0] != BUNDLED_PACKAGE:
        return "not one of agentbox's own (--no-plugins)"
    return None


def _origin(point: EntryPoint, known: dict[int, Origin]) -> Origin:
    """Name and version of the distribution that brings a plugin."""
    if point.dist is None:
        return None, None
    about = id(point.dist)
    if about not in known:
        known[about] = (point.dist.name, point.dist.version)
    return known[about]


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _is_safe_address(address: str) -> bool:
    parts = urlsplit(address)
    if not parts.hostname or address.endswith("/"):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)
