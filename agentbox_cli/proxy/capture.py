"""From the story of a request to the record that the usage store keeps.

Made a moment after the request is over, for all that have ended meanwhile: none waits for it.
"""

from agentbox_cli.providers.pricing import Counts
from agentbox_cli.proxy.callers import plain
from agentbox_cli.proxy.processes import Processes
from agentbox_cli.proxy.story import Attempt, End, Story
from agentbox_cli.usage.counting import counts_of, tier_of
from agentbox_cli.usage.record import CallRecord, RequestRecord

_OUTCOMES = {End.ANSWERED: "answered", End.CUT: "cut", End.CLIENT_LEFT: "cancelled"}
_NO_COUNTS = Counts()


def record_of(story: Story, processes: Processes) -> RequestRecord:
    """The record of a request that went down a chain.

    Args:
        story: what became of it.
        processes: knows who called.
    """
    chain, served = story.chain, story.answered_by
    process = processes.of(story.socket)
    return RequestRecord(
        request_id=story.request_id,
        at=story.started_at,
        alias=chain.alias if chain else "",
        asked=story.asked or "",
        endpoint=story.endpoint.path,
        stream=story.stream,
        status=story.status or 0,
        outcome=_OUTCOMES.get(story.end, "failed"),
        served_by=served.deployment.name if served else "",
        first_link=chain.links[0].deployment.name if chain else "",
        fell_back=served is not None and served.number > 1,
        elapsed_ms=story.elapsed_ms or 0.0,
        first_content_ms=_first_content(story),
        caller=story.caller or "",
        project=story.project,
        pid=process.pid if process else None,
        process=process.name if process else None,
        calls=tuple(_call(attempt) for attempt in story.attempts),
    )


def _first_content(story: Story) -> float | None:
    last = story.attempts[-1] if story.attempts else None
    if last is None or last.first_content_ms is None:
        return None
    return (last.began - story.began) * 1_000 + last.first_content_ms


def _call(attempt: Attempt) -> CallRecord:
    deployment, spent = attempt.call.link.deployment, attempt.spent
    usage = spent.usage if spent else None
    counts = counts_of(spent.protocol, usage) if spent else None
    return CallRecord(
        attempt=attempt.call.number,
        at=attempt.started_at,
        link=attempt.call.link.number,
        provider=deployment.provider.name,
        model=deployment.model.id,
        lane=attempt.lane.value,
        status=attempt.status,
        kind=attempt.kind.value if attempt.kind else "",
        complete=attempt.complete,
        cancelled=attempt.cancelled,
        maybe_charged=attempt.maybe_charged,
        elapsed_ms=attempt.elapsed_ms or 0.0,
        first_content_ms=attempt.first_content_ms,
        counts=counts or _NO_COUNTS,
        counted=counts is not None,
        tier=plain(tier_of(usage, spent.tier if spent else None)),
        raw_usage=usage,
    )
