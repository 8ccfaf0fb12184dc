"""`agentbox litellm chaos`: a proxy on failing simulated providers, to point an agent at."""

import os
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json_line, notice, say
from agentbox_cli.cli.setting import config_file, config_target, named_config
from agentbox_cli.errors import ConfigError, UsageError
from agentbox_cli.fallback.scenarios import Scenario

if TYPE_CHECKING:
    from agentbox_cli.fallback.chaos import Request, Summary
    from agentbox_cli.providers.load import Drillable

SEEDS = 1_000_000

app = command()


@app.command()
def chaos(
    ctx: typer.Context,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Listen here; 0 for any free port.")
    ] = 0,
    rate: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How many calls fail, of those that may.")
    ] = 0.3,
    seed: Annotated[
        int | None,
        typer.Option(help="Fail in the same way as another time.", show_default=False),
    ] = None,
    scenario: Annotated[
        list[Scenario] | None,
        typer.Option(
            metavar="NAME", help="Fail in this way only; may be given again.", show_default=False
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON document on each line.")
    ] = False,
) -> None:
    """Serve your chains on providers that keep failing.

    The providers are simulated: no key, no money, no internet. The first links fail at random,
    and a line tells of each request what failed and who answered. Your proxy, its state and its
    port are not touched; without a config a demo chain is served. ^C ends it, with a summary.

    Example: agentbox litellm chaos --rate 0.5 --scenario rate-limit --seed 42
    """
    from agentbox_cli.fallback.chaos import Audience, Weather, run

    setup = _setup(ctx)
    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    chains = [chain for chain in setup.resolved.chains.values() if chain.source == "config"]
    weather = Weather(rate=rate, failures=_failures(scenario or []), seed=chosen)
    teller = _JsonTeller() if as_json else _Teller()
    summary = run(
        setup.resolved,
        chains,
        weather,
        port,
        Audience(
            waiting=notice,
            ready=lambda url: teller.ready(url, [chain.alias for chain in chains], weather.seed),
            ended=teller.ended,
        ),
    )
    teller.over(summary)


def _setup(ctx: typer.Context) -> "Drillable":
    from agentbox_cli.providers.load import load_for_drill

    if named_config(ctx) is None and not config_target(ctx).exists():
        notice("no config.yml: serving the demo chain")
        return _demo()
    setup = load_for_drill(config_file(ctx), os.environ)
    for alias, why in setup.broken.items():
        notice(f"warning: {alias} is left out: {why}")
    if not any(chain.source == "config" for chain in setup.resolved.chains.values()):
        raise ConfigError("there is no alias to serve", hint="agentbox litellm models add")
    return setup


def _demo() -> "Drillable":
    from agentbox_cli.providers.load import load_for_drill
    from agentbox_cli.providers.starter import demo_section

    with tempfile.TemporaryDirectory(prefix="agentbox-chaos-") as directory:
        file = Path(directory) / "config.yml"
        file.write_text(demo_section(), encoding="utf-8")
        return load_for_drill(file, {})


def _failures(named: Sequence[Scenario]) -> tuple[Scenario, ...]:
    from agentbox_cli.fallback.storm import PLAYABLE, USUAL

    for scenario in named:
        if scenario not in PLAYABLE:
            names = ", ".join(PLAYABLE)
            raise UsageError(f"{scenario} is no way for one call to fail", hint=f"one of {names}")
    return tuple(named) or USUAL


class _Teller:
    """Tells people."""

    def ready(self, url: str, aliases: Sequence[str], seed: int) -> None:
        notice(f"chaos on {url} for {', '.join(aliases)}; again with --seed {seed}; ^C ends it")
        notice(f"export OPENAI_BASE_URL={url}/v1 ANTHROPIC_BASE_URL={url}")

    def ended(self, request: "Request") -> None:
        failed = (
            ", ".join(f"{name} {why.removeprefix('skipped-')}" for name, why in request.failed)
            or "nothing failed"
        )
        say(f"{request.alias}: {failed} -> {_end(request)}  {request.request_id}")

    def over(self, summary: "Summary") -> None:
        say(
            f"{summary.requests} requests, {summary.met_failure} met a failure:"
            f" {summary.answered} answered, {summary.cut} cut, {summary.unanswered} not answered"
        )


def _end(request: "Request") -> str:
    if request.end == "answered":
        return f"{request.served_by}"
    if request.served_by is not None:
        return f"{request.served_by}, {request.end}"
    return f"{request.end}{f' ({request.status})' if request.status else ''}"


class _JsonTeller:
    """Tells programs, a document on each line."""

    def ready(self, url: str, aliases: Sequence[str], seed: int) -> None:
        emit_json_line(
            "chaos", {"event": "ready", "url": url, "aliases": list(aliases), "seed": seed}
        )

    def ended(self, request: "Request") -> None:
        failed = [{"link": name, "why": why} for name, why in request.failed]
        told = asdict(request) | {"failed": failed, "end": request.end.value}
        emit_json_line("chaos", {"event": "request", **told})

    def over(self, summary: "Summary") -> None:
        emit_json_line("chaos", {"event": "summary", **asdict(summary)})
