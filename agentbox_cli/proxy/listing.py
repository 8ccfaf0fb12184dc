"""`/v1/models`: the aliases, as OpenAI's, Anthropic's and Google's clients expect them."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentbox_cli.providers.model import ModelKind
from agentbox_cli.providers.resolved import Chain

# Aliases have no birthday; the epoch is a date that every client parses.
_CREATED = "1970-01-01T00:00:00Z"
# What the models behind an alias can do is not said: it differs from link to link.
_ALIAS: Mapping[str, Any] = {
    "created_at": _CREATED,
    "lifecycle": "active",
    "line": None,
    "capabilities": None,
    "max_input_tokens": None,
    "max_tokens": None,
    "deprecated_at": None,
    "retires_at": None,
}


def model_body(name: str, *, anthropic: bool) -> dict[str, Any]:
    """One name that may be asked for, in the shape of the client's protocol."""
    if anthropic:
        return {"type": "model", "id": name, "display_name": name, **_ALIAS}
    return {"id": name, "object": "model", "created": 0, "owned_by": "agentbox"}


def models_body(aliases: Sequence[str], *, anthropic: bool) -> dict[str, Any]:
    """The list of aliases, in the shape of the client's protocol."""
    data = [model_body(alias, anthropic=anthropic) for alias in aliases]
    if not anthropic:
        return {"object": "list", "data": data}
    return {
        "data": data,
        "has_more": False,
        "first_id": aliases[0] if aliases else None,
        "last_id": aliases[-1] if aliases else None,
    }


def google_model(name: str, chain: Chain) -> dict[str, Any]:
    """One name, in the shape of Google's list; the window is the first link's, where known."""
    chat = chain.kind is ModelKind.CHAT
    window = chain.links[0].max_input_tokens
    told = {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "countTokens"] if chat else [],
    }
    return told | ({"inputTokenLimit": window} if window else {})
