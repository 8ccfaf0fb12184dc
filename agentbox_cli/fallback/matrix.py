"""The drill itself: every check against the real daemon, and a verdict on each."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from agentbox_cli.daemon.engine_wait import await_engine
from agentbox_cli.engine.render import needs_engine
from agentbox_cli.fallback.acting import FINE, fault_of
from agentbox_cli.fallback.asking import Seen, ask
from agentbox_cli.fallback.plan import RECOVERS_AFTER_S, Check, Scope, plan, usable_ways
from agentbox_cli.fallback.rules import lane_of
from agentbox_cli.fallback.scenarios import Scenario
from agentbox_cli.fallback.stage import Stage, asked_alias, set_stage
from agentbox_cli.fallback.verdicts import Outcome, Report, Row, judge, planned
from agentbox_cli.providers.resolved import Chain, Lane, Resolved
from agentbox_cli.simulate.faults import Fault

# Enough to keep two cores busy, few enough for each answer to come in time.
QUICK = 6
# Checks that mostly wait; what they do when the wait is over has to fit in, too.
SLOW = 20

Progress = Callable[[str, int, int], None]


def run(
    resolved: Resolved,
    chains: Sequence[Chain],
    broken: Mapping[str, str],
    progress: Progress,
    scope: Scope | None = None,
) -> Report:
    """Prove that chains fall back.

    Args:
        resolved: the user's config; missing keys do not matter.
        chains: the chains to prove.
        broken: aliases that could not even be resolved, with the reason.
        progress: told what is done, how much of it, and of how much.
        scope: what is covered; a selection by default.

    Raises:
        ProxyError: the drill's own daemon or engine cannot be started.
    """
    remarks = [*_broken_rows(broken), *_remarks(chains)]
    checks = plan(chains, resolved.toggles, resolved.router.num_retries, scope)
    if not checks:
        return Report(rows=tuple(remarks), elapsed_s=0.0)
    progress("starting the daemon", 0, len(checks))
    asked = list({check.chain.alias: check.chain for check in checks}.values())
    with set_stage(resolved, asked) as stage:
        if needs_engine(link.deployment for chain in asked for link in chain.links):
            progress("starting LiteLLM", 0, len(checks))
            await_engine(stage.paths, stage.instance)
            _warm_up(stage, checks)
        began = time.monotonic()
        rows = _Drill(stage, progress).run(checks)
        elapsed = time.monotonic() - began
    return Report(rows=(*remarks, *rows), elapsed_s=elapsed)


def preview(
    resolved: Resolved, chains: Sequence[Chain], broken: Mapping[str, str], scope: Scope
) -> Report:
    """Tell what `run` would check, without running anything."""
    checks = plan(chains, resolved.toggles, resolved.router.num_retries, scope)
    rows = (*_broken_rows(broken), *_remarks(chains), *map(planned, checks))
    return Report(rows=rows, elapsed_s=0.0, mode="list")


def _broken_rows(broken: Mapping[str, str]) -> Iterator[Row]:
    for alias, why in broken.items():
        yield Row(
            alias=alias,
            scenario="config",
            outcome=Outcome.BREAKS,
            why=why,
            hint="agentbox config check shows where",
        )


def _remarks(chains: Iterable[Chain]) -> Iterator[Row]:
    for chain in chains:
        if not usable_ways(chain):
            yield Row(
                alias=chain.alias,
                scenario="lanes",
                outcome=Outcome.BREAKS,
                why="no link has a lane",
                hint="set litellm.engine.mode to eager, so that LiteLLM translates",
            )
        elif len(chain.links) == 1:
            why = "a single link has nothing to fall back to"
            hint = f"agentbox litellm models add {chain.alias} PROVIDER/MODEL"
            yield _remark(chain, "single-link", why, hint)
        elif len({link.deployment.provider.name for link in chain.links}) == 1:
            why = "all links share one provider, so nothing answers when it is down"
            hint = f"add one of another: agentbox litellm models add {chain.alias} PROVIDER/MODEL"
            yield _remark(chain, "single-provider", why, hint)


def _remark(chain: Chain, scenario: str, why: str, hint: str) -> Row:
    return Row(alias=chain.alias, scenario=scenario, outcome=Outcome.REMARK, why=why, hint=hint)


def _warm_up(stage: Stage, checks: Iterable[Check]) -> None:
    """Ask once in each way: LiteLLM loads what it needs with the first calls of a kind."""
    for check in {(check.endpoint, check.stream): check for check in checks}.values():
        at = stage.instance
        ask(at.host, at.port, stage.secret, replace(check, id="warm-up"), check.chain.alias)


class _Drill:
    """Runs checks beside each other, but for those that want a provider gone."""

    def __init__(self, stage: Stage, progress: Progress) -> None:
        self._stage = stage
        self._progress = progress
        self._rows: dict[str, Row] = {}

    def run(self, checks: Sequence[Check]) -> list[Row]:
        """Make every check; gives the rows in the order of the checks."""
        by_absence: dict[frozenset[str], list[Check]] = {}
        for check in checks:
            by_absence.setdefault(check.down, []).append(check)
        for down, group in by_absence.items():
            for name in down:
                self._stage.cast.leave(name)
            self._run_beside(group, len(checks))
            for name in down:
                self._stage.cast.come_back(name)
        return [self._rows[check.id] for check in checks]

    def _run_beside(self, checks: Sequence[Check], total: int) -> None:
        slow = ThreadPoolExecutor(SLOW)
        quick = ThreadPoolExecutor(QUICK)
        running = {
            (slow if check.waits else quick).submit(self._make, check): check for check in checks
        }
        try:
            for one in as_completed(running):
                check = running[one]
                self._rows[check.id] = one.result()
                self._progress(f"{check.chain.alias}: {check.name}", len(self._rows), total)
        finally:
            # On ^C what has not begun is left; what is under way ends with the daemon.
            done = all(one.done() for one in running)
            for pool in (slow, quick):
                pool.shutdown(wait=done, cancel_futures=True)

    def _make(self, check: Check) -> Row:
        names = [link.deployment.name for link in check.chain.links]
        self._stage.cast.prepare(check.id, _faults(check))
        seen = [self._ask(check, step.after_s) for step in check.steps]
        return judge(check, seen, self._stage.cast.count(check.id, names))

    def _ask(self, check: Check, after_s: float) -> Seen:
        time.sleep(after_s)
        at = self._stage.instance
        return ask(at.host, at.port, self._stage.secret, check, asked_alias(check))


def _faults(check: Check) -> dict[str, tuple[Fault, ...]]:
    return {
        link.deployment.name: _met(check, link.deployment.name, lane_of(link, check.endpoint))
        for link in check.chain.links
    }


def _met(check: Check, name: str, lane: Lane) -> tuple[Fault, ...]:
    fault = fault_of(check.failing.get(name), translated=lane is Lane.LITELLM)
    if check.scenario is Scenario.RECOVERY and name in check.failing:
        once = replace(fault, times=1, headers={"retry-after": str(RECOVERS_AFTER_S)})
        return (once, FINE)
    return (fault,)
