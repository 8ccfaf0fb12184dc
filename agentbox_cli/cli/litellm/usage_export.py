"""`agentbox litellm usage export`: every call, for other programs."""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.csv_text import print_csv
from agentbox_cli.cli.spending import reading, since_until

app = command()


class Form(StrEnum):
    """What is printed."""

    JSONL = "jsonl"
    CSV = "csv"


@app.command()
def export(
    ctx: typer.Context,
    *,
    since: Annotated[str, typer.Option(help="From when on: 7d, today, 2026-11-01, all.")] = "all",
    until: Annotated[str | None, typer.Option(help="Until when.", show_default=False)] = None,
    form: Annotated[Form, typer.Option("--format", help="What to print.")] = Form.JSONL,
) -> None:
    """Print every call as a line of JSON or CSV.

    The oldest comes first.

    Example: agentbox litellm usage export --since month --format csv
    """
    from agentbox_cli.usage.upkeep import EXPORTED, export_calls

    begin, end = since_until(since, until)
    with reading(ctx) as engine:
        rows = export_calls(engine, begin, end)
        if form is Form.CSV:
            print_csv(EXPORTED, rows)
        else:
            for row in rows:
                sys.stdout.write(json.dumps(row) + "\n")
