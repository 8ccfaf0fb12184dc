"""From what the user wrote and what plugins know to what the proxy runs on.

`HostConfig + Registry + keys → Resolved`: every default filled in, every key looked up, every link
tied to its deployment. What cannot be resolved becomes an `Issue` at its place in config.yml.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping

from pydantic import SecretStr

from agentbox_cli.config import references
from agentbox_cli.config.model import HostConfig, LinkConfig, LiteLLMConfig, ProviderConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.secrets import Expanded, Found, expand
from agentbox_cli.errors import ConfigError
from agentbox_cli.providers.model import ModelKind, ModelSpec, Protocol, ProviderSpec
from agentbox_cli.providers.registry import PluginState, Registry
from agentbox_cli.providers.resolved import (
    Chain,
    Deployment,
    KeyState,
    Link,
    ProviderKey,
    Resolved,
    ResolvedProvider,
    Router,
    Toggles,
)

Lookup = Callable[[str], Found | None]


def resolve(
    host: HostConfig, registry: Registry, lookup: Lookup
) -> tuple[Resolved, tuple[Issue, ...]]:
    """Resolve a valid config.

    Args:
        host: the validated config.
        registry: what plugins describe.
        lookup: finds a variable's value for a `${NAME}` reference.

    Returns:
        The resolved config, and what is wrong with it. A chain with an error is left out.
    """
    config = host.litellm
    issues: list[Issue] = []
    providers = dict(_providers(config, registry, lookup, issues))
    chains = dict(_chains(config, registry, providers, issues))
    chains |= {chain.alias: chain for chain in _proposed_chains(config, providers, set(chains))}
    issues += _pattern_issues(config, chains)
    resolved = Resolved(
        config=config,
        providers=providers,
        chains=chains,
        toggles=_toggles(config),
        router=_router(config),
    )
    return resolved, tuple(issues)


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


def unusable_alias_issues(resolved: Resolved) -> list[Issue]:
    """An error for every alias of the config none of whose links has a key."""
    return [
        Issue(
            path=("litellm", "models", alias),
            severity=Severity.ERROR,
            message=f"alias {alias!r} has no usable link: every provider's key is missing",
            hint="set one of the keys, or add a link to a provider that needs none",
            on="key",
        )
        for alias, chain in resolved.chains.items()
        if chain.source == "config" and not chain.usable
    ]


def _providers(
    config: LiteLLMConfig, registry: Registry, lookup: Lookup, issues: list[Issue]
) -> Iterator[tuple[str, ResolvedProvider]]:
    for name, entry in config.providers.items():
        spec = registry.providers.get(name)
        if spec is None:
            spec = _spec_from_config(name, entry, registry, issues)
        if spec is not None:
            yield name, _provider(spec, entry, lookup, issues)
    for name, spec in registry.providers.items():
        if name not in config.providers and spec.api_key_env is None:
            yield (
                name,
                ResolvedProvider(
                    spec=spec,
                    api_base=spec.api_base,
                    key=ProviderKey(state=KeyState.NOT_NEEDED),
                    configured=False,
                ),
            )


def _spec_from_config(
    name: str, entry: ProviderConfig, registry: Registry, issues: list[Issue]
) -> ProviderSpec | None:
    path = ("litellm", "providers", name)
    rivals = registry.conflicts.get(name)
    if rivals:
        names = " and ".join(plugin.label for plugin in rivals)
        issues.append(
            Issue(
                path=path,
                severity=Severity.ERROR,
                message=f"provider {name!r} is described by two plugins: {names}",
                hint="uninstall one, or name it in AGENTBOX_DISABLE_PLUGINS",
                on="key",
            )
        )
        return None
    if entry.api_base is None:
        issues.append(_unknown_provider(name, path, registry))
        return None
    return _spec_of_stranger(name, entry)


def _spec_of_stranger(name: str, entry: ProviderConfig) -> ProviderSpec:
    if entry.protocol == "anthropic":
        protocols = frozenset({Protocol.ANTHROPIC_MESSAGES})
        prefix = {ModelKind.CHAT: "anthropic"}
    else:
        protocols = frozenset({Protocol.OPENAI_CHAT, Protocol.OPENAI_EMBEDDINGS})
        prefix = {ModelKind.CHAT: "custom_openai", ModelKind.EMBEDDING: "openai"}
    return ProviderSpec(
        name=name,
        title=name,
        protocols=protocols,
        litellm_prefix=prefix,
        api_base=entry.api_base,
    )


def _unknown_provider(name: str, path: tuple[str, ...], registry: Registry) -> Issue:
    broken = next(
        (p for p in registry.plugins if p.name == name and p.state is not PluginState.LOADED), None
    )
    if broken:
        message = f"provider {name!r}: its plugin is {broken.state}: {broken.reason}"
        hint = "agentbox plugins list"
    else:
        close = difflib.get_close_matches(name, registry.providers, n=1)
        message = f"no plugin knows the provider {name!r}, and it has no api_base"
        hint = f"did you mean {close[0]!r}?" if close else "add api_base: https://.../v1"
    return Issue(path=path, severity=Severity.ERROR, message=message, hint=hint, on="key")


def _provider(
    spec: ProviderSpec, entry: ProviderConfig, lookup: Lookup, issues: list[Issue]
) -> ResolvedProvider:
    path = ("litellm", "providers", spec.name)
    headers: dict[str, SecretStr] = {}
    for header, template in entry.headers.items():
        place = (*path, "headers", header)
        expanded = _expanded(template, lookup, place, issues)
        if expanded and expanded.value is not None:
            headers[header] = expanded.value
        elif expanded:
            issues.append(_unset(place, expanded.missing, "the header is left out"))
    return ResolvedProvider(
        spec=spec,
        api_base=entry.api_base or spec.api_base,
        key=_key(spec, entry, lookup, issues),
        headers=headers,
    )


def _key(
    spec: ProviderSpec, entry: ProviderConfig, lookup: Lookup, issues: list[Issue]
) -> ProviderKey:
    template = entry.api_key
    if template is None and spec.api_key_env is None:
        return ProviderKey(state=KeyState.NOT_NEEDED)
    path: tuple[str, ...] = ("litellm", "providers", spec.name)
    if template is None:
        template = SecretStr(f"${{{spec.api_key_env}}}")
    else:
        path = (*path, "api_key")
    expanded = _expanded(template, lookup, path, issues)
    if expanded is None or expanded.value is None:
        if expanded:
            issues.append(_unset(path, expanded.missing, f"links to {spec.name} are skipped"))
        return ProviderKey(state=KeyState.MISSING)
    source = ", ".join(expanded.sources) or "config.yml"
    return ProviderKey(state=KeyState.SET, value=expanded.value, source=source)


def _expanded(
    template: SecretStr, lookup: Lookup, path: tuple[str, ...], issues: list[Issue]
) -> Expanded | None:
    try:
        return expand(template, lookup)
    except ConfigError as error:
        issues.append(Issue(path=path, message=error.message, hint=error.hint))
        return None


def _unset(path: tuple[str, ...], missing: tuple[str, ...], consequence: str) -> Issue:
    names = ", ".join(missing) or "the key"
    verb = "are" if len(missing) > 1 else "is"
    return Issue(
        path=path,
        severity=Severity.WARNING,
        message=f"{names} {verb} not set; {consequence}",
        hint=f"export {missing[0]}=..., or put it into the .env beside config.yml"
        if missing
        else None,
    )


def _chains(
    config: LiteLLMConfig,
    registry: Registry,
    providers: Mapping[str, ResolvedProvider],
    issues: list[Issue],
) -> Iterator[tuple[str, Chain]]:
    for alias, entries in config.models.items():
        path = ("litellm", "models", alias)
        links = []
        for index, entry in enumerate(entries):
            provider = providers.get(entry.provider)
            if provider is None:
                issues += _missing_provider(entry, (*path, index), config, registry)
            else:
                links.append(_link(index + 1, entry, provider, config))
        if len(links) == len(entries):
            mixed = _mixed(alias, links)
            issues += mixed
            if not mixed:
                yield alias, Chain(alias=alias, links=tuple(links))


def _link(
    number: int, entry: LinkConfig, provider: ResolvedProvider, config: LiteLLMConfig
) -> Link:
    model = provider.spec.model(entry.model) or _unknown_model(entry.model)
    return Link(
        number=number,
        deployment=Deployment(provider=provider, model=model),
        timeout=entry.timeout or config.router.timeout,
        max_input_tokens=entry.max_input_tokens or model.context_window,
        drop_params=frozenset(entry.drop_params),
    )


def _unknown_model(model_id: str) -> ModelSpec:
    # No provider tells what a model is for in a way that all share; the name usually does.
    kind = ModelKind.EMBEDDING if "embed" in model_id.lower() else ModelKind.CHAT
    return ModelSpec(id=model_id, kind=kind)


def _missing_provider(
    entry: LinkConfig, path: tuple[str | int, ...], config: LiteLLMConfig, registry: Registry
) -> list[Issue]:
    if entry.provider in config.providers:
        return []  # told where the provider stands
    spec = registry.providers.get(entry.provider)
    if spec is not None:
        message = f"provider {entry.provider!r} is not configured"
        key = f"{{api_key: ${{{spec.api_key_env}}}}}"
        hint = f"add `{entry.provider}: {key}` under litellm.providers"
    else:
        close = difflib.get_close_matches(
            entry.provider, [*config.providers, *registry.providers], n=1
        )
        message = f"unknown provider {entry.provider!r}"
        hint = f"did you mean {close[0]!r}?" if close else "agentbox litellm providers lists them"
    return [Issue(path=(*path, "provider"), severity=Severity.ERROR, message=message, hint=hint)]


def _mixed(alias: str, links: list[Link]) -> list[Issue]:
    first = links[0].deployment.model
    for link in links[1:]:
        model = link.deployment.model
        if model.kind is not first.kind:
            message = f"alias {alias!r} mixes {first.kind} and {model.kind} models"
        elif model.kind is ModelKind.EMBEDDING and _space(model) != _space(first):
            message = (
                f"alias {alias!r}: embeddings of {model.id!r} cannot replace those of {first.id!r}"
            )
        else:
            continue
        path = ("litellm", "models", alias, link.number - 1, "model")
        hint = "give each kind an alias of its own"
        return [Issue(path=path, severity=Severity.ERROR, message=message, hint=hint)]
    return []


def _space(model: ModelSpec) -> str:
    return model.embedding_space or model.id


def _proposed_chains(
    config: LiteLLMConfig, providers: Mapping[str, ResolvedProvider], taken: set[str]
) -> Iterator[Chain]:
    """Chains for aliases that only plugins propose, of the providers that are configured."""
    ranked = sorted(
        (provider for provider in providers.values() if provider.configured),
        key=lambda provider: (provider.spec.rank, provider.name),
    )
    aliases = dict.fromkeys(alias for p in ranked for alias in p.spec.default_aliases)
    for alias in aliases:
        if alias in taken or alias in config.models:
            continue
        links: list[Link] = []
        for provider in ranked:
            model = provider.spec.default_aliases.get(alias)
            if model is not None:
                entry = LinkConfig(provider=provider.name, model=model)
                link = _link(len(links) + 1, entry, provider, config)
                if not _mixed(alias, [*links, link]):
                    links.append(link)
        names = ", ".join(link.deployment.provider.name for link in links)
        yield Chain(alias=alias, links=tuple(links), source=f"plugin {names}")


def _pattern_issues(config: LiteLLMConfig, chains: Mapping[str, Chain]) -> Iterator[Issue]:
    for pattern, alias in config.model_patterns.items():
        if alias not in chains and alias not in config.models:
            close = difflib.get_close_matches(alias, chains, n=1)
            yield Issue(
                path=("litellm", "model_patterns", pattern),
                severity=Severity.ERROR,
                message=f"unknown alias {alias!r}",
                hint=f"did you mean {close[0]!r}?" if close else None,
            )


def _toggles(config: LiteLLMConfig) -> Toggles:
    chosen = config.fallbacks
    policy = chosen.on_content_policy
    return Toggles(
        on_rate_limit=chosen.on_rate_limit,
        on_context_window=chosen.on_context_window,
        on_error=chosen.on_error,
        on_content_policy=chosen.on_error if policy is None else policy,
    )


def _router(config: LiteLLMConfig) -> Router:
    chosen = config.router
    return Router(
        num_retries=chosen.num_retries,
        timeout=chosen.timeout,
        stream_timeout=chosen.stream_timeout,
        total_timeout=chosen.total_timeout,
        retry_after_seconds=chosen.retry_after_seconds,
    )
