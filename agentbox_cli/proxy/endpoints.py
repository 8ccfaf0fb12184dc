"""The paths that the proxy answers with a chain, and where each one leads at a provider."""

from dataclasses import dataclass

from agentbox_cli.providers.model import Protocol

DEFAULT_ANTHROPIC_VERSION = "2023-06-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A path of ours and the protocol that its callers speak.

    Args:
        name: as `--json` names it.
        path: where clients call it.
        protocol: the protocol of request and answer.
    """

    name: str
    path: str
    protocol: Protocol

    @property
    def is_anthropic(self) -> bool:
        """Whether errors are worded as Anthropic does."""
        return self.protocol is Protocol.ANTHROPIC_MESSAGES


CHAT = Endpoint(name="chat", path="/v1/chat/completions", protocol=Protocol.OPENAI_CHAT)
MESSAGES = Endpoint(name="messages", path="/v1/messages", protocol=Protocol.ANTHROPIC_MESSAGES)
RESPONSES = Endpoint(name="responses", path="/v1/responses", protocol=Protocol.OPENAI_RESPONSES)
EMBEDDINGS = Endpoint(
    name="embeddings", path="/v1/embeddings", protocol=Protocol.OPENAI_EMBEDDINGS
)

BY_PATH = {endpoint.path: endpoint for endpoint in (CHAT, MESSAGES, RESPONSES, EMBEDDINGS)}


def provider_url(api_base: str, protocol: Protocol) -> str:
    """Where a provider takes calls in `protocol`.

    An OpenAI-style `api_base` includes `/v1` and an Anthropic one does not; a provider that speaks
    both is configured by its OpenAI-style address.
    """
    if protocol is Protocol.ANTHROPIC_MESSAGES:
        return f"{api_base.removesuffix('/v1')}/v1/messages"
    return (
        api_base
        + {
            Protocol.OPENAI_CHAT: "/chat/completions",
            Protocol.OPENAI_RESPONSES: "/responses",
            Protocol.OPENAI_EMBEDDINGS: "/embeddings",
        }[protocol]
    )
