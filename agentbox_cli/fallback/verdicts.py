"""What a check found, compared with what must come of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from agentbox_cli.fallback.asking import Seen
from agentbox_cli.fallback.plan import Check, Step
from agentbox_cli.fallback.rules import OK, Calls
from agentbox_cli.fallback.scenarios import Group

SIMULATED = "simulated"


class Outcome(StrEnum):
    """What a row means for the chain.

    - HOLDS: what must come of it came of it.
    - STOPS: that, too, but it is the user's own config that ends the chain there.
    - BREAKS: something else came of it.
    - REMARK: nothing was checked; there is something to know.
    - PLANNED: it would be checked.
    """

    HOLDS = "holds"
    STOPS = "stops"
    BREAKS = "breaks"
    REMARK = "remark"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A check, or a remark on an alias, and its verdict.

    Args:
        alias, scenario, endpoint, stream, toggles: what was checked; `toggles` names those off.
        outcome: what it means.
        why: what is wrong, or what to know.
        hint: what to do about it.
        group: the line of the matrix it belongs to.
        expected: what must come of it.
        served_by, status, upstream_calls, elapsed_ms: what came of it.
        stopped_by: the toggle that kept the chain from going on.
    """

    alias: str
    scenario: str
    outcome: Outcome
    why: str | None = None
    hint: str | None = None
    group: Group = Group.CHAIN
    endpoint: str | None = None
    stream: bool = False
    toggles: tuple[str, ...] = ()
    expected: str | None = None
    served_by: str | None = None
    status: int | None = None
    upstream_calls: Mapping[str, int] = field(default_factory=dict)
    elapsed_ms: float | None = None
    stopped_by: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the chain does what it must."""
        return self.outcome is not Outcome.BREAKS

    @property
    def asked(self) -> str:
        """How it was asked, in a few words."""
        return f"{self.endpoint}{', streamed' if self.stream else ''}" if self.endpoint else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All rows of a drill, and how long the checks took (LiteLLM's own start excluded)."""

    rows: tuple[Row, ...]
    elapsed_s: float
    mode: str = SIMULATED

    @property
    def ok(self) -> bool:
        """Whether every chain does what it must."""
        return all(row.ok for row in self.rows)


def judge(check: Check, seen: Sequence[Seen], calls: Mapping[str, int]) -> Row:
    """Compare what came of a check with what must come of it.

    Args:
        check: the check.
        seen: what the client saw, by step.
        calls: how often each deployment of the chain was called.
    """
    wrong = [
        text
        for number, (step, one) in enumerate(zip(check.steps, seen, strict=True), start=1)
        for text in _told(check, number, _wrong(check, step, one))
    ]
    wrong += _miscounted(check.calls, calls)
    stops = check.users and check.stopped_by is not None
    good = Outcome.STOPS if stops else Outcome.HOLDS
    return Row(
        alias=check.chain.alias,
        scenario=check.name,
        outcome=Outcome.BREAKS if wrong else good,
        why="; ".join(wrong) or None,
        hint=_hint(check) if wrong else None,
        group=check.group,
        endpoint=check.endpoint,
        stream=check.stream,
        toggles=check.switched_off,
        expected=check.expected,
        served_by=seen[-1].served_by,
        status=seen[-1].status,
        upstream_calls=calls,
        elapsed_ms=round(sum(one.elapsed_ms for one in seen), 1),
        stopped_by=check.stopped_by,
    )


def planned(check: Check) -> Row:
    """The row of a check that is not made."""
    return Row(
        alias=check.chain.alias,
        scenario=check.name,
        outcome=Outcome.PLANNED,
        group=check.group,
        endpoint=check.endpoint,
        stream=check.stream,
        toggles=check.switched_off,
        expected=check.expected,
    )


def _told(check: Check, number: int, wrong: Iterator[str]) -> Iterator[str]:
    several = len(check.steps) > 1
    yield from (f"request {number} was {text}" if several else text for text in wrong)


def _wrong(check: Check, step: Step, seen: Seen) -> Iterator[str]:
    """Everything about an answer that is not as expected."""
    if seen.status != step.status:
        yield f"answered {seen.status or 'nothing'}, not {step.status}: {seen.answer}"
    if seen.served_by != step.served_by:
        yield f"served by {seen.served_by or 'nobody'}, not {step.served_by or 'nobody'}"
    if seen.status == OK == step.status:
        yield from _misread(check, step, seen)


def _misread(check: Check, step: Step, seen: Seen) -> Iterator[str]:
    if check.broken and not seen.broken:
        yield "broken off without the error event of its protocol"
    if check.broken and seen.complete:
        yield "a cut stream that looks complete"
    if not check.broken and (seen.broken or not seen.complete):
        yield "not complete"
    if check.endpoint != "embeddings" and (step.served_by or "") not in seen.answer:
        yield f"a wrong answer: {seen.answer[:80]!r}"


def _miscounted(expected: Mapping[str, Calls], calls: Mapping[str, int]) -> Iterator[str]:
    for name, number in calls.items():
        wanted = expected.get(name, _NEVER)
        if not wanted.least <= number <= wanted.most:
            yield f"{name} got {number} calls, not {wanted}"


_NEVER = Calls(least=0, most=0)


def _hint(check: Check) -> str:
    again = f"agentbox litellm test-fallback {check.chain.alias} --scenario {check.scenario}"
    return f"run `{again} --full --json`; if it fails again, report it with what that prints"
