"""`agentbox litellm usage`: what was used and what it cost, and the commands about its store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import UsageCommands, listing
from agentbox_cli.cli.csv_text import print_csv
from agentbox_cli.cli.output import emit_json, notice, say, table
from agentbox_cli.cli.spending import bar, counted, dollars, reading, since_until
from agentbox_cli.errors import NotSo, UsageError
from agentbox_cli.usage.by import By

if TYPE_CHECKING:
    from agentbox_cli.usage.report import Report, UsageRow

app = listing(UsageCommands)

_GROUPS = f"What to group by: {', '.join(By)}."


@app.callback()
def usage(
    ctx: typer.Context,
    *,
    since: Annotated[
        str, typer.Option(help="From when on: 7d, 12h, today, week, month, 2026-11-01, all.")
    ] = "30d",
    until: Annotated[str | None, typer.Option(help="Until when.", show_default=False)] = None,
    by: Annotated[By, typer.Option(metavar="WHAT", help=_GROUPS)] = By.ALIAS,
    plot: Annotated[bool, typer.Option("--plot", help="Draw it over time.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a web page that opens offline.", show_default=False
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what was used and what it cost.

    Requests count once, whatever their links; by provider, model and class each call counts.
    What has no price is counted as unpriced.

    Example: agentbox litellm usage --since month --by model
    """
    if ctx.invoked_subcommand is not None:
        return
    if plot + as_csv + as_json + (html is not None) > 1:
        raise UsageError("--plot, --html, --csv and --json exclude each other")
    begin, end = since_until(since, until)
    with reading(ctx) as engine:
        if html is not None:
            _write_page(engine, begin, end, html)
        elif plot:
            _plot(engine, begin, end)
        else:
            from agentbox_cli.usage.report import usage_report

            report = usage_report(engine, by, begin, end)
            _OUTPUTS[as_json, as_csv](report)


def _write_page(engine: Any, begin: float | None, end: float | None, file: Path) -> None:
    import contextlib

    from agentbox_cli.config.atomic import replace_file
    from agentbox_cli.usage.page import usage_page

    text, target = usage_page(engine, begin, end), file.resolve()
    if target.exists() and not target.is_file():
        raise NotSo(f"cannot write {file}: it is no regular file")
    try:
        # It tells what somebody works on: nobody else may read it.
        with contextlib.suppress(FileNotFoundError):
            target.chmod(0o600)
        replace_file(target, text.encode(), mode=0o600)
    except OSError as error:
        raise NotSo(f"cannot write {file}: {error.strerror}") from error
    say(f"wrote {file}; open it in a browser")


def _plot(engine: Any, begin: float | None, end: float | None) -> None:
    from agentbox_cli.cli.charts import plot_usage
    from agentbox_cli.usage.series import usage_series

    plot_usage(usage_series(engine, begin, end))


def _emit(report: "Report") -> None:
    from agentbox_cli.usage.document import report_document

    emit_json("usage", report_document(report))


def _emit_csv(report: "Report") -> None:
    from agentbox_cli.usage.document import row_document

    names = list(row_document(report.total))
    print_csv(names, (row_document(row) for row in report.rows))


def _tell(report: "Report") -> None:
    if not report.rows:
        say("nothing was used in that time")
        return
    most = max(row.cost_usd or 0.0 for row in report.rows)
    lines = [*report.rows, *([report.total] if len(report.rows) > 1 else [])]
    table(
        [
            report.by.value.upper(),
            "REQUESTS",
            "FAILED",
            "FELL BACK",
            "INPUT",
            "CACHED",
            "OUTPUT",
            "COST",
            "",
        ],
        [_cells(row, most, bars=row is not report.total) for row in lines],
    )
    _tell_remarks(report.total)


def _cells(row: "UsageRow", most: float, *, bars: bool) -> list[str]:
    return [
        row.key,
        f"{row.requests:,}",
        f"{row.failed:,}",
        f"{row.fell_back:,}",
        counted(row.input_tokens),
        counted(row.cached_tokens),
        counted(row.output_tokens),
        dollars(row.cost_usd, unpriced=row.unpriced),
        bar(row.cost_usd / most) if bars and most else "",
    ]


def _tell_remarks(total: "UsageRow") -> None:
    if total.saved_usd:
        say(f"free links saved {dollars(total.saved_usd)}")
    if total.unpriced:
        notice(
            f"the whole cost of {total.unpriced:,} calls is not known, for want of a price "
            "(agentbox litellm prices) or of token counts, and is in no sum"
        )


_OUTPUTS = {(True, False): _emit, (False, True): _emit_csv, (False, False): _tell}
