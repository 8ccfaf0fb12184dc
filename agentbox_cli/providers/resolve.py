"""From what the user wrote and what plugins know to what the proxy runs on.

`HostConfig + Registry + keys → Resolved`: every default filled in, every key looked up, every link
tied to its deployment. What cannot be resolved becomes an `Issue` at its place in config.yml.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from agentbox_cli.config.model import HostConfig, LinkConfig, LiteLLMConfig, ProviderConfig
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.secrets import Lookup
from agentbox_cli.config.spending import BudgetsConfig
from agentbox_cli.providers.keys import ProviderKeys, is_not_set
from agentbox_cli.providers.model import ModelKind, ModelSpec, Protocol, ProviderSpec
from agentbox_cli.providers.patterns import name_patterns
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

# What to do about a provider that no plugin knows, in config.yml.
ADDRESS_HINT = "add api_base: https://.../v1"


def resolve(
    host: HostConfig,
    registry: Registry,
    lookup: Lookup,
    why_missing: Callable[[str], str] = is_not_set,
) -> tuple[Resolved, tuple[Issue, ...]]:
    """Resolve a valid config.

    Args:
        host: the validated config.
        registry: what plugins describe.
        lookup: finds a variable's value for a `${NAME}` reference.
        why_missing: says why a variable has no value.

    Returns:
        The resolved config, and what is wrong with it. A chain with an error is left out.
    """
    config = host.litellm
    issues: list[Issue] = []
    keys = ProviderKeys(lookup, why_missing)
    providers = dict(_providers(config, registry, keys, issues))
    issues += keys.issues
    chains = dict(_chains(config, registry, providers, issues))
    chains |= {chain.alias: chain for chain in _proposed_chains(config, providers)}
    issues += _pattern_issues(config, chains)
    issues += _budget_issues(config)
    resolved = Resolved(
        config=config,
        providers=providers,
        chains=chains,
        toggles=_toggles(config),
        router=_router(config),
        patterns=tuple(name_patterns(config, chains, registry)),
    )
    return resolved, tuple(issues)


def unusable_alias_issues(resolved: Resolved) -> list[Issue]:
    """An error for every alias of the config none of whose links has a key."""
    return [
        Issue(
            path=("litellm", "models", alias),
            severity=Severity.ERROR,
            message=f"alias {alias!r} has no usable link: every provider's key is missing",
            hint="set one of the keys, or add a link to a provider that needs none",
            on="key",
            rule=Rule.NO_USABLE_LINK,
        )
        for alias, chain in resolved.chains.items()
        if chain.source == "config" and not chain.usable
    ]


def _providers(
    config: LiteLLMConfig, registry: Registry, keys: ProviderKeys, issues: list[Issue]
) -> Iterator[tuple[str, ResolvedProvider]]:
    for name, entry in config.providers.items():
        spec = registry.providers.get(name)
        if spec is None:
            spec = _spec_from_config(name, entry, registry, issues)
        if spec is not None:
            yield name, _provider(_as_served(spec, config), entry, keys)
    for name, spec in registry.providers.items():
        if name not in config.providers and spec.api_key_env is None:
            yield (
                name,
                ResolvedProvider(
                    spec=_as_served(spec, config),
                    api_base=spec.api_base,
                    key=ProviderKey(state=KeyState.NOT_NEEDED),
                    configured=False,
                ),
            )


def _as_served(spec: ProviderSpec, config: LiteLLMConfig) -> ProviderSpec:
    # Without the engine nothing is translated, and no link may look as if it were.
    return replace(spec, litellm_prefix={}) if config.engine.mode == "off" else spec


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
                message=f"provider {name!r} is described by several plugins: {names}",
                hint="keep one: uninstall the others, or name them in AGENTBOX_DISABLE_PLUGINS",
                on="key",
                rule=Rule.PROVIDER_CONFLICT,
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
        hint = f"did you mean {close[0]!r}?" if close else ADDRESS_HINT
    return Issue(path=path, message=message, hint=hint, on="key", rule=Rule.UNKNOWN_PROVIDER)


def _provider(spec: ProviderSpec, entry: ProviderConfig, keys: ProviderKeys) -> ResolvedProvider:
    return ResolvedProvider(
        spec=spec,
        api_base=entry.api_base or spec.api_base,
        key=keys.key_of(spec, entry),
        headers=keys.headers_of(spec, entry),
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
        stream_timeout=entry.stream_timeout or config.router.stream_timeout,
        connect_timeout=entry.connect_timeout or config.router.connect_timeout,
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
        key = f"api_key: ${{{spec.api_key_env}}}"
        hint = f"add `{entry.provider}:` with `{key}` under litellm.providers"
    else:
        close = difflib.get_close_matches(
            entry.provider, [*config.providers, *registry.providers], n=1
        )
        message = f"unknown provider {entry.provider!r}"
        hint = f"did you mean {close[0]!r}?" if close else "agentbox litellm providers lists them"
    where = (*path, "provider")
    return [Issue(path=where, message=message, hint=hint, rule=Rule.UNKNOWN_PROVIDER)]


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
        return [Issue(path=path, message=message, hint=hint, rule=Rule.MIXED_CHAIN)]
    return []


def _space(model: ModelSpec) -> str:
    return model.embedding_space or model.id


def _proposed_chains(
    config: LiteLLMConfig, providers: Mapping[str, ResolvedProvider]
) -> Iterator[Chain]:
    """Chains for aliases that only plugins propose, of the providers that are configured."""
    ranked = sorted(
        (provider for provider in providers.values() if provider.configured),
        key=lambda provider: (provider.spec.rank, provider.name),
    )
    aliases = dict.fromkeys(alias for p in ranked for alias in p.spec.default_aliases)
    for alias in aliases:
        if alias in config.models:
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
                rule=Rule.UNKNOWN_ALIAS,
            )


def _budget_issues(config: LiteLLMConfig) -> Iterator[Issue]:
    if config.budgets != BudgetsConfig() and not config.usage.enabled:
        yield Issue(
            path=("litellm", "budgets"),
            severity=Severity.ERROR,
            message="budgets need usage, which is off",
            hint="set litellm.usage.enabled to true, or remove the budgets",
            on="key",
            rule=Rule.IGNORED_SETTING,
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
        connect_timeout=chosen.connect_timeout,
        total_timeout=chosen.total_timeout,
        retry_after_seconds=chosen.retry_after_seconds,
    )
