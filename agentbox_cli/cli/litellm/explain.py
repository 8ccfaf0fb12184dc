"""`agentbox litellm explain`: the story of one request, or the list of the latest ones."""

from typing import Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.retelling import advice, clock, retold, span
from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.paths import standard_paths

LISTED = 20
MOST = 1_000
COLUMNS = ("TIME", "REQUEST", "ASKED", "ENDPOINT", "END", "SERVED BY", "CALLS", "TOOK")

app = command()


@app.command()
def explain(
    request_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="A request's id, or the beginning of it."),
    ] = None,
    *,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=MOST, help="List so many at most.")
    ] = LISTED,
    failed: Annotated[
        bool, typer.Option("--failed", help="List only those that met a failure or a pause.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell the story of one request, link by link; without ID, list the latest ones.

    The id stands in each answer's header x-agentbox-request-id and in error messages. The proxy
    remembers the last 1000 requests of its present run, and no text of any of them.

    Exit code 1 if no request of this run is called so, 5 if nothing runs.

    Example: agentbox litellm explain --failed
    """
    if request_id is None:
        _list(limit=limit, failed=failed, as_json=as_json)
    else:
        _tell(request_id, as_json=as_json)


def _list(*, limit: int, failed: bool, as_json: bool) -> None:
    from agentbox_cli.daemon.explaining import latest

    rows = latest(standard_paths(), limit=limit, only_failed=failed)
    if as_json:
        emit_json("requests", {"requests": rows})
    elif rows:
        table(COLUMNS, map(_row, rows))
    else:
        say("no request met a failure or a pause" if failed else "no requests yet")


def _row(row: dict[str, Any]) -> list[str]:
    stream = ", stream" if row["stream"] else ""
    status = f" {row['status']}" if row["end"] in {"failed", "refused"} else ""
    return [
        clock(row["started_at"]),
        row["request_id"],
        row["asked"] or "?",
        f"{row['endpoint']}{stream}",
        f"{row['end']}{status}",
        row["served_by"] or "",
        str(row["calls"]),
        "" if row["elapsed_ms"] is None else span(row["elapsed_ms"]),
    ]


def _tell(request_id: str, *, as_json: bool) -> None:
    from agentbox_cli.daemon.explaining import story

    told = story(standard_paths(), request_id)
    if as_json:
        emit_json("explain", told)
        return
    for line in retold(told):
        say(line)
    for number, line in enumerate(advice(told)):
        say(f"{'next: ' if number == 0 else '      '}{line}")
