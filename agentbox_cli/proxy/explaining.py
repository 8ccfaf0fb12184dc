"""Stories as JSON, for `/agentbox/requests` and `agentbox litellm explain`."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec
from aiohttp import web
from pydantic import SecretStr

from agentbox_cli.config.redaction import redact_values
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.endpoints import CHAT
from agentbox_cli.proxy.reply import refusal
from agentbox_cli.proxy.story import STORIES_KEPT, Attempt, End, Skip, Stories, Story
from agentbox_cli.usage.counting import counts_of, tier_of

PATH = "/agentbox/requests"
LISTED = 20
NAMED_WHEN_SEVERAL = 5
NAME_LENGTH = 60
# What a link is called in a story that cannot say more of it.
NOT_REACHED = "not-reached"


class Pages:
    """Answers what was asked about recent requests.

    Args:
        stories: what is known.
        secrets: never to be shown, whatever a provider's message quotes.
    """

    def __init__(self, stories: Stories, secrets: Iterable[SecretStr]) -> None:
        self._stories = stories
        self._secrets = frozenset(secret.get_secret_value() for secret in secrets)

    async def listed(self, http: web.BaseRequest) -> web.StreamResponse:
        """The latest requests, the newest first; `?limit=20&failed=true`."""
        limit = _limit(http.query)
        if limit is None:
            return refusal(CHAT, 400, f"limit is a number from 1 to {STORIES_KEPT}")
        only_failed = http.query.get("failed") == "true"
        wanted = (one for one in self._stories.latest() if one.fell_over or not only_failed)
        return self._json({"requests": [row(story) for story in islice(wanted, limit)]})

    async def one(self, http: web.BaseRequest) -> web.StreamResponse:
        """One request, by its id or the unique beginning of it."""
        start = http.path.removeprefix(f"{PATH}/")[:NAME_LENGTH]
        found = self._stories.named(start)
        if len(found) == 1:
            return self._json(document(found[0], self._stories))
        if not found:
            message = (
                f"no request {start!r} among the last {STORIES_KEPT} since the proxy was started"
            )
            return refusal(CHAT, 404, message, code="request_unknown")
        ids = ", ".join(story.request_id for story in found[-NAMED_WHEN_SEVERAL:])
        message = f"{len(found)} requests begin with {start!r}, among them {ids}"
        return refusal(CHAT, 409, message, code="request_ambiguous")

    def _json(self, told: dict[str, Any]) -> web.Response:
        text = redact_values(msgspec.json.encode(told).decode(), self._secrets)
        return web.Response(text=text, content_type="application/json")


def _limit(query: Mapping[str, str]) -> int | None:
    asked = query.get("limit", str(LISTED))
    if not (asked.isascii() and asked.isdigit() and len(asked) <= len(str(STORIES_KEPT))):
        return None
    return int(asked) if 1 <= int(asked) <= STORIES_KEPT else None


def row(story: Story) -> dict[str, Any]:
    """A request in a list."""
    served_by = story.answered_by
    return {
        "request_id": story.request_id,
        "started_at": round(story.started_at, 3),
        "asked": story.asked,
        "alias": story.chain.alias if story.chain else None,
        "endpoint": story.endpoint.name,
        "stream": story.stream,
        "caller": story.caller,
        "end": story.end.value,
        "status": story.status,
        "served_by": served_by.deployment.name if served_by else None,
        "calls": len(story.attempts),
        "elapsed_ms": _ms(story.elapsed_ms),
        "message": story.message,
    }


def document(story: Story, stories: Stories) -> dict[str, Any]:
    """A request's whole story, link by link."""
    links = story.chain.links if story.chain else ()
    return row(story) | {"links": [_link(story, link, stories) for link in links]}


def _link(story: Story, link: Link, stories: Stories) -> dict[str, Any]:
    attempts = [one for one in story.attempts if one.call.link.number == link.number]
    skip = next((one for one in story.skips if one.link.number == link.number), None)
    return {
        "link": link.number,
        "provider": link.deployment.provider.name,
        "model": link.deployment.model.id,
        "outcome": _outcome(attempts, skip),
        "skip": _skip(story, skip, stories) if skip else None,
        "attempts": [_attempt(story, one, retry) for retry, one in enumerate(attempts)],
    }


def _outcome(attempts: list[Attempt], skip: Skip | None) -> str:
    if not attempts:
        return skip.label if skip else NOT_REACHED
    last = attempts[-1]
    if last.elapsed_ms is None:
        return End.RUNNING.value
    if last.complete:
        return End.ANSWERED.value
    if last.cancelled:
        return End.CLIENT_LEFT.value
    return (End.FAILED if last.first_content_ms is None else End.CUT).value


def _skip(story: Story, skip: Skip, stories: Stories) -> dict[str, Any]:
    begun = stories.cause_of(skip)
    at = skip.at - story.began
    until = None if skip.seconds is None else round(story.started_at + at + skip.seconds, 3)
    earlier, attempt = begun or (None, None)
    return {
        "label": skip.label,
        "at_ms": _ms(at * 1_000),
        "kind": skip.cause.value if skip.cause else None,
        "until": until,
        "since": _end_of(attempt) if attempt else None,
        "because_of": earlier.request_id if earlier else None,
        "message": attempt.message if attempt else skip.message,
    }


def _attempt(story: Story, attempt: Attempt, retry: int) -> dict[str, Any]:
    call, kind, tokens = attempt.call, attempt.kind, attempt.tokens
    return {
        "attempt": call.number,
        "retry": retry,
        "lane": attempt.lane.value,
        "at_ms": _ms((attempt.began - story.began) * 1_000),
        "delay_ms": _ms(call.delay * 1_000),
        "probe": bool(call.probe),
        "first_content_ms": _ms(attempt.first_content_ms),
        "elapsed_ms": _ms(attempt.elapsed_ms),
        "status": attempt.status,
        "class": kind.error_class.value if kind else None,
        "kind": kind.value if kind else None,
        "message": attempt.message,
        "maybe_charged": attempt.maybe_charged,
        "tokens": msgspec.structs.asdict(tokens) if tokens else None,
        "charged": _charged(attempt),
    }


def _charged(attempt: Attempt) -> dict[str, Any] | None:
    """Its tokens by how they are charged, whatever way the provider counts in."""
    spent = attempt.spent
    counts = counts_of(spent.protocol, spent.usage) if spent else None
    if spent is None or counts is None:
        return None
    return msgspec.structs.asdict(counts) | {"tier": tier_of(spent.usage, spent.tier)}


def _end_of(attempt: Attempt) -> float | None:
    if attempt.elapsed_ms is None:
        return None
    return round(attempt.started_at + attempt.elapsed_ms / 1_000, 3)


def _ms(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
