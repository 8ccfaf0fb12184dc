"""`agentbox litellm usage reprice`: today's prices for what was used before."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.setting import current_setup
from agentbox_cli.cli.spending import dollars, reading, since_until

app = command()


@app.command()
def reprice(
    ctx: typer.Context,
    *,
    since: Annotated[str, typer.Option(help="From when on: 7d, month, 2026-11-01, all.")] = "all",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give past calls the prices of today.

    Each call keeps the price that was known when it was made, until this is asked for. Models that
    stand in no chain any more keep the latest price that was known.

    Example: agentbox litellm usage reprice --since month
    """
    from agentbox_cli.providers.catalog import read_catalog
    from agentbox_cli.usage.prices import price_all
    from agentbox_cli.usage.upkeep import reprice as price_anew

    begin, _ = since_until(since, None)
    priced = price_all(current_setup(ctx).resolved, read_catalog())
    prices = {name: one.price for name, one in priced.items()}
    with reading(ctx) as engine:
        done = price_anew(engine, prices, begin, dry_run=dry_run)
    if as_json:
        emit_json(
            "usage-reprice",
            {
                "calls": done.calls,
                "before_usd": round(done.before_usd, 9),
                "after_usd": round(done.after_usd, 9),
                "written": not dry_run,
            },
        )
        return
    verb = "would be" if dry_run else "are"
    say(f"{done.calls:,} calls {verb} priced anew: {_change(done.before_usd, done.after_usd)}")


def _change(before: float, after: float) -> str:
    return f"{dollars(before)} before, {dollars(after)} now"
