"""A request's story in plain language, and what to do next; pure."""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any

Told = Mapping[str, Any]
SECOND = 1_000

_SKIPPED = {
    "skipped-cooling": "passed over: it cools",
    "skipped-exhausted": "passed over: a quota window has nothing left",
    "skipped-key-missing": "passed over: its provider's key is not set",
    "skipped-paused": "passed over: somebody has paused it",
    "skipped-pinned": "passed over: another link made what the request names",
    "skipped-unfit": "passed over: it does not fit the request",
}
_ENDS = {
    "running": "it is still under way",
    "answered": "answered by {served_by} after {took}",
    "failed": "no link answered; the client got {status} after {took}: {message}",
    "cut": "cut after its first content, {took} in all: {message}",
    "client-left": "the client left after {took}",
    "refused": "refused with {status} before any link was called: {message}",
    "bug": "{message}",
}
# By kind or label: who is meant, what is wrong, and the command that tells or mends.
_NEXT = {
    "throttle": ("{provider}", "rate limited", "agentbox litellm limits"),
    "quota": ("{provider}", "its quota or credit is used up", "agentbox litellm limits"),
    "context_window": (
        "{name}",
        "the prompt is too long for it; put a link with a larger window behind it",
        "agentbox litellm models add",
    ),
    "server": ("{name}", "failed by itself", "agentbox litellm status"),
    "timeout": (
        "{name}",
        "too slow for `timeout` or `stream_timeout`",
        "agentbox config get litellm.router.timeout",
    ),
    "connection": ("{provider}", "hard to reach from here", "agentbox litellm providers"),
    "auth": ("{provider}", "it refuses the key", "agentbox litellm providers login {provider}"),
    "forbidden": ("{name}", "the key may not use it", "agentbox litellm providers"),
    "not_found": ("{name}", "the provider does not know it", "agentbox litellm models"),
    "payment": ("{provider}", "it asks for payment", "agentbox litellm providers"),
    "unsupported": ("{name}", "it lacks what the request uses", "agentbox litellm models"),
    "bad_request": ("{name}", "it takes the request for malformed, see its message", None),
    "content_policy": ("{name}", "it refuses the content", None),
    "skipped-exhausted": ("{provider}", "a quota window is used up", "agentbox litellm limits"),
    "skipped-key-missing": (
        "{provider}",
        "its key is not set",
        "agentbox litellm providers login {provider}",
    ),
    "skipped-paused": ("{name}", "somebody has paused it", "agentbox litellm top"),
    "skipped-pinned": ("{name}", "another link made what the request names", None),
    "skipped-unfit": ("{name}", "it does not fit such requests", "agentbox litellm models"),
}


def retold(story: Told) -> Iterator[str]:
    """The story, one line for each thing that happened."""
    stream = ", stream" if story["stream"] else ""
    by = f" by {story['caller']}" if story["caller"] else ""
    asked = f", asked for {story['asked']!r}" if story["asked"] else ""
    means = story["alias"] not in {None, story["asked"]}
    alias = f" (alias {story['alias']})" if means else ""
    begun = clock(story["started_at"])
    yield f"{story['request_id']}: {story['endpoint']}{stream}{asked}{alias}{by} at {begun}"
    for link in story["links"]:
        yield f"link {link['link']}/{len(story['links'])}: {_name(link)}"
        yield from (f"  {line}" for line in _link(link))
    yield _ENDS[story["end"]].format_map(dict(story) | {"took": span(story["elapsed_ms"])})


def advice(story: Told) -> Iterator[str]:
    """What to do next, one line each."""
    for link in story["links"]:
        what = _why(link)
        if what in _NEXT:
            yield _next(link, *_NEXT[what])
    if any(one["maybe_charged"] for link in story["links"] for one in link["attempts"]):
        yield "calls marked `may be charged` can stand on the bill without a whole answer"


def _link(link: Told) -> Iterator[str]:
    if link["skip"]:
        yield _skip(link["skip"])
    elif not link["attempts"]:
        yield "not needed"
    for attempt in link["attempts"]:
        yield from _attempt(attempt)


def _skip(skip: Told) -> str:
    parts = [_SKIPPED[skip["label"]]]
    if skip["kind"] and skip["label"] == "skipped-cooling":
        parts.append(f"after {skip['kind']}")
    if skip["since"]:
        parts.append(f"since {clock(skip['since'])}")
    if skip["until"]:
        parts.append(f"until {clock(skip['until'])}")
    if skip["because_of"]:
        parts.append(f"(see {skip['because_of']})")
    message = f": {skip['message']}" if skip["message"] else ""
    return f"{_at(skip['at_ms'])} {' '.join(parts)}{message}"


def _attempt(attempt: Told) -> Iterator[str]:
    again = f"called again, retry {attempt['retry']}" if attempt["retry"] else "called"
    delay = f" after a pause of {span(attempt['delay_ms'])}" if attempt["delay_ms"] else ""
    probe = ", to find out whether it is well again" if attempt["probe"] else ""
    yield f"{_at(attempt['at_ms'])} {again}{delay} ({attempt['lane']} lane){probe}"
    if attempt["first_content_ms"] is not None:
        yield f"{_at(attempt['at_ms'] + attempt['first_content_ms'])} first content"
    if attempt["elapsed_ms"] is not None:
        yield f"{_at(attempt['at_ms'] + attempt['elapsed_ms'])} {_outcome(attempt)}"


def _outcome(attempt: Told) -> str:
    charged = " (may be charged)" if attempt["maybe_charged"] else ""
    if attempt["kind"]:
        status = f"{attempt['status']} " if attempt["status"] else ""
        return (
            f"failed: {status}{attempt['kind']}: {attempt['message']}{charged}{_tokens(attempt)}"
        )
    if attempt["first_content_ms"] is None or charged:
        return f"given up: the client left{charged}{_tokens(attempt)}"
    return f"answered with {attempt['status']}{_tokens(attempt)}"


def _tokens(attempt: Told) -> str:
    counts = attempt["tokens"] or {}
    told = [f"{counts[name]} tokens {name}" for name in ("input", "output") if counts.get(name)]
    return f"; {', '.join(told)}" if told else ""


def _why(link: Told) -> str | None:
    """The kind or label that speaks for a link; None if it did what it should."""
    if link["attempts"]:
        kind: str | None = link["attempts"][-1]["kind"]
        return kind
    skip = link["skip"]
    return (skip["kind"] or skip["label"]) if skip else None


def _next(link: Told, who: str, what: str, command: str | None) -> str:
    names = {"provider": link["provider"], "name": _name(link)}
    cools = link["state"] == "cooling" and link["cooldown_s"] is not None
    rest = f", cools {math.ceil(link['cooldown_s'])} s more" if cools else ""
    told = f"{who.format_map(names)}: {what}{rest}"
    return f"{told}: `{command.format_map(names)}`" if command else told


def _name(link: Told) -> str:
    return f"{link['provider']}/{link['model']}"


def _at(milliseconds: float) -> str:
    return f"{span(milliseconds):>9}"


def span(milliseconds: float | None) -> str:
    """A time that something took."""
    if milliseconds is None:
        return "?"
    if milliseconds < SECOND:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds / SECOND:.2f} s"


def clock(seconds: float) -> str:
    """A time of day, here."""
    return time.strftime("%H:%M:%S", time.localtime(seconds))
