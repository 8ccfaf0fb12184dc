"""The keys and headers of providers, looked up; what is missing becomes an issue at its place."""

from collections.abc import Callable

from pydantic import SecretStr

from agentbox_cli.config import references
from agentbox_cli.config.model import HostConfig, ProviderConfig
from agentbox_cli.config.names import closest
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.secrets import Expanded, Lookup, expand
from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.providers.model import ProviderSpec
from agentbox_cli.providers.registry import Registry
from agentbox_cli.providers.resolved import KeyState, ProviderKey

_Path = tuple[str, ...]


def key_names(host: HostConfig, registry: Registry) -> frozenset[str]:
    """The variables that the providers' keys come from."""
    names: set[str] = set()
    for name, entry in host.litellm.providers.items():
        spec = registry.providers.get(name)
        if entry.api_key is not None:
            names |= set(references.names(entry.api_key.get_secret_value()))
        elif spec is not None and spec.api_key_env is not None:
            names.add(spec.api_key_env)
    return frozenset(names)


def key_variable(name: str, host: HostConfig | None, registry: Registry) -> str:
    """The variable that a provider's key is looked up by.

    Args:
        name: the provider.
        host: the config; None where there is none yet.
        registry: what plugins describe.

    Raises:
        UsageError: nobody knows the provider, or it needs no key.
        ConfigError: its `api_key` refers to no variable, or to several.
    """
    entry = host.litellm.providers.get(name) if host else None
    spec = registry.providers.get(name)
    if entry is not None and entry.api_key is not None:
        return _only_reference(name, entry.api_key)
    if spec is not None and spec.api_key_env is not None:
        return spec.api_key_env
    if spec is not None or entry is not None:
        hint = None if spec else "give it an `api_key: ${NAME}` in config.yml first"
        raise UsageError(f"the provider {name!r} needs no key", hint=hint)
    known = [*(host.litellm.providers if host else ()), *registry.providers]
    meant = closest(name, known)
    raise UsageError(
        f"unknown provider {name!r}",
        hint=f"did you mean {meant!r}?" if meant else f"known: {', '.join(dict.fromkeys(known))}",
    )


def _only_reference(name: str, template: SecretStr) -> str:
    found = tuple(dict.fromkeys(references.names(template.get_secret_value())))
    if len(found) == 1:
        return found[0]
    where = f"litellm.providers.{name}.api_key"
    if found:
        raise ConfigError(f"{where} refers to several variables: {', '.join(found)}")
    raise ConfigError(f"{where} refers to no variable", hint="write ${NAME} there")


def is_not_set(name: str) -> str:
    """Why a variable has no value, as far as anybody knows."""
    return f"{name} is not set"


class ProviderKeys:
    """Looks up what providers are called with, and collects what is wrong with it in `issues`.

    Args:
        lookup: finds the value of a variable.
        why_missing: says why a variable has no value.
    """

    def __init__(self, lookup: Lookup, why_missing: Callable[[str], str]) -> None:
        self.issues: list[Issue] = []
        self._lookup = lookup
        self._why_missing = why_missing

    def key_of(self, spec: ProviderSpec, entry: ProviderConfig) -> ProviderKey:
        """The key of a provider: the config's `api_key`, else what its usual variable holds."""
        path: _Path = ("litellm", "providers", spec.name)
        template = entry.api_key
        if template is not None:
            path = (*path, "api_key")
        elif spec.api_key_env is not None:
            template = SecretStr(f"${{{spec.api_key_env}}}")
        else:
            return ProviderKey(state=KeyState.NOT_NEEDED)
        expanded = self._expanded(template, path)
        if expanded is None:
            return ProviderKey(state=KeyState.MISSING)
        if expanded.value is None:
            self._warn(path, expanded.missing, f"links to {spec.name} are skipped")
            return ProviderKey(state=KeyState.MISSING)
        source = ", ".join(expanded.sources) or "config.yml"
        return ProviderKey(state=KeyState.SET, value=expanded.value, source=source)

    def headers_of(self, spec: ProviderSpec, entry: ProviderConfig) -> dict[str, SecretStr]:
        """The headers that the config adds to every call; one without a value is left out."""
        headers = {}
        for name, template in entry.headers.items():
            path = ("litellm", "providers", spec.name, "headers", name)
            expanded = self._expanded(template, path)
            if expanded is not None and expanded.value is not None:
                headers[name] = expanded.value
            elif expanded is not None:
                self._warn(path, expanded.missing, "the header is left out")
        return headers

    def _expanded(self, template: SecretStr, path: _Path) -> Expanded | None:
        try:
            return expand(template, self._lookup)
        except ConfigError as error:
            self.issues.append(
                Issue(path=path, message=error.message, hint=error.hint, rule=Rule.KEY_UNUSABLE)
            )
            return None

    def _warn(self, path: _Path, missing: tuple[str, ...], consequence: str) -> None:
        why = ", ".join(map(self._why_missing, missing)) or "this is empty"
        hint = "put it into the environment, or into the .env beside config.yml"
        if missing:
            hint = f"export {missing[0]}=..., or put it into the .env beside config.yml"
        self.issues.append(
            Issue(
                path=path,
                severity=Severity.WARNING,
                message=f"{why}; {consequence}",
                hint=hint,
                rule=Rule.KEY_NOT_SET,
            )
        )
