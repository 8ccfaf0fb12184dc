"""LiteLLM's table of prices and windows, read as a file: what a model costs, and what it holds.

The file lies inside the installed package; the package itself is never imported.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import msgspec

from agentbox_cli.providers.model import ModelSpec, ProviderSpec
from agentbox_cli.providers.pricing import PriceList, Rates, Variant

FILE = "model_prices_and_context_window_backup.json"

# What the file calls the parts of a price; older entries have another word for cache reads.
_PARTS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached",
    "input_cost_per_token_cache_hit": "cached",
    "cache_creation_input_token_cost": "written",
    "cache_creation_input_token_cost_above_1hr": "written_1h",
    "output_cost_per_reasoning_token": "reasoning",
}
_TIERS = {"batches": "batch", "priority": "priority", "flex": "flex"}
_FIELD = re.compile(
    rf"(?P<part>{'|'.join(sorted(_PARTS, key=len, reverse=True))})"
    rf"(?:_above_(?P<above>\d+)k_tokens)?(?:_(?P<tier>{'|'.join(_TIERS)}))?"
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the table says of one model.

    Args:
        price: what it costs; None if the table has no price by token.
        max_input_tokens, max_output_tokens: what it holds and gives; None if not said.
    """

    price: PriceList | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None


class Catalog:
    """LiteLLM's table; entries are only read when they are asked for."""

    def __init__(self, raw: Mapping[str, msgspec.Raw]) -> None:
        self._raw = raw

    def entry(self, provider: ProviderSpec, model: ModelSpec) -> Entry | None:
        """What the table says of a provider's model; None if it does not know it."""
        for name in _names(provider, model):
            if name in self._raw:
                return _entry(msgspec.json.decode(self._raw[name]))
        return None


def read_catalog(search: Sequence[str] | None = None) -> Catalog:
    """Read the table of the installed LiteLLM; an empty one if there is none that can be read.

    Args:
        search: directories to look for the package in; where Python looks by default.
    """
    spec = PathFinder.find_spec("litellm", None if search is None else list(search))
    for place in (spec.submodule_search_locations or ()) if spec else ():
        try:
            text = (Path(place) / FILE).read_bytes()
            return Catalog(msgspec.json.decode(text, type=dict[str, msgspec.Raw]))
        except (OSError, msgspec.DecodeError):
            continue
    return Catalog({})


def _names(provider: ProviderSpec, model: ModelSpec) -> Iterator[str]:
    """What the table may call a model: by its provider, and bare only for the model's maker."""
    yield f"{provider.name}/{model.id}"
    prefix = provider.litellm_prefix.get(model.kind)
    if prefix is not None:
        yield f"{prefix}/{model.id}"
    if provider.name in _MAKERS:
        yield model.id


# Whose models stand in the table without a prefix. Others sell models of the same id for another
# price, and must not be given theirs.
_MAKERS = frozenset({"openai", "anthropic"})


def _entry(told: Mapping[str, Any]) -> Entry:
    return Entry(
        price=_price(told),
        max_input_tokens=_count(told.get("max_input_tokens")),
        max_output_tokens=_count(told.get("max_output_tokens")),
    )


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _price(told: Mapping[str, Any]) -> PriceList | None:
    rates: dict[tuple[str, int], dict[str, float]] = {}
    for name, value in told.items():
        found = _FIELD.fullmatch(name)
        if found and type(value) in {int, float} and value >= 0:
            where = (_TIERS.get(found["tier"], ""), int(found["above"] or 0) * 1_000)
            rates.setdefault(where, {})[_PARTS[found["part"]]] = float(value)
    base = rates.get(("", 0), {})
    if "input" not in base:
        return None
    variants = [
        Variant(tier=tier, above=above, rates=Rates(**parts))
        for (tier, above), parts in sorted(rates.items())
    ]
    return PriceList(variants=tuple(variants))
