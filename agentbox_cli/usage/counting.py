"""From a provider's usage object to tokens by how they are charged.

Providers count in two ways: OpenAI's prompt tokens include what was read from a cache or written
to one, Anthropic's do not. Counts that cannot be true are taken as not reported.
"""

from collections.abc import Mapping
from typing import Any

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.pricing import Counts

# More tokens than any model can hold: a count beyond is a mistake of the provider.
ABSURD = 1_000_000_000

_USUAL_TIERS = frozenset({"standard", "default", "auto", "on_demand"})


def counts_of(protocol: Protocol, usage: Mapping[str, Any] | None) -> Counts | None:
    """Read a usage object; None if it says nothing that can be counted.

    Args:
        protocol: what the provider's answer is written in.
        usage: its usage object, whatever may be in it.
    """
    if not usage:
        return None
    if protocol is Protocol.ANTHROPIC_MESSAGES:
        return _exclusive(usage)
    if protocol is Protocol.GOOGLE_GENERATE:
        return _of_google(usage)
    names = _RESPONSES if protocol is Protocol.OPENAI_RESPONSES else _CHAT
    return _inclusive(usage, *names)


def tier_of(usage: Mapping[str, Any] | None, beside: Any = None) -> str:
    """The service tier that answered; empty for the usual one.

    Args:
        usage: the provider's usage object, where Anthropic names it.
        beside: what stands beside that object, as OpenAI has it.
    """
    tier = (usage or {}).get("service_tier") or beside
    return tier[:32] if isinstance(tier, str) and tier not in _USUAL_TIERS else ""


_CHAT = (
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
)
_RESPONSES = ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")


def _inclusive(
    usage: Mapping[str, Any],
    prompt_name: str,
    output_name: str,
    about_prompt: str,
    about_output: str,
) -> Counts | None:
    """Counts whose prompt includes the cached tokens."""
    prompt, output = _count(usage, prompt_name), _count(usage, output_name)
    if prompt is None and output is None:
        return None
    of_prompt, of_output = _part(usage, about_prompt), _part(usage, about_output)
    cached = _first(_count(of_prompt, "cached_tokens"), _count(usage, "prompt_cache_hit_tokens"))
    written = _first(
        _count(of_prompt, "cache_write_tokens"), _count(of_prompt, "cache_creation_tokens")
    )
    reasoning = _count(of_output, "reasoning_tokens") or 0
    whole, said = prompt or 0, output or 0
    if reasoning and _count(usage, "total_tokens") == whole + said + reasoning:
        said += reasoning  # some leave their thinking out of the answer's tokens
    return _counts(
        fresh=whole - cached - written,
        cached=cached,
        written=written,
        output=said,
        reasoning=reasoning,
    )


def _exclusive(usage: Mapping[str, Any]) -> Counts | None:
    """Counts whose prompt stands beside the cached tokens."""
    prompt, output = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if prompt is None and output is None:
        return None
    written = _count(usage, "cache_creation_input_tokens") or 0
    hour = _count(_part(usage, "cache_creation"), "ephemeral_1h_input_tokens") or 0
    hour = min(hour, written)
    return _counts(
        fresh=prompt or 0,
        cached=_count(usage, "cache_read_input_tokens") or 0,
        written=written - hour,
        written_1h=hour,
        output=output or 0,
    )


def _of_google(usage: Mapping[str, Any]) -> Counts | None:
    """Counts whose prompt includes the cached tokens, and whose answer leaves out the thoughts."""
    prompt, output = _count(usage, "promptTokenCount"), _count(usage, "candidatesTokenCount")
    if prompt is None and output is None:
        return None
    cached = _count(usage, "cachedContentTokenCount") or 0
    thoughts = _count(usage, "thoughtsTokenCount") or 0
    # What Google's own tools read is charged like a prompt, and stands beside it.
    read = _count(usage, "toolUsePromptTokenCount") or 0
    return _counts(
        fresh=(prompt or 0) - cached + read,
        cached=cached,
        written=0,
        output=(output or 0) + thoughts,
        reasoning=thoughts,
    )


def _counts(*, fresh: int, output: int, reasoning: int = 0, **others: int) -> Counts:
    # A part may be reported as larger than the whole.
    return Counts(fresh=max(fresh, 0), output=output, reasoning=min(reasoning, output), **others)


def _first(value: int | None, otherwise: int | None) -> int:
    return value if value is not None else otherwise or 0


def _part(usage: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = usage.get(name)
    return part if isinstance(part, dict) else _NOTHING


_NOTHING: Mapping[str, Any] = {}


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= ABSURD else None
