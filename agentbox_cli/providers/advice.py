"""What is legal in a config and still most likely not meant; all of it warnings.

A warning here names what will happen, so that somebody who means it can leave it as it is.
"""

from collections.abc import Iterator
from itertools import accumulate

from agentbox_cli.config.document import Path
from agentbox_cli.config.names import closest
from agentbox_cli.config.problems import Issue, Severity
from agentbox_cli.config.rules import Rule
from agentbox_cli.providers.exposure import advise_on_exposure
from agentbox_cli.providers.model import RateLimitScope
from agentbox_cli.providers.patterns import advise_on_patterns
from agentbox_cli.providers.registry import Registry
from agentbox_cli.providers.resolved import Chain, Link, Resolved
from agentbox_cli.providers.spending import advise_on_spending

_MODELS = ("litellm", "models")
_PROVIDERS = ("litellm", "providers")
_ROUTER = ("litellm", "router")


def advise(resolved: Resolved, registry: Registry) -> list[Issue]:
    """Say what is legal but most likely wrong; a chain with an error is not looked at."""
    chains = [chain for chain in resolved.chains.values() if chain.source == "config"]
    return [
        *_unused_providers(resolved),
        *_ignored_protocols(resolved, registry),
        *(issue for chain in chains for issue in _of_chain(chain)),
        *_toggles(resolved, chains),
        *_timeouts(resolved, chains),
        *advise_on_patterns(resolved),
        *advise_on_exposure(resolved),
        *advise_on_spending(resolved, registry),
    ]


def _unused_providers(resolved: Resolved) -> Iterator[Issue]:
    config = resolved.config
    used = {link.provider for links in config.models.values() for link in links}
    used |= {
        link.deployment.provider.name for chain in resolved.chains.values() for link in chain.links
    }
    for name in config.providers:
        if name not in used and name in resolved.providers:
            yield Issue(
                path=(*_PROVIDERS, name),
                severity=Severity.WARNING,
                message=f"provider {name!r} stands in no chain, so it is never called",
                hint="add a link to it below litellm.models, or remove it here",
                on="key",
                rule=Rule.UNUSED_PROVIDER,
            )


def _ignored_protocols(resolved: Resolved, registry: Registry) -> Iterator[Issue]:
    for name, entry in resolved.config.providers.items():
        if entry.protocol is not None and name in registry.providers:
            yield Issue(
                path=(*_PROVIDERS, name, "protocol"),
                severity=Severity.WARNING,
                message=f"provider {name!r} has a plugin, which tells what it speaks",
                hint="remove this line, or give the provider a name of its own",
                on="key",
                rule=Rule.IGNORED_SETTING,
            )


def _of_chain(chain: Chain) -> Iterator[Issue]:
    yield from _repeated_links(chain)
    yield from _shared_provider(chain)
    for link in chain.links:
        yield from _unknown_model(chain, link)


def _repeated_links(chain: Chain) -> Iterator[Issue]:
    first: dict[str, int] = {}
    for link in chain.links:
        name = link.deployment.name
        earlier = first.setdefault(name, link.number)
        if earlier != link.number:
            yield Issue(
                path=(*_MODELS, chain.alias, link.number - 1),
                severity=Severity.WARNING,
                message=(
                    f"alias {chain.alias!r}: link {link.number} is {name} again, as link {earlier}"
                ),
                hint="it fails as the first one does; remove it, or name another model",
                rule=Rule.REPEATED_LINK,
            )


def _shared_provider(chain: Chain) -> Iterator[Issue]:
    provider = chain.links[0].deployment.provider
    names = {link.deployment.provider.name for link in chain.links}
    models = {link.deployment.name for link in chain.links}
    # A single link is no chain that could fall back, and a repeated one is told as such.
    if len(names) > 1 or len(models) == 1 or provider.spec.served_here:
        return
    limit = provider.spec.rate_limit_scope is RateLimitScope.ACCOUNT
    failure = "down or rate limited" if limit else "down"
    yield Issue(
        path=(*_MODELS, chain.alias),
        severity=Severity.WARNING,
        message=(
            f"alias {chain.alias!r}: every link goes to {provider.name}; when that is {failure},"
            " nothing is left"
        ),
        hint="add a link to another provider",
        on="key",
        rule=Rule.SHARED_PROVIDER,
    )


