"""What the deployments of a config cost: the user's word, else the plugin's, else LiteLLM's table.

What none of them knows has no price, and is never taken for free.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from agentbox_cli.config.spending import PriceConfig
from agentbox_cli.providers.catalog import Catalog
from agentbox_cli.providers.model import Price
from agentbox_cli.providers.pricing import PriceList, flat
from agentbox_cli.providers.resolved import Deployment, Resolved


class Source(StrEnum):
    """Who says what a deployment costs."""

    CONFIG = "config"
    PLUGIN = "plugin"
    CATALOG = "litellm"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A deployment and what it costs.

    Args:
        name: provider/model.
        price: its price list; None if nobody knows one.
        source: who says so.
        max_output_tokens: the longest answer it gives, where that is known.
    """

    name: str
    price: PriceList | None
    source: Source
    max_output_tokens: int | None = None


# Told what deployments cost, by their names.
TellPrices = Callable[[Mapping[str, Priced]], None]


def price_all(resolved: Resolved, catalog: Catalog) -> Mapping[str, Priced]:
    """The price of every deployment that stands in a chain, by its name."""
    return {
        deployment.name: price_of(deployment, resolved.config.usage.prices, catalog)
        for deployment in resolved.deployments().values()
    }


def price_of(deployment: Deployment, own: Mapping[str, PriceConfig], catalog: Catalog) -> Priced:
    """What a deployment costs.

    Args:
        deployment: what is called.
        own: the user's prices, by provider/model.
        catalog: LiteLLM's table.
    """
    name, model = deployment.name, deployment.model
    entry = catalog.entry(deployment.provider.spec, model)
    longest = entry.max_output_tokens if entry else None
    for price, source in _told(own.get(name), model.price, entry.price if entry else None):
        return Priced(name=name, price=price, source=source, max_output_tokens=longest)
    return Priced(name=name, price=None, source=Source.NONE, max_output_tokens=longest)


def known(priced: Mapping[str, Priced]) -> dict[str, PriceList]:
    """Those that have a price, as the store keeps them."""
    return {name: one.price for name, one in priced.items() if one.price is not None}


def _told(
    own: PriceConfig | None, plugin: Price | None, table: PriceList | None
) -> Iterator[tuple[PriceList, Source]]:
    if own is not None:
        yield flat(Price(**own.model_dump())), Source.CONFIG
    if plugin is not None:
        yield flat(plugin), Source.PLUGIN
    if table is not None:
        yield table, Source.CATALOG
