"""Prices and budgets of a config that concern nothing; all of it warnings."""

from collections.abc import Iterable, Iterator

from agentbox_cli.config.document import Path
from agentbox_cli.config.names import closest
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.providers.registry import Registry
from agentbox_cli.providers.resolved import Resolved

_PRICES = ("litellm", "usage", "prices")
_BUDGETS = ("litellm", "budgets")


def advise_on_spending(resolved: Resolved, registry: Registry) -> Iterator[Issue]:
    """Say which names of prices and budgets are nobody's."""
    config = resolved.config
    providers = {*config.providers, *resolved.providers, *registry.providers}
    for name in config.budgets.per_alias:
        if name not in {*config.models, *resolved.chains}:
            known = {*config.models, *resolved.chains}
            what = f"unknown alias {name!r}: this budget limits nothing"
            yield _warning((*_BUDGETS, "per_alias", name), what, name, known, Rule.UNKNOWN_ALIAS)
    for name in config.budgets.per_provider:
        if name not in providers:
            path = (*_BUDGETS, "per_provider", name)
            what = f"unknown provider {name!r}: this budget limits nothing"
            yield _warning(path, what, name, providers, Rule.UNKNOWN_PROVIDER)
    yield from _prices(resolved, providers)


def _prices(resolved: Resolved, providers: Iterable[str]) -> Iterator[Issue]:
    used = resolved.deployments()
    for name in resolved.config.usage.prices:
        provider, _, model = name.partition("/")
        path = (*_PRICES, name)
        if provider not in providers:
            what = f"unknown provider {provider!r}: this price is never asked for"
            meant = closest(provider, providers)
            known = (f"{meant}/{model}",) if meant else ()
            yield _warning(path, what, name, known, Rule.UNKNOWN_PROVIDER)
        elif name not in used and (near := _nearly(provider, model, resolved)):
            what = f"{name} stands in no chain: this price is never asked for"
            yield _warning(path, what, name, (near,), Rule.UNKNOWN_MODEL)


def _nearly(provider: str, model: str, resolved: Resolved) -> str | None:
    """The deployment that is most likely meant; a known model of nobody's chain is no mistake."""
    found = resolved.providers.get(provider)
    if found is not None and found.spec.model(model) is not None:
        return None
    models = {
        deployment.model.id
        for deployment in resolved.deployments().values()
        if deployment.provider.name == provider
    }
    meant = closest(model, models)
    return f"{provider}/{meant}" if meant else None


def _warning(path: Path, message: str, name: str, known: Iterable[str], rule: Rule) -> Issue:
    meant = closest(name, known)
    return Issue(
        path=path,
        severity=Severity.WARNING,
        message=message,
        hint=f"did you mean {meant!r}?" if meant else None,
        on="key",
        rule=rule,
    )
