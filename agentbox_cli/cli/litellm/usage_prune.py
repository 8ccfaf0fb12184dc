"""`agentbox litellm usage prune`: forget old requests."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.spending import reading
from agentbox_cli.errors import UsageError

app = command()


@app.command()
def prune(
    ctx: typer.Context,
    *,
    before: Annotated[
        str, typer.Option(help="What is older is forgotten: 90d, year, 2026-11-01.")
    ],
    totals: Annotated[
        bool, typer.Option("--totals", help="Forget the sums too, not only single requests.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Forget old requests; their sums stay.

    With the sums the reports stay as they are.

    Example: agentbox litellm usage prune --before 90d
    """
    from agentbox_cli.usage.upkeep import count_before
    from agentbox_cli.usage.upkeep import prune as forget
    from agentbox_cli.usage.when import moment

    until = moment(before)
    if until is None:
        raise UsageError("--before all would forget everything", hint="name a time, such as today")
    with reading(ctx) as engine:
        count = (
            count_before(engine, until) if dry_run else forget(engine, until, totals_too=totals)
        )
    if as_json:
        emit_json("usage-prune", {"before": until, "requests": count, "written": not dry_run})
    else:
        say(f"{count:,} requests {'would be' if dry_run else 'are'} forgotten")
