"""Google's signatures of thoughts, in a conversation that others have had a part in."""

from typing import Any

import msgspec

from agentbox_cli.proxy.request import Ask

# Google's own word for a call whose thought cannot be shown; Gemini CLI sends it as well.
UNSIGNED = "skip_thought_signature_validator"
_SIGNATURES = ("thoughtSignature", "thought_signature")
_CALLS = ("functionCall", "function_call")

_turns = msgspec.json.Decoder(list[dict[str, Any]]).decode


def without_signatures(ask: Ask) -> Ask:
    """The request with no signatures but the word that stands for one; the same if it has none.

    The newer models refuse a call of a tool that has none, as calls of other models do.
    """
    try:
        turns = _turns(ask.told["contents"])
    except (KeyError, ValueError, RecursionError):
        return ask
    parts = [part for turn in turns for part in _parts(turn)]
    changed = [_unsigned(part) for part in parts]
    return ask.telling("contents", turns) if any(changed) else ask


def _parts(turn: dict[str, Any]) -> list[dict[str, Any]]:
    parts = turn.get("parts")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _unsigned(part: dict[str, Any]) -> bool:
    """Change a part in place; tell whether anything of it changed."""
    signed = [part.pop(name) for name in _SIGNATURES if name in part]
    if not any(name in part for name in _CALLS):
        return bool(signed)
    part["thoughtSignature"] = UNSIGNED
    return signed != [UNSIGNED]
