"""`/v1/models`: the aliases, as OpenAI's and Anthropic's clients expect them."""

from collections.abc import Sequence
from typing import Any

# Aliases have no birthday; the epoch is a date that every client parses.
_CREATED = "1970-01-01T00:00:00Z"


def model_body(name: str, *, anthropic: bool) -> dict[str, Any]:
    """One name that may be asked for, in the shape of the client's protocol."""
    if anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED}
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
