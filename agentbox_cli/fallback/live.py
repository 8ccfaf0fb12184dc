"""One tiny request to each real link, with the user's keys, as the proxy itself would make it."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentbox_cli.config.spending import PriceConfig
from agentbox_cli.fallback.advising import Advice, advice_on, no_key, only_translated, simulated
from agentbox_cli.fallback.verdicts import Outcome, Report, Row
from agentbox_cli.providers.catalog import Catalog
from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.pricing import Counts
from agentbox_cli.providers.resolved import ENDPOINTS, Chain, Deployment, Link
from agentbox_cli.proxy.call import Call
from agentbox_cli.proxy.endpoints import BY_PATH, GENERATE, Endpoint
from agentbox_cli.proxy.failure import Failure
from agentbox_cli.proxy.lanes import DirectLane, Order
from agentbox_cli.proxy.quota import Quotas
from agentbox_cli.proxy.request import Ask, read_ask, read_named
from agentbox_cli.proxy.upstream import AttemptFailed, Upstream
from agentbox_cli.usage.prices import price_of

LIVE = "live"
PROMPT = "Say ok."
# OpenAI's responses take no less.
MOST_OUTPUT = 16
# The prompt and what each provider puts around it, counted high.
MOST_INPUT = 40

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What asking every link may cost at most.

    Args:
        dollars: for the links whose price is known.
        unknown: the deployments whose price is not.
        requests: how many requests would be made.
    """

    dollars: float
    unknown: tuple[str, ...]
    requests: int


def worst_case(chains: Sequence[Chain], own: Mapping[str, PriceConfig], catalog: Catalog) -> Price:
    """Say what `ask_all` may cost.

    Args:
        chains: the chains.
        own: the user's prices, by provider/model.
        catalog: LiteLLM's table.
    """
    asked = [found for found in _deployments(chains) if _can_be_asked(found)]
    priced = [price_of(found, own, catalog) for found in asked]
    most = Counts(fresh=MOST_INPUT, output=MOST_OUTPUT)
    return Price(
        dollars=sum(one.price.cost(most) for one in priced if one.price is not None),
        unknown=tuple(one.name for one in priced if one.price is None),
        requests=len(asked),
    )


