"""`python -m benchmarks`: measure, print a table, keep the figures."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks import (
    agents,
    commands,
    completion,
    cooling,
    editing,
    failover,
    gateway,
    kills,
    latency,
    mcp_server,
    report,
    startup,
    throughput,
    translation,
    usage,
)
from benchmarks.figures import Figure, shown
from benchmarks.lineup import QUICK, USUAL, Effort, Lineup, line_up

# Each on its own, with nothing else running.
ALONE: Mapping[str, Callable[[Effort], Iterator[Figure]]] = {
    "start": startup.start,
    "agents": agents.agents,
    "commands": commands.commands,
    "config": commands.config,
    "completion": completion.tabs,
    "editing": editing.editing,
    "memory": startup.memory,
    "usage": usage.capture,
    "reports": usage.reports,
    "kills": kills.kills,
    "mcp": gateway.gateway,
    "mcp-serve": mcp_server.starts,
    "translation": translation.translation,
}
# Side by side, each round taking turns.
SIDE_BY_SIDE: Mapping[str, Callable[[Lineup], Iterator[Figure]]] = {
    "latency": latency.unary,
    "stream": latency.stream,
    "throughput": throughput.requests_per_second,
    "failover": failover.on_rate_limit,
    "cooling": cooling.cooling,
}


def main(argv: Sequence[str]) -> int:
    """Run what the command line asks for."""
    options = _parser().parse_args(argv)
    effort = QUICK if options.quick else USUAL
    if options.rounds:
        effort = replace(effort, rounds=options.rounds, starts=options.rounds)
    if options.steady_seconds:
        effort = replace(effort, steady_seconds=options.steady_seconds)
    before = report.load()
    figures = list(_measured(options.only or [*ALONE, *SIDE_BY_SIDE], effort))
    where = report.surroundings() | {"load": f"{before} before the run, {report.load()} after it"}
    print(report.table(figures))
    print(f"\n{', '.join(f'{name} {value}' for name, value in where.items())}")
    print(f"kept in {report.save(figures, where).relative_to(report.HERE.parent)}")
    if options.record:
        report.record(figures, where)
    return 0


def _measured(names: Sequence[str], effort: Effort) -> Iterator[Figure]:
    for name in names:
        if name in ALONE:
            yield from _told(name, ALONE[name](effort))
    together = [name for name in names if name in SIDE_BY_SIDE]
    if together:
        with line_up(effort) as lineup:
            for name in together:
                yield from _told(name, SIDE_BY_SIDE[name](lineup))


def _told(name: str, figures: Iterator[Figure]) -> Iterator[Figure]:
    """Say on stderr what comes in, for a run takes minutes."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    for figure in figures:
        print(f"  {figure.name}: {shown(figure.value)} {figure.unit}", file=sys.stderr, flush=True)
        yield figure


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*ALONE, *SIDE_BY_SIDE]
    parser.add_argument("--only", action="append", choices=names, help="may be repeated")
    parser.add_argument("--rounds", type=int, help="of each measurement")
    parser.add_argument("--steady-seconds", type=float, help="of 1,000 requests per second")
    parser.add_argument("--quick", action="store_true", help="few rounds, and no LiteLLM")
    parser.add_argument("--record", action="store_true", help="write RESULTS.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
