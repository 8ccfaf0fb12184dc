"""`agentbox litellm test-fallback`: proof that every chain falls back, without keys or money."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import Exit, UsageError

if TYPE_CHECKING:
    from agentbox_cli.fallback.matrix import Report, Row
    from agentbox_cli.providers.load import Drillable

app = command()


@app.command("test-fallback")
def prove(
    ctx: typer.Context,
    aliases: Annotated[
        list[str] | None, typer.Argument(help="Aliases to prove; all of the config by default.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove that every chain falls back.

    The real proxy runs with every provider simulated: no key, no money, no internet; your running
    proxy is not touched. Exit code 1 if one check fails.

    Example: agentbox litellm test-fallback default code
    """
    from agentbox_cli.fallback.matrix import run
    from agentbox_cli.providers.load import load_for_drill

    setup = load_for_drill(config_file(ctx), os.environ)
    chains, broken = _wanted(setup, aliases or [])
    with _Bar() as bar:
        report = run(setup.resolved, chains, broken, bar.show)
    if as_json:
        emit_json("test-fallback", _document(report))
    else:
        _tell(report)
    raise typer.Exit(Exit.OK if report.ok else Exit.NO)


def _wanted(setup: "Drillable", aliases: Sequence[str]) -> "tuple[list[Any], dict[str, str]]":
    import difflib

    known = setup.resolved.chains
    for alias in aliases:
        if alias not in known and alias not in setup.broken:
            close = difflib.get_close_matches(alias, [*known, *setup.broken], n=1)
            raise UsageError(
                f"unknown alias {alias!r}",
                hint=f"did you mean {close[0]!r}?" if close else "agentbox litellm models",
            )
    if not aliases:
        return [chain for chain in known.values() if chain.source == "config"], setup.broken
    chosen = dict.fromkeys(aliases)
    broken = {alias: why for alias, why in setup.broken.items() if alias in chosen}
    return [known[alias] for alias in chosen if alias in known], broken


class _Bar:
    """A progress bar on stderr, for people only."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task("", total=None)
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        """Show how far it is."""
        if self._progress is not None:
            self._progress.update(self._task, description=what, completed=done, total=total)


def _document(report: "Report") -> dict[str, Any]:
    from agentbox_cli.fallback.matrix import MODE

    return {
        "ok": report.ok,
        "mode": MODE,
        "elapsed_s": round(report.elapsed_s, 2),
        "checks": [_row(row) for row in report.rows],
    }


def _row(row: "Row") -> dict[str, Any]:
    return {
        "alias": row.alias,
        "scenario": row.scenario,
        "endpoint": row.endpoint,
        "stream": row.stream,
        "toggles": {"off": list(row.toggles)},
        "expected": row.expected,
        "served_by": row.served_by,
        "status": row.status,
        "upstream_calls": dict(row.upstream_calls),
        "elapsed_ms": row.elapsed_ms,
        "ok": row.ok,
        "why": row.why,
    }


def _tell(report: "Report") -> None:
    table(
        ["ALIAS", "WHEN", "ASKED BY", "MUST COME FROM", "CHECKS", "RESULT"],
        [_line(rows) for rows in _grouped(report.rows)],
    )
    for row in report.rows:
        if not row.ok:
            asked = f" {row.endpoint}{', streamed' if row.stream else ''}" if row.endpoint else ""
            say(f"failed: {row.alias} {row.scenario}{asked}: {row.why}")
        elif row.warning:
            say(f"warning: {row.alias}: {row.why}")
    failed = sum(not row.ok for row in report.rows)
    verdict = "every chain falls back" if report.ok else f"{failed} failed"
    checks = sum(not row.warning for row in report.rows)
    say(f"{checks} checks in {report.elapsed_s:.1f} s: {verdict}")


def _grouped(rows: "Sequence[Row]") -> "list[list[Row]]":
    groups: dict[tuple[str, str, tuple[str, ...]], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.alias, row.scenario, row.toggles), []).append(row)
    return list(groups.values())


def _line(rows: "Sequence[Row]") -> list[str]:
    first = rows[0]
    off = f" ({', '.join(first.toggles)} off)" if first.toggles else ""
    endpoints = dict.fromkeys(row.endpoint for row in rows if row.endpoint)
    failed = sum(not row.ok for row in rows)
    return [
        first.alias,
        first.scenario + off,
        ", ".join(endpoints),
        first.expected or "",
        str(len(rows)),
        "failed" if failed else ("warning" if first.warning else "ok"),
    ]