def ask_all(chains: Sequence[Chain], progress: Progress) -> Report:
    """Ask each link of these chains once; one at a time at each provider.

    Args:
        chains: the chains.
        progress: told what is done, how much of it, and of how much.
    """
    began = time.monotonic()
    found = asyncio.run(_ask_everybody(_links(chains), progress))
    elapsed = time.monotonic() - began
    return Report(rows=tuple(_rows(chains, found)), elapsed_s=elapsed, mode=LIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one deployment said; `advice` is None if it answered."""

    endpoint: str | None = None
    status: int | None = None
    elapsed_ms: float | None = None
    advice: Advice | None = None


def _deployments(chains: Sequence[Chain]) -> list[Deployment]:
    links = (link.deployment for chain in chains for link in chain.links)
    return list({deployment.name: deployment for deployment in links}.values())


def _links(chains: Sequence[Chain]) -> list[Link]:
    """For each deployment the link that gives it the most time."""
    links = sorted(
        (link for chain in chains for link in chain.links), key=lambda link: link.timeout
    )
    longest = {link.deployment.name: link for link in links}
    return [longest[deployment.name] for deployment in _deployments(chains)]


def _can_be_asked(deployment: Deployment) -> bool:
    return _why_unasked(deployment) is None


def _why_unasked(deployment: Deployment) -> Advice | None:
    if not deployment.provider.usable:
        return no_key(deployment)
    if deployment.provider.api_base is None:
        return simulated(deployment)
    return only_translated(deployment) if _direct_endpoint(deployment) is None else None


def _direct_endpoint(deployment: Deployment) -> Endpoint | None:
    """How a deployment can be asked without LiteLLM."""
    spoken = (p for p, _ in ENDPOINTS.values() if deployment.speaks(p))
    wanted = next(spoken, None)
    return next((item for item in (*BY_PATH.values(), GENERATE) if item.protocol is wanted), None)


async def _ask_everybody(links: Sequence[Link], progress: Progress) -> dict[str, _Found]:
    upstream = Upstream()
    lane = DirectLane(upstream=upstream)
    found: dict[str, _Found] = {}

    async def ask_provider(name: str) -> None:
        for link in links:
            if link.deployment.provider.name == name:
                found[link.deployment.name] = await _ask(lane, link)
                progress(link.deployment.name, len(found), len(links))

    try:
        names = {link.deployment.provider.name for link in links}
        await asyncio.gather(*map(ask_provider, names))
    finally:
        await upstream.close()
    return found


async def _ask(lane: DirectLane, link: Link) -> _Found:
    deployment = link.deployment
    unasked, endpoint = _why_unasked(deployment), _direct_endpoint(deployment)
    if unasked is not None or endpoint is None:
        return _Found(advice=unasked)
    began = time.monotonic()
    failure = await _failure(lane, link, endpoint)
    return _Found(
        endpoint=endpoint.name,
        status=200 if failure is None else failure.status,
        elapsed_ms=round((time.monotonic() - began) * 1_000, 1),
        advice=None if failure is None else advice_on(failure, deployment),
    )


async def _failure(lane: DirectLane, link: Link, endpoint: Endpoint) -> Failure | None:
    order = Order(
        # It becomes the idempotency key: a fixed one would be taken for a repeated call.
        request_id=f"live_{secrets.token_hex(12)}",
        endpoint=endpoint,
        ask=_asked(link.deployment, endpoint),
        client={},
        quotas=Quotas(),
    )
    try:
        await lane.call(Call(link=link, number=1, timeout=link.timeout), order)
    except AttemptFailed as failed:
        return failed.failure
    return None


def _asked(deployment: Deployment, endpoint: Endpoint) -> Ask:
    if not endpoint.is_google:
        return read_ask(_body(deployment, endpoint))
    fields = {
        "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
        "generationConfig": {"maxOutputTokens": MOST_OUTPUT},
    }
    return read_named(json.dumps(fields).encode(), deployment.name, stream=False)


def _body(deployment: Deployment, endpoint: Endpoint) -> bytes:
    fields: dict[str, object] = {"model": deployment.name}
    if endpoint.protocol is Protocol.OPENAI_EMBEDDINGS:
        fields["input"] = PROMPT
    elif endpoint.protocol is Protocol.OPENAI_RESPONSES:
        fields |= {"input": PROMPT, "max_output_tokens": MOST_OUTPUT, "store": False}
    else:
        message = {"role": "user", "content": PROMPT}
        fields |= {"messages": [message], "max_tokens": MOST_OUTPUT}
    return json.dumps(fields).encode()


def _rows(chains: Sequence[Chain], found: dict[str, _Found]) -> Iterator[Row]:
    told: set[str] = set()
    for chain in chains:
        for link in chain.links:
            name = link.deployment.name
            yield _row(chain, link, found[name], again=name in told)
            told.add(name)


def _row(chain: Chain, link: Link, found: _Found, *, again: bool) -> Row:
    name, advice = link.deployment.name, found.advice
    asked = found.endpoint is not None and not again
    return Row(
        alias=chain.alias,
        scenario=f"link {link.number}",
        outcome=_outcome(found, chain),
        why=advice.words if advice else None,
        hint=advice.hint if advice else None,
        endpoint=found.endpoint,
        expected=name,
        served_by=None if advice else name,
        status=found.status,
        upstream_calls={name: int(asked)},
        elapsed_ms=found.elapsed_ms,
    )


def _outcome(found: _Found, chain: Chain) -> Outcome:
    if found.advice is None:
        return Outcome.HOLDS
    # A link without a key is passed over, and only matters when there is no other.
    return Outcome.REMARK if found.advice.unasked and chain.usable else Outcome.BREAKS
