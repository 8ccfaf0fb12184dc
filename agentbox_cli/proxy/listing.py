"""`/v1/models`: the aliases, as OpenAI's and Anthropic's clients expect them."""

from collections.abc import Sequence
from typing import Any

# Aliases have no birthday; the epoch is a date that every client parses.
_CREATED = "1970-01-01T00:00:00Z"


def models_body(aliases: Sequence[str], *, anthropic: bool) -> dict[str, Any]:
    """The list of aliases, in the shape of the client's protocol."""
    if anthropic:
        return {
            "data": [
                {"type": "model", "id": alias, "display_name": alias, "created_at": _CREATED}
                for alias in aliases
            ],
            "has_more": False,
            "first_id": aliases[0] if aliases else None,
            "last_id": aliases[-1] if aliases else None,
        }
    return {
        "object": "list",
        "data": [
            {"id": alias, "object": "model", "created": 0, "owned_by": "agentbox"}
            for alias in aliases
        ],
    }
