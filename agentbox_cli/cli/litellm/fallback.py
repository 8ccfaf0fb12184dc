"""`agentbox litellm test-fallback`: proof that every chain falls back, without keys or money."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import notice
from agentbox_cli.cli.setting import config_file
from agentbox_cli.errors import Exit, UsageError
from agentbox_cli.fallback.scenarios import Scenario

if TYPE_CHECKING:
    from agentbox_cli.fallback.verdicts import Report

app = command()


@app.command("test-fallback")
def prove(
    ctx: typer.Context,
    aliases: Annotated[
        list[str] | None, typer.Argument(help="Aliases to prove; all of the config by default.")
    ] = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Every link, failure, endpoint and way of asking.")
    ] = False,
    scenario: Annotated[
        list[Scenario] | None,
        typer.Option(
            metavar="NAME", help="Only this one; may be given again.", show_default=False
        ),
    ] = None,
    only_failed: Annotated[
        bool, typer.Option("--only-failed", help="Show only what failed.")
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Show what would be checked; run nothing.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the real providers: one tiny request each.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --live: do not ask before.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write JUnit XML, too.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Prove that every chain falls back.

    The real proxy runs with every provider simulated: no key, no money, no internet; your running
    proxy is not touched. Exit code 1 if one check fails. With --live your providers are asked, one
    tiny request for each link, with your keys.

    Example: agentbox litellm test-fallback default code --full
    """
    from agentbox_cli.cli.litellm.fallback_live import ask_providers
    from agentbox_cli.cli.litellm.fallback_report import show

    if live:
        _refuse_beside_live(full=full, listed=listed, scenarios=scenario)
        report = ask_providers(ctx, aliases or [], yes=yes)
    else:
        report = _drill(ctx, aliases or [], scenario or [], full=full, listed=listed)
    if junit is not None:
        _write_junit(report, junit)
    show(report, as_json=as_json, only_failed=only_failed)
    raise typer.Exit(Exit.OK if report.ok else Exit.NO)


def _drill(
    ctx: typer.Context,
    aliases: Sequence[str],
    scenarios: Sequence[Scenario],
    *,
    full: bool,
    listed: bool,
) -> "Report":
    from agentbox_cli.cli.progress import Bar
    from agentbox_cli.fallback.choosing import wanted
    from agentbox_cli.fallback.matrix import preview, run
    from agentbox_cli.fallback.plan import Scope
    from agentbox_cli.providers.load import load_for_drill

    setup = load_for_drill(config_file(ctx), os.environ)
    chains, broken = wanted(setup, aliases)
    scope = Scope(full=full, scenarios=scenarios)
    if listed:
        return preview(setup.resolved, chains, broken, scope)
    with _ending_well(), Bar() as bar:
        return run(setup.resolved, chains, broken, bar.show, scope)


@contextlib.contextmanager
def _ending_well() -> Iterator[None]:
    """Let SIGTERM end it as ^C does: the daemon of a drill must not stay behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _refuse_beside_live(*, full: bool, listed: bool, scenarios: Sequence[Scenario] | None) -> None:
    if full or listed or scenarios:
        raise UsageError(
            "--live asks each link once; --full, --list and --scenario are for the simulated drill"
        )


def _write_junit(report: "Report", file: Path) -> None:
    from agentbox_cli.fallback.junit import junit_xml

    try:
        file.write_bytes(junit_xml(report))
    except OSError as error:
        raise UsageError(f"--junit: cannot write {file}: {error.strerror}") from error
    notice(f"wrote {file}")
