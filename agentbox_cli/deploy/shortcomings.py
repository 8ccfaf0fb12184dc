"""What a config says that LiteLLM alone does not do: each a line for people."""

from collections.abc import Iterator

from agentbox_cli.config.spending import BudgetsConfig
from agentbox_cli.providers.model import RateLimitScope
from agentbox_cli.providers.resolved import Chain, Resolved


def of(resolved: Resolved) -> Iterator[str]:
    """Every difference for this config, those that hold for all at the end."""
    yield from _links(resolved)
    yield from _toggles(resolved)
    yield from _times(resolved)
    yield from _providers(resolved)
    yield from _sections(resolved)
    yield from _ALWAYS


def _links(resolved: Resolved) -> Iterator[str]:
    for chain in resolved.chains.values():
        yield from _left_out(chain)
        for link in chain.links:
            if link.max_input_tokens is not None and _sets_window(resolved, chain, link.number):
                yield f"{chain.alias}: max_input_tokens of link {link.number} is not looked at"
    renamed = {
        f"{link.deployment.name}: {old} is not renamed to {new}"
        for chain in resolved.chains.values()
        for link in chain.links
        for old, new in link.deployment.model.rename.items()
        if link.deployment.provider.name != "openai"
    }
    yield from sorted(renamed)


def _left_out(chain: Chain) -> Iterator[str]:
    left = [link for link in chain.links if link.deployment.provider.api_base is None]
    if len(left) == len(chain.links):
        yield f"{chain.alias} is left out: agentbox itself serves its links"
        return
    for link in left:
        yield f"{chain.alias}: {link.deployment.name} is left out: agentbox itself serves it"


def _sets_window(resolved: Resolved, chain: Chain, number: int) -> bool:
    entries = resolved.config.models.get(chain.alias, ())
    return number <= len(entries) and entries[number - 1].max_input_tokens is not None


def _toggles(resolved: Resolved) -> Iterator[str]:
    toggles = resolved.toggles
    if toggles.on_rate_limit != toggles.on_error:
        off = "on_error" if toggles.on_rate_limit else "on_rate_limit"
        yield f"{off}: false: it has one list for 429s and for errors, so both move on"


def _times(resolved: Resolved) -> Iterator[str]:
    router = resolved.router
    yield "router.connect_timeout and stream_timeout: one timeout per link is all it has"
    if router.total_timeout is not None:
        yield "router.total_timeout: a chain takes as long as its links together"
    if router.num_retries > 1:
        yield (
            f"router.num_retries: {router.num_retries}: it cannot tell whether a call was sent,"
            " so a link is tried twice after 5xx, and once after anything else"
        )


def _providers(resolved: Resolved) -> Iterator[str]:
    used = {d.provider.name: d.provider for d in resolved.deployments().values()}
    for name, provider in used.items():
        entry = resolved.config.providers.get(name)
        if entry is not None and entry.headers:
            yield f"{name}: headers are not carried over: {', '.join(entry.headers)}"
        if provider.spec.quota_windows:
            yield f"{name}: its quota headers are not read, so a used-up quota costs a call"
        if provider.spec.rate_limit_scope is RateLimitScope.ACCOUNT:
            yield f"{name}: a 429 cools one model, not the whole account"


def _sections(resolved: Resolved) -> Iterator[str]:
    config = resolved.config
    if config.model_patterns:
        yield f"model_patterns: {', '.join(config.model_patterns)} are unknown names to it"
    if config.budgets != BudgetsConfig():
        yield "budgets: it enforces none without a database"
    if config.usage.enabled:
        yield "usage: it keeps none without a Postgres database"


_ALWAYS = (
    "callers: everybody needs the master key; Host and Origin are not checked, CORS is open",
    "Retry-After: a failing link is left alone for cooldown_time, whatever the provider says",
    "a stream that breaks after its first content may look like a whole answer",
)
