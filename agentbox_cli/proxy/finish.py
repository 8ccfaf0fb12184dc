"""Why an answer stopped: some reasons mean that there is none.

A provider that filters what it was asked or what it wrote says so in a 200. Where it has said
nothing before, the attempt failed; where it has, that is its answer.
"""

from collections.abc import Mapping
from typing import Any

from agentbox_cli.providers.model import ErrorKind, Protocol
from agentbox_cli.proxy.failure import Failure

OK = 200

# OpenAI, Azure and most others; Anthropic; Zhipu; Gemini, whose own names come through its
# OpenAI-style address in capitals; Bedrock. The window of the model: Anthropic, Mistral.
_DECLINED: Mapping[str, ErrorKind] = {
    "content_filter": ErrorKind.CONTENT_POLICY,
    "content_filtered": ErrorKind.CONTENT_POLICY,
    "refusal": ErrorKind.CONTENT_POLICY,
    "sensitive": ErrorKind.CONTENT_POLICY,
    "guardrail_intervened": ErrorKind.CONTENT_POLICY,
    "safety": ErrorKind.CONTENT_POLICY,
    "recitation": ErrorKind.CONTENT_POLICY,
    "blocklist": ErrorKind.CONTENT_POLICY,
    "prohibited_content": ErrorKind.CONTENT_POLICY,
    "spii": ErrorKind.CONTENT_POLICY,
    "image_safety": ErrorKind.CONTENT_POLICY,
    "model_context_window_exceeded": ErrorKind.CONTEXT_WINDOW,
    "model_length": ErrorKind.CONTEXT_WINDOW,
}

# OpenRouter; vLLM and SGLang; DeepSeek. However much was said, it is not a whole answer.
_BROKEN = frozenset({"error", "abort", "insufficient_system_resource"})


def declined(reason: Any) -> ErrorKind | None:
    """Tell which failure a reason to stop is, if nothing was said before; None if it is none."""
    return _DECLINED.get(_name(reason)) if reason else None


def broke_off(reason: Any) -> str | None:
    """Say that a reason to stop means that the provider broke down on the way; None if not."""
    if not reason or _name(reason) not in _BROKEN:
        return None
    said = "" if reason == "error" else f": {reason}"
    return f"the provider stopped with an error{said}"


def _name(reason: Any) -> str:
    # Gemini adds what it was: "content_filter: SAFETY".
    return str(reason).partition(":")[0].strip().lower()


def declined_failure(
    reason: Any, protocol: Protocol, body: bytes | None, content_type: str
) -> Failure:
    """Make the failure of an answer that says nothing but a reason for that.

    Args:
        reason: one for which `declined` names a kind.
        protocol: what the answer is written in.
        body: the answer, for a client who is to get it as it is.
        content_type: of the body.
    """
    return Failure(
        kind=declined(reason) or ErrorKind.CONTENT_POLICY,
        status=OK,
        message=f"the provider stopped before it said anything: {str(reason)[:80]}",
        body=body,
        content_type=content_type,
        code=_name(reason),
        protocol=protocol,
    )
