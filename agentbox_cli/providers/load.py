"""From a config file to everything resolved, in one call, for the shell and for the daemon."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agentbox_cli.config.keyring_names import recorded
from agentbox_cli.config.masking import starred
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Problem, Severity, locate, render
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.secrets import Found, SecretSources
from agentbox_cli.config.sound import sound_part
from agentbox_cli.config.store import LoadedConfig, load, require
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import standard_paths
from agentbox_cli.providers.advice import advise
from agentbox_cli.providers.keys import key_names
from agentbox_cli.providers.mcp_keys import mcp_issues
from agentbox_cli.providers.registry import PluginChoice, Registry, discover
from agentbox_cli.providers.resolve import resolve, unusable_alias_issues
from agentbox_cli.providers.resolved import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A config that can be used, with all that belongs to it.

    Args:
        loaded: the file.
        registry: what plugins describe.
        resolved: what the proxy runs on.
        problems: what is legal but wrong; errors only of the kind that leaves others working.
    """

    loaded: LoadedConfig
    registry: Registry
    resolved: Resolved
    problems: tuple[Problem, ...]


def load_setup(path: Path, environ: Mapping[str, str], working_dir: Path | None) -> Setup:
    """Load and resolve a config.

    Args:
        path: the config.yml.
        environ: where keys are looked for first.
        working_dir: whose `.agentbox/.env` may hold keys.

    Raises:
        ConfigError: with every problem that keeps the config from being used. An alias without a
            usable link is no such problem: the others still work.
    """
    loaded = load(path)
    require(loaded)
    registry, resolved, issues = _resolve(loaded, environ, working_dir)
    _refuse_errors(loaded, issues)
    problems = loaded.problems((*issues, *unusable_alias_issues(resolved)))
    return Setup(loaded=loaded, registry=registry, resolved=resolved, problems=tuple(problems))


def find_problems(
    path: Path, environ: Mapping[str, str], working_dir: Path | None
) -> list[Problem]:
    """Everything that is wrong with a config, in the order of the text.

    Raises:
        ConfigError: the file cannot be read at all.
    """
    loaded = load(path)
    if loaded.host is None:
        return loaded.problems(_hidden_errors(loaded, environ))
    _, resolved, issues = _resolve(loaded, environ, working_dir)
    return loaded.problems((*issues, *unusable_alias_issues(resolved)))


def _hidden_errors(loaded: LoadedConfig, environ: Mapping[str, str]) -> Iterator[Issue]:
    """Errors that are only looked for in a valid config, such as providers that nobody knows."""
    document = loaded.document
    sound = (
        None if document.faults else sound_part(document, [each.path for each in loaded.issues])
    )
    if sound is None:
        return
    for issue in issues_of(sound, discover(PluginChoice.from_environ(environ))):
        if issue.severity is Severity.ERROR and not _follows(issue, loaded):
            yield issue


def _follows(issue: Issue, loaded: LoadedConfig) -> bool:
    """Whether an error may only come from what was left out."""
    lists = {
        each.path[:depth]
        for each in loaded.issues
        for depth, part in enumerate(each.path)
        if isinstance(part, int)
    }
    if any(issue.path[:depth] in lists for depth in range(len(issue.path))):
        return True  # an item that is left out changes the numbers of the others
    ours = loaded.document.data[OUR_SECTION]
    named = _at(loaded.document.data, issue.path)
    return any(named in (ours.get(name) or ()) for name in ("providers", "models"))


def _at(data: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data if isinstance(data, str) else None


def issues_of(host: HostConfig, registry: Registry) -> tuple[Issue, ...]:
    """What is wrong with a valid config whatever keys are at hand: asked before it is written."""
    resolved, issues = resolve(host, registry, lambda _: _DRILL_KEY)
    return (*issues, *advise(resolved, registry))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drillable:
    """A config as a drill needs it: every key is as good as set.

    Args:
        resolved: what resolves.
        broken: the configured aliases that do not, with the reason.
    """

    resolved: Resolved
    broken: dict[str, str]


def load_for_drill(path: Path, environ: Mapping[str, str]) -> Drillable:
    """Load a config for a drill, in which no provider is called and no key is needed.

    Raises:
        ConfigError: the file cannot be read, or is no valid config.
    """
    loaded = load(path)
    host = require(loaded)
    registry = discover(PluginChoice.from_environ(environ))
    resolved, issues = resolve(host, registry, lambda _: _DRILL_KEY)
    broken = {
        alias: _reason(alias, host, issues)
        for alias in host.litellm.models
        if alias not in resolved.chains
    }
    return Drillable(resolved=resolved, broken=broken)


_DRILL_KEY = Found(value=SecretStr("drill-key-not-a-secret"), source="drill")


def _reason(alias: str, host: HostConfig, issues: tuple[Issue, ...]) -> str:
    places = [("litellm", "models", alias)]
    places += [("litellm", "providers", link.provider) for link in host.litellm.models[alias]]
    told = [issue.message for issue in issues if issue.path[:3] in places]
    return starred("; ".join(dict.fromkeys(told))) or "it cannot be resolved"


def _refuse_errors(loaded: LoadedConfig, issues: tuple[Issue, ...]) -> None:
    errors = [issue for issue in issues if issue.severity is Severity.ERROR]
    if errors:
        shown = render(locate(loaded.document, errors), loaded.path.name)
        raise ConfigError(f"{loaded.path} cannot be used:\n{shown}")


def _resolve(
    loaded: LoadedConfig, environ: Mapping[str, str], working_dir: Path | None
) -> tuple[Registry, Resolved, tuple[Issue, ...]]:
    registry = discover(PluginChoice.from_environ(environ))
    host = require(loaded)
    keyring_names, unread = _keyring_names()
    sources = SecretSources(
        environ,
        working_dir=working_dir,
        config_dir=loaded.path.parent,
        api_key_names=key_names(host, registry),
        keyring_names=keyring_names,
    )
    resolved, issues = resolve(host, registry, sources.lookup, sources.why_missing)
    advice = advise(resolved, registry)
    files = _file_issues((*sources.warnings, *unread, *_open_to_others(loaded)))
    tools = mcp_issues(host, sources.lookup, sources.why_missing)
    return registry, resolved, (*issues, *tools, *files, *advice)


def _keyring_names() -> tuple[frozenset[str], tuple[str, ...]]:
    """The variables to ask the keyring for, and why they cannot be known."""
    try:
        return recorded(standard_paths().keyring_names), ()
    except ConfigError as error:
        return frozenset(), (error.message,)


def _file_issues(warnings: Iterable[str]) -> list[Issue]:
    """What is wrong with the files that keys were looked for in, told where keys are named."""
    path = ("litellm", "providers")
    return [
        Issue(path=path, message=text, severity=Severity.WARNING, on="key", rule=Rule.KEY_SOURCE)
        for text in warnings
    ]


def _open_to_others(loaded: LoadedConfig) -> Iterator[str]:
    has_key = any(issue.rule is Rule.KEY_IN_CLEAR for issue in loaded.issues)
    if has_key and loaded.path.stat().st_mode & 0o077:
        yield f"{loaded.path} holds a key but is open to other users: chmod 600"
