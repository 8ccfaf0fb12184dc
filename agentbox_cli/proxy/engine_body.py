"""What of a request LiteLLM gets to see: the fields of the protocol and no others.

LiteLLM obeys fields of its own wherever they come from: `fallbacks` and `num_retries` call again,
`api_key` replaces the egress secret, `extra_headers` forges the attempt's name; and a field that
its OpenAI client does not know ends in a 500 (measured). So only what the published protocols
name goes through.
"""

from collections.abc import Mapping

import msgspec

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import Link
from agentbox_cli.proxy.request import Ask

_encode = msgspec.json.Encoder().encode

_CHAT = """
    messages audio frequency_penalty function_call functions logit_bias logprobs max_tokens
    max_completion_tokens metadata modalities n parallel_tool_calls prediction presence_penalty
    prompt_cache_key reasoning_effort response_format safety_identifier seed service_tier stop
    store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
    web_search_options
"""
_MESSAGES = """
    messages container context_management max_tokens mcp_servers metadata output_config
    output_format service_tier stop_sequences stream system temperature thinking tool_choice tools
    top_k top_p
"""
_RESPONSES = """
    input background conversation include instructions max_output_tokens max_tool_calls metadata
    parallel_tool_calls previous_response_id prompt prompt_cache_key reasoning safety_identifier
    service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p
    truncation user
"""
_EMBEDDINGS = "input dimensions encoding_format user"

FIELDS: Mapping[Protocol, frozenset[str]] = {
    Protocol.OPENAI_CHAT: frozenset(_CHAT.split()),
    Protocol.ANTHROPIC_MESSAGES: frozenset(_MESSAGES.split()),
    Protocol.OPENAI_RESPONSES: frozenset(_RESPONSES.split()),
    Protocol.OPENAI_EMBEDDINGS: frozenset(_EMBEDDINGS.split()),
}


def body_for_engine(ask: Ask, link: Link, protocol: Protocol) -> bytes:
    """The body for LiteLLM, which knows the deployment by its full name."""
    known = FIELDS[protocol]
    fields = {name: value for name, value in ask.told.items() if name in known}
    fields["model"] = msgspec.Raw(_encode(link.deployment.name))
    return _encode(fields)