def _unknown_model(chain: Chain, link: Link) -> Iterator[Issue]:
    spec, model = link.deployment.provider.spec, link.deployment.model
    if not spec.models or spec.model(model.id) is not None:
        return
    meant = closest(model.id, [known.id for known in spec.models])
    if meant is None and link.max_input_tokens is not None:
        return  # whoever tells its window knows the model
    hint = "if it exists, give its window with max_input_tokens, and this goes away"
    yield Issue(
        path=(*_MODELS, chain.alias, link.number - 1, "model"),
        severity=Severity.WARNING,
        message=f"the plugin of {spec.name} does not know the model {model.id!r}",
        hint=f"did you mean {meant!r}?" if meant else hint,
        rule=Rule.UNKNOWN_MODEL,
    )


def _toggles(resolved: Resolved, chains: list[Chain]) -> Iterator[Issue]:
    toggles = resolved.toggles
    if toggles.on_rate_limit or toggles.on_context_window or toggles.on_error:
        return
    if toggles.on_content_policy or all(len(chain.links) == 1 for chain in chains):
        return
    yield Issue(
        path=("litellm", "fallbacks"),
        severity=Severity.WARNING,
        message="no failure moves a call to the next link, so only first links are ever called",
        hint="set one of on_rate_limit, on_context_window and on_error to true",
        on="key",
        rule=Rule.NO_FALLBACK,
    )


def _timeouts(resolved: Resolved, chains: list[Chain]) -> Iterator[Issue]:
    total = resolved.router.total_timeout
    if total is None:
        return
    longest = max((link.timeout for chain in chains for link in chain.links), default=0.0)
    if longest > total:
        yield from _longer_than_total(resolved, chains, total)
        return
    for chain in chains:
        # Without the last: what counts is when it begins.
        begins = list(accumulate(link.timeout for link in chain.links[:-1]))
        late = next((number for number, when in enumerate(begins, 2) if when >= total), None)
        if late is not None:
            yield _never_begun(chain, late, begins[late - 2], total)
            return


def _longer_than_total(resolved: Resolved, chains: list[Chain], total: float) -> Iterator[Issue]:
    """One warning for each place where a longer timeout is written, or for the default."""
    places: dict[Path, float] = {
        (*_MODELS, chain.alias, link.number - 1, "timeout"): link.timeout
        for chain in chains
        for link in chain.links
        if resolved.config.models[chain.alias][link.number - 1].timeout is not None
    }
    by_default = len(places) < sum(len(chain.links) for chain in chains)
    is_written = "timeout" in resolved.config.router.model_fields_set
    if by_default:
        places[*_ROUTER, "timeout" if is_written else "total_timeout"] = resolved.router.timeout
    for path, seconds in places.items():
        if seconds > total:
            yield Issue(
                path=path,
                severity=Severity.WARNING,
                message=(
                    f"a timeout of {seconds:g} s is longer than router.total_timeout, {total:g} s"
                ),
                hint="a link that hangs then uses up the whole time of its chain",
                rule=Rule.TIMEOUT_TOO_LONG,
            )


def _never_begun(chain: Chain, number: int, begins: float, total: float) -> Issue:
    return Issue(
        path=(*_ROUTER, "total_timeout"),
        severity=Severity.WARNING,
        message=(
            f"{total:g} s are over before link {number} of alias {chain.alias!r} has its turn:"
            f" the links before it may take {begins:g} s"
        ),
        hint="make total_timeout longer, or the timeouts of the links shorter",
        rule=Rule.TIMEOUT_TOO_LONG,
    )
