"""What goes on now: each link, what is under way, the latest failovers.

Made from the stories in memory when somebody asks; no request pays for it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from agentbox_cli.providers.resolved import Deployment, Resolved
from agentbox_cli.proxy.limits import window_of, window_row
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.quota import quota_key
from agentbox_cli.proxy.report import Skips
from agentbox_cli.proxy.story import Attempt, End, Stories, Story

# Seconds that rates are taken over.
SHORT, LONG = 10.0, 60.0
FAILOVERS_SHOWN = 20


def live(
    resolved: Resolved, memory: Memory, stories: Stories, now: float, wall: float
) -> dict[str, Any]:
    """Everything that goes on.

    Args:
        resolved: the chains.
        memory: cooldowns, quotas, paused links.
        stories: the latest requests.
        now: the time on the monotonic clock.
        wall: seconds since the epoch.
    """
    latest = list(stories.latest())
    reach = stories.reach(now)
    spans = (min(SHORT, reach), min(LONG, reach))
    tallies = _tallies(latest, now, spans[1])
    skips = Skips(memory=memory, secrets=tuple(resolved.secrets()), now=now, wall=wall)
    aliases = _aliases(resolved)
    return {
        "as_of": round(wall, 3),
        "covers_s": round(spans[1], 1),
        "in_flight": sum(story.end is End.RUNNING for story in latest),
        "links": [
            _link_row(deployment, aliases[name], skips) | _pace(tallies.get(name, _NOTHING), spans)
            for name, deployment in resolved.deployments().items()
        ],
        "failovers": [_failover(story) for story in islice(_moved(latest), FAILOVERS_SHOWN)],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A call that is over: how long ago, what it took, what it gave."""

    ago: float
    attempt: Attempt
    tokens: int


@dataclass(slots=True)
class _Tally:
    """The calls to one deployment."""

    in_flight: int = 0
    ended: list[_Ended] = field(default_factory=list)


_NOTHING = _Tally()


def _tallies(stories: Iterable[Story], now: float, longest: float) -> dict[str, _Tally]:
    tallies: dict[str, _Tally] = {}
    for story in stories:
        for attempt in story.attempts:
            tally = tallies.setdefault(attempt.call.link.deployment.name, _Tally())
            if attempt.elapsed_ms is None:
                tally.in_flight += story.end is End.RUNNING
                continue
            ago = now - attempt.began - attempt.elapsed_ms / 1_000
            if ago <= longest:
                tally.ended.append(_Ended(ago=ago, attempt=attempt, tokens=_tokens(attempt)))
    return tallies


def _tokens(attempt: Attempt) -> int:
    told = attempt.tokens
    return (told.input or 0) + (told.output or 0) if told else 0


def _aliases(resolved: Resolved) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for chain in resolved.chains.values():
        for link in chain.links:
            known = found.setdefault(link.deployment.name, [])
            if chain.alias not in known:
                known.append(chain.alias)
    return found


def _link_row(deployment: Deployment, aliases: list[str], skips: Skips) -> dict[str, Any]:
    state, skipped = skips.of(deployment)
    memory, wall = skips.memory, skips.wall
    windows = memory.quotas.windows(deployment, wall)
    return {
        "link": deployment.name,
        "aliases": aliases,
        "state": state,
        "cooldown_s": skipped["remaining_s"] if skipped else None,
        "skipped": skipped,
        "windows": [window_row(window_of(quota_key(deployment), one), wall) for one in windows],
        "last_error": memory.last_errors.get(deployment.name),
    }


def _pace(tally: _Tally, spans: tuple[float, float]) -> dict[str, Any]:
    took = [one.attempt.elapsed_ms or 0.0 for one in tally.ended if one.attempt.complete]
    waited = [
        one.attempt.first_content_ms
        for one in tally.ended
        if one.attempt.first_content_ms is not None
    ]
    return {
        "in_flight": tally.in_flight,
        "calls": len(tally.ended),
        "failed": sum(one.attempt.kind is not None for one in tally.ended),
        "rates": {
            f"{name}s": _rate(tally.ended, span)
            for name, span in zip((int(SHORT), int(LONG)), spans, strict=True)
        },
        "latency_ms": _percentiles(took),
        "first_content_ms": _percentiles(waited),
    }


def _rate(ended: Iterable[_Ended], span: float) -> dict[str, float]:
    within = [one for one in ended if one.ago <= span]
    return {
        "calls_per_s": round(len(within) / span, 3) if span else 0.0,
        "tokens_per_s": round(sum(one.tokens for one in within) / span, 1) if span else 0.0,
    }


def _percentiles(values: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {"p50": _at(ordered, 0.50), "p95": _at(ordered, 0.95)}


def _at(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that this share of all is not above."""
    if not ordered:
        return None
    return round(ordered[max(math.ceil(len(ordered) * share) - 1, 0)], 1)


def _moved(stories: Iterable[Story]) -> Iterator[Story]:
    """The requests that the first link of their chain did not answer."""
    for story in stories:
        served = story.answered_by
        late = served is not None and served.number > 1
        if story.chain is not None and (late or story.end is End.FAILED):
            yield story


def _failover(story: Story) -> dict[str, Any]:
    served = story.answered_by
    return {
        "at": round(story.started_at, 3),
        "request_id": story.request_id,
        "alias": story.chain.alias if story.chain else None,
        "endpoint": story.endpoint.name,
        "failed": [{"link": name, "label": label} for name, label in _failures(story)],
        "served_by": served.deployment.name if served else None,
        "status": story.status,
        "end": story.end.value,
    }


def _failures(story: Story) -> list[tuple[str, str]]:
    """Each link that did not answer, in the order of the chain, and the last word on it."""
    known = {skip.link.number: (skip.link, skip.label) for skip in story.skips}
    for attempt in story.attempts:
        if attempt.kind is not None:
            known[attempt.call.link.number] = (attempt.call.link, attempt.kind.label)
    return [(link.deployment.name, label) for _, (link, label) in sorted(known.items())]
