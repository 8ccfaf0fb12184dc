"""`agentbox litellm usage errors`: what failed, and where it went."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.cli.spending import failed_words, reading, since_until

if TYPE_CHECKING:
    from agentbox_cli.usage.upkeep import FailureRow

app = command()


@app.command()
def errors(
    ctx: typer.Context,
    *,
    since: Annotated[str, typer.Option(help="From when on: 7d, today, 2026-11-01, all.")] = "7d",
    until: Annotated[str | None, typer.Option(help="Until when.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what failed, and who answered instead.

    Example: agentbox litellm usage errors --since today
    """
    from agentbox_cli.usage.upkeep import failures

    begin, end = since_until(since, until)
    with reading(ctx) as engine:
        rows = failures(engine, begin, end)
    if as_json:
        emit_json("usage-errors", {"since": begin, "until": end, "rows": [*map(asdict, rows)]})
    elif not rows:
        say("nothing failed in that time")
    else:
        table(
            ["ALIAS", "DEPLOYMENT", "FAILED WITH", "STATUS", "CALLS", "THEN", "LATEST"],
            [
                [
                    row.alias,
                    row.deployment,
                    failed_words(row.kind),
                    str(row.status or "-"),
                    f"{row.count:,}",
                    _then(row),
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(row.last_at)),
                ]
                for row in rows
            ],
        )


def _then(row: "FailureRow") -> str:
    """What became of the requests; one that was cut has got a part of an answer."""
    if not row.served_by:
        return row.outcome
    how = "answered by" if row.outcome == "answered" else f"{row.outcome} at"
    return f"{how} {row.served_by}"
