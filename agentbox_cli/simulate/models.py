"""The list of a provider's models, in OpenAI's or Anthropic's form."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentbox_cli.simulate.answer import Answer, unary

_RELEASED = 1735689600
_ANTHROPIC_MODEL: Mapping[str, Any] = {
    "created_at": "2025-01-01T00:00:00Z",
    "lifecycle": "active",
    "line": None,
    "capabilities": None,
    "max_input_tokens": None,
    "max_tokens": None,
    "deprecated_at": None,
    "retires_at": None,
}


def answer_models(provider: str, models: Sequence[str], *, anthropic: bool) -> Answer:
    """Answer `/models`."""
    if anthropic:
        return unary(_anthropic_page(models))
    return unary({"object": "list", "data": [_openai_model(provider, name) for name in models]})


def _anthropic_page(models: Sequence[str]) -> dict[str, Any]:
    return {
        "data": [_anthropic_model(name) for name in models],
        "has_more": False,
        "first_id": models[0] if models else None,
        "last_id": models[-1] if models else None,
    }


def _anthropic_model(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": name, **_ANTHROPIC_MODEL}


def _openai_model(provider: str, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _RELEASED, "owned_by": provider}
