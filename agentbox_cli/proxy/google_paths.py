"""Google's paths, which name the model and whether a stream is asked for."""

import re
from urllib.parse import parse_qs, quote

from agentbox_cli.proxy.endpoints import GENERATE, GOOGLE_COUNT, Endpoint

SSE = "alt=sse"
_VERSION = "v1beta|v1alpha|v1"
_CALL = re.compile(
    rf"/(?:{_VERSION})/models/(?P<model>.+)"
    r":(?P<verb>generateContent|streamGenerateContent|countTokens)"
)
_LIST = re.compile(rf"/(?:{_VERSION})/models(?:/(?P<model>.+))?")


def called_at(path: str) -> Endpoint | None:
    """The endpoint of a path; None if it is not one of Google's."""
    if ":" not in path:
        return None
    found = _CALL.fullmatch(path)
    if found is None:
        return None
    return GOOGLE_COUNT if found["verb"] == "countTokens" else GENERATE


def named_in(path: str) -> tuple[str, bool]:
    """The model that a path of an endpoint names, and whether it asks for a stream."""
    found = _CALL.fullmatch(path)
    if found is None:
        raise ValueError(f"{path} is no path of Google's")
    return found["model"], found["verb"] == "streamGenerateContent"


def listed_at(path: str) -> str | None:
    """The model that a path of the list asks for, empty for all; None for another path."""
    found = _LIST.fullmatch(path)
    return None if found is None else found["model"] or ""


def key_in(query: str) -> str | None:
    """The caller's key, where it stands in the query as Google allows."""
    keys = parse_qs(query).get("key")
    return keys[0] if keys else None


def wants_events(query: str) -> bool:
    """Whether a stream is to come as server-sent events; else it is one JSON array."""
    return parse_qs(query).get("alt") == ["sse"]


def place_of(model: str, endpoint: Endpoint, *, stream: bool) -> str:
    """What follows a provider's address in a call of an endpoint."""
    if endpoint is GOOGLE_COUNT:
        verb = "countTokens"
    else:
        verb = f"streamGenerateContent?{SSE}" if stream else "generateContent"
    return f"/models/{quote(model, safe='/')}:{verb}"
