"""What a request has cost: the tokens that providers reported, by the prices of the config.

What nobody knows is None and never taken for nothing.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentbox_cli.errors import AgentboxError
from agentbox_cli.mcp.calls.proxy import Found, Proxy
from agentbox_cli.providers.pricing import Counts, PriceList, threshold

# The proxy closes the story of a request right after the last byte.
_LOOKS, _LOOK_PAUSE = 50, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Tokens and money of one request or of several.

    Args:
        input_tokens, output_tokens: None if not reported.
        cost_usd: dollars; None if a price or a count is not known.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None

    def __add__(self, other: "Spent") -> "Spent":
        """Both together; what one of them does not know, the sum does not know."""
        return Spent(
            input_tokens=_sum((self.input_tokens, other.input_tokens)),
            output_tokens=_sum((self.output_tokens, other.output_tokens)),
            cost_usd=_sum((self.cost_usd, other.cost_usd)),
        )


NOTHING = Spent(input_tokens=0, output_tokens=0, cost_usd=0.0)


@dataclass(slots=True)
class Ledger:
    """Tells what requests have cost.

    Args:
        proxy: who served them.
    """

    proxy: Proxy
    _of: tuple[Path, int] | None = field(default=None, init=False)
    _prices: Mapping[str, PriceList] = field(default_factory=dict, init=False)

    async def spent(self, request_id: str) -> Spent:
        """What one request has cost, failed calls included."""
        try:
            story = await self._story(request_id)
            found = await self.proxy.found()
            prices = await asyncio.to_thread(self._prices_by, found)
        except (AgentboxError, OSError):
            return Spent()
        return spent_of(story, prices) if story else Spent()

    async def _story(self, request_id: str) -> dict[str, Any] | None:
        for _ in range(_LOOKS):
            story = await self.proxy.get(f"/agentbox/requests/{request_id}")
            if story is None or story["end"] != "running":
                return story
            await asyncio.sleep(_LOOK_PAUSE)
        return None

    def _prices_by(self, found: Found) -> Mapping[str, PriceList]:
        """The prices of the proxy's config; none are known where that is the host's."""
        if found.config_file is not None:
            return self._prices_of(found.config_file)
        home = self.proxy.home
        return {} if home.is_guest else self._prices_of(home.config_file())

    def _prices_of(self, file: Path) -> Mapping[str, PriceList]:
        """The prices of a config; read anew when the file has changed."""
        of = (file, file.stat().st_mtime_ns)
        if of != self._of:
            from agentbox_cli.providers.catalog import read_catalog  # noqa: PLC0415 - when asked
            from agentbox_cli.usage.prices import known, price_all  # noqa: PLC0415 - when asked

            resolved = self.proxy.home.setup(file).resolved
            self._prices, self._of = known(price_all(resolved, read_catalog())), of
        return self._prices


def spent_of(story: Mapping[str, Any], prices: Mapping[str, PriceList]) -> Spent:
    """What a request has cost, by its story as the proxy tells it."""
    spent = NOTHING
    for name, attempt in _paid(story):
        spent += _spent(attempt["charged"], prices.get(name))
    return spent


def spent_words(spent: Spent) -> str:
    """Tokens and money in a few words."""
    tokens = "tokens not reported"
    if spent.input_tokens is not None:
        tokens = f"{spent.input_tokens:,} + {spent.output_tokens or 0:,} tokens"
    if spent.cost_usd is None:
        return f"{tokens}, cost not known"
    return f"{tokens}, ${spent.cost_usd:.6f}" if spent.cost_usd else f"{tokens}, free"


def _paid(story: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The calls that cost something, or may have, with the deployments that were called."""
    for link in story["links"]:
        for attempt in link["attempts"]:
            answered = attempt["kind"] is None and link["outcome"] == "answered"
            if attempt["charged"] or answered or attempt["maybe_charged"]:
                yield f"{link['provider']}/{link['model']}", attempt


def _spent(charged: Mapping[str, Any] | None, price: PriceList | None) -> Spent:
    if charged is None:
        return Spent(cost_usd=0.0 if price is not None and price.free else None)
    counts = Counts(**{name: charged[name] for name in Counts.__struct_fields__})
    cost = None
    if price is not None:
        cost = price.cost(counts, tier=charged["tier"], over=threshold(counts.prompt))
    return Spent(input_tokens=counts.prompt, output_tokens=counts.output, cost_usd=cost)


def _sum(values: Iterable[Any]) -> Any:
    known_values = list(values)
    return None if None in known_values else sum(known_values)
