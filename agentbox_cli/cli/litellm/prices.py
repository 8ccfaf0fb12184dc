"""`agentbox litellm prices`: what models cost, and the command that sets it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import PricesCommands, listing
from agentbox_cli.cli.output import emit_json, table
from agentbox_cli.cli.setting import current_setup

if TYPE_CHECKING:
    from agentbox_cli.providers.pricing import Rates
    from agentbox_cli.usage.prices import Priced

app = listing(PricesCommands)

_MILLION = 1_000_000


@app.callback()
def prices(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what the models cost, and who says so.

    Dollars for a million tokens, for all deployments that stand in a chain.

    Example: agentbox litellm prices --json
    """
    from agentbox_cli.providers.catalog import read_catalog
    from agentbox_cli.usage.prices import price_all

    if ctx.invoked_subcommand is not None:
        return
    priced = price_all(current_setup(ctx).resolved, read_catalog()).values()
    if as_json:
        emit_prices(priced)
    else:
        price_table(priced)


def emit_prices(priced: Iterable["Priced"]) -> None:
    """Print prices as JSON."""
    emit_json("prices", {"prices": [_row(one) for one in priced]})


def price_table(priced: Iterable["Priced"]) -> None:
    """Print prices for people."""
    table(
        ["MODEL", "INPUT", "CACHED", "CACHE WRITE", "OUTPUT", "SPECIAL", "SOURCE"],
        [_cells(one) for one in priced],
    )


def _row(priced: "Priced") -> dict[str, Any]:
    variants = priced.price.variants if priced.price else ()
    return {
        "model": priced.name,
        "source": priced.source.value,
        "max_output_tokens": priced.max_output_tokens,
        "rates": [
            {"tier": one.tier or None, "above": one.above or None, **_by_million(one.rates)}
            for one in variants
        ],
    }


def _by_million(rates: "Rates") -> dict[str, float | None]:
    return {
        f"{name}_usd": None if value is None else round(value * _MILLION, 6)
        for name in rates.__struct_fields__
        for value in [getattr(rates, name)]
    }


def _cells(priced: "Priced") -> list[str]:
    if priced.price is None:
        return [priced.name, "?", "?", "?", "?", "", priced.source.value]
    base, *special = priced.price.variants
    rates = _by_million(base.rates)
    names = ("input_usd", "cached_usd", "written_usd", "output_usd")
    told = ["" if rates[name] is None else f"${rates[name]:g}" for name in names]
    return [priced.name, *told, ", ".join(map(_special, special)), priced.source.value]


def _special(variant: Any) -> str:
    above = f">{variant.above // 1_000}k" if variant.above else ""
    return " ".join(filter(None, (variant.tier, above)))
