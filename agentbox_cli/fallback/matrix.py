"""The drill itself: every check against the real daemon, and a verdict on each."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from agentbox_cli.daemon.engine_wait import await_engine
from agentbox_cli.engine.render import needs_engine
from agentbox_cli.fallback.asking import OK, Seen, ask
from agentbox_cli.fallback.scenarios import TRAITS, Check, plan, usable_endpoints
from agentbox_cli.fallback.stage import Stage, set_stage
from agentbox_cli.providers.resolved import Chain, Link, Resolved
from agentbox_cli.simulate.faults import Fault, FaultKind
from agentbox_cli.simulate.wording import Wording

# Enough to hide the waiting for links that hang, few enough for two cores to answer in time.
PARALLEL = 8
MODE = "simulated"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A check, or a remark on an alias, and its verdict.

    Args:
        alias, scenario, endpoint, stream, toggles: what was checked; `toggles` names those off.
        expected: what must come of it.
        served_by, status, upstream_calls, elapsed_ms: what came of it.
        ok: whether that is the same.
        why: what is wrong, or what to know.
        warning: whether it is a remark that fails nothing.
    """

    alias: str
    scenario: str
    ok: bool
    why: str | None = None
    endpoint: str | None = None
    stream: bool = False
    toggles: tuple[str, ...] = ()
    expected: str | None = None
    served_by: str | None = None
    status: int | None = None
    upstream_calls: Mapping[str, int] = field(default_factory=dict)
    elapsed_ms: float | None = None
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All rows of a drill, and how long the checks took (LiteLLM's own start excluded)."""

    rows: tuple[Row, ...]
    elapsed_s: float

    @property
    def ok(self) -> bool:
        """Whether every chain falls back as it should."""
        return all(row.ok for row in self.rows)


def run(
    resolved: Resolved,
    chains: Sequence[Chain],
    broken: Mapping[str, str],
    progress: Progress,
) -> Report:
    """Prove that chains fall back.

    Args:
        resolved: the user's config; missing keys do not matter.
        chains: the chains to prove.
        broken: aliases that could not even be resolved, with the reason.
        progress: told what is done, how much of it, and of how much.

    Raises:
        ProxyError: the drill's own daemon or engine cannot be started.
    """
    remarks = [*_broken_rows(broken), *_remarks(chains)]
    checks = plan(chains, resolved.toggles, resolved.router.num_retries)
    if not checks:
        return Report(rows=tuple(remarks), elapsed_s=0.0)
    progress("starting the daemon", 0, len(checks))
    with set_stage(resolved, chains) as stage:
        if needs_engine(link.deployment for chain in chains for link in chain.links):
            progress("starting LiteLLM", 0, len(checks))
            await_engine(stage.paths, stage.instance)
        began = time.monotonic()
        rows = _run_all(stage, checks, progress)
        elapsed = time.monotonic() - began
    return Report(rows=(*remarks, *rows), elapsed_s=elapsed)


def _broken_rows(broken: Mapping[str, str]) -> Iterator[Row]:
    for alias, why in broken.items():
        yield Row(alias=alias, scenario="config", ok=False, why=why)


def _remarks(chains: Iterable[Chain]) -> Iterator[Row]:
    for chain in chains:
        if not usable_endpoints(chain):
            yield Row(alias=chain.alias, scenario="lanes", ok=False, why="no link has a lane")
        elif len(chain.links) == 1:
            yield _warning(chain, "single-link", "a single link has nothing to fall back to")
        elif len({link.deployment.provider.name for link in chain.links}) == 1:
            why = "all links share one provider, so nothing answers when it is down"
            yield _warning(chain, "single-provider", why)


def _warning(chain: Chain, scenario: str, why: str) -> Row:
    return Row(alias=chain.alias, scenario=scenario, ok=True, why=why, warning=True)


def _run_all(stage: Stage, checks: Sequence[Check], progress: Progress) -> list[Row]:
    """Run all checks: beside each other, but for those that want a provider gone."""
    for check in checks:
        _set_faults(stage, check)
    rows: dict[str, Row] = {}
    ordered = sorted(checks, key=lambda check: sorted(check.down))
    with ThreadPoolExecutor(PARALLEL) as pool:
        for down, group in groupby(ordered, key=lambda check: check.down):
            for name in down:
                stage.cast.leave(name)
            for check, row in pool.map(lambda check: (check, _run(stage, check)), list(group)):
                rows[check.id] = row
                progress(f"{check.chain.alias}: {check.scenario}", len(rows), len(checks))
            for name in down:
                stage.cast.come_back(name)
    return [rows[check.id] for check in checks]


def _set_faults(stage: Stage, check: Check) -> None:
    for link in check.chain.links:
        deployment = link.deployment
        fault = _fault(check, link)
        if fault is not None:
            cast = stage.cast[deployment.provider.name]
            cast.faults.put(deployment.name, fault, check=check.id)


def _fault(check: Check, link: Link) -> Fault | None:
    if any(
        other.deployment.name == link.deployment.name
        for other in check.chain.links
        if other.number in check.failing
    ):
        fault = TRAITS[check.scenario].fault
        if fault and fault.wording is Wording.CONTEXT_WINDOW:
            return _in_own_words(fault, link)
        return fault
    # Said aloud, because the simulated provider's own models fail by themselves.
    return Fault(kind=FaultKind.NONE)


def _in_own_words(fault: Fault, link: Link) -> Fault:
    # Self-hosted services say "too long" in vLLM's words and without a code.
    if link.deployment.provider.name in {"openai", "anthropic"}:
        return fault
    return Fault(status=fault.status, wording=Wording.VLLM_CONTEXT_WINDOW)


def _run(stage: Stage, check: Check) -> Row:
    seen = ask(stage.instance.host, stage.instance.port, stage.secret, check)
    calls = _calls(stage, check)
    wrong = _wrong(check, seen, calls)
    return Row(
        alias=check.chain.alias,
        scenario=_name(check),
        endpoint=check.endpoint,
        stream=check.stream,
        toggles=check.switched_off,
        expected=check.expected,
        served_by=seen.served_by,
        status=seen.status,
        upstream_calls=calls,
        elapsed_ms=round(seen.elapsed_ms, 1),
        ok=not wrong,
        why="; ".join(wrong) or None,
    )


def _name(check: Check) -> str:
    if len(check.failing) == 1:
        return check.scenario.value
    return f"{check.scenario} of links 1-{max(check.failing)}"


def _calls(stage: Stage, check: Check) -> dict[str, int]:
    names = {link.deployment.name: link.deployment.provider.name for link in check.chain.links}
    return {
        name: stage.cast[provider].journal.count(name, check=check.id)
        for name, provider in names.items()
    }


def _wrong(check: Check, seen: Seen, calls: Mapping[str, int]) -> list[str]:
    """Everything that is not as expected."""
    wrong = []
    if seen.status != check.status:
        wrong.append(f"answered {seen.status}, not {check.status}: {seen.answer}")
    if seen.served_by != check.served_by:
        wrong.append(f"served by {seen.served_by or 'nobody'}, not {check.served_by or 'nobody'}")
    for name, number in calls.items():
        wanted = check.calls.get(name, 0)
        if number != wanted:
            wrong.append(f"{name} got {number} calls, not {wanted}")
    if seen.status == OK and not seen.complete:
        wrong.append("the answer is not complete")
    if seen.status == OK and check.endpoint != "embeddings" and not _names(seen, check):
        wrong.append(f"a wrong answer: {seen.answer[:80]!r}")
    return wrong


def _names(seen: Seen, check: Check) -> bool:
    return check.served_by is not None and check.served_by in seen.answer
