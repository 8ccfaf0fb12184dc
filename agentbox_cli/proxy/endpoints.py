"""The paths that the proxy answers with a chain, and where each one leads at a provider."""

from collections.abc import Mapping
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
        at: what follows a provider's `api_base`, where the protocol does not say it.
        opaque: whether answers pass without a look at what they hold.
    """

    name: str
    path: str
    protocol: Protocol
    at: str | None = None
    opaque: bool = False

    @property
    def is_side(self) -> bool:
        """Whether it is one that many providers of its protocol lack."""
        return self.at is not None

    @property
    def is_google(self) -> bool:
        """Whether the model stands in the path, and what follows the path is Google's."""
        return self.protocol is Protocol.GOOGLE_GENERATE

    @property
    def is_anthropic(self) -> bool:
        """Whether errors are worded as Anthropic does."""
        return self.protocol is Protocol.ANTHROPIC_MESSAGES


CHAT = Endpoint(name="chat", path="/v1/chat/completions", protocol=Protocol.OPENAI_CHAT)
MESSAGES = Endpoint(name="messages", path="/v1/messages", protocol=Protocol.ANTHROPIC_MESSAGES)
RESPONSES = Endpoint(name="responses", path="/v1/responses", protocol=Protocol.OPENAI_RESPONSES)
GENERATE = Endpoint(
    name="generate",
    path="/v1beta/models/{model}:generateContent",
    protocol=Protocol.GOOGLE_GENERATE,
)
EMBEDDINGS = Endpoint(
    name="embeddings", path="/v1/embeddings", protocol=Protocol.OPENAI_EMBEDDINGS
)

COMPLETIONS = Endpoint(
    name="completions", path="/v1/completions", protocol=Protocol.OPENAI_CHAT, at="/completions"
)


def _opaque(name: str, at: str, protocol: Protocol = Protocol.OPENAI_CHAT) -> Endpoint:
    return Endpoint(name=name, path=f"/v1{at}", protocol=protocol, at=at, opaque=True)


# What OpenAI-style providers have besides, each with a `model`.
SIDE = (
    COMPLETIONS,
    _opaque("images", "/images/generations"),
    _opaque("images", "/images/edits"),
    _opaque("images", "/images/variations"),
    _opaque("audio", "/audio/transcriptions"),
    _opaque("audio", "/audio/translations"),
    _opaque("audio", "/audio/speech"),
    _opaque("moderations", "/moderations"),
    _opaque("rerank", "/rerank"),
    _opaque("responses", "/responses/input_tokens", Protocol.OPENAI_RESPONSES),
    _opaque("responses", "/responses/compact", Protocol.OPENAI_RESPONSES),
)
COUNT_TOKENS = _opaque("count_tokens", "/messages/count_tokens", Protocol.ANTHROPIC_MESSAGES)
GOOGLE_COUNT = Endpoint(
    name="count_tokens",
    path="/v1beta/models/{model}:countTokens",
    protocol=Protocol.GOOGLE_GENERATE,
    at=":countTokens",
    opaque=True,
)

BY_PATH = {endpoint.path: endpoint for endpoint in (CHAT, MESSAGES, RESPONSES, EMBEDDINGS)}
SERVED = BY_PATH | {endpoint.path: endpoint for endpoint in (*SIDE, COUNT_TOKENS)}


def provider_url(api_base: str, protocol: Protocol, at: str | None = None) -> str:
    """Where a provider takes calls in `protocol`, or what follows its OpenAI-style address.

    An OpenAI-style `api_base` includes `/v1` and an Anthropic one does not; a provider that speaks
    both is configured by its OpenAI-style address. So is Google, which has it below its own.
    """
    if protocol is Protocol.GOOGLE_GENERATE:
        return f"{api_base.removesuffix('/openai')}{at or ''}"
    if at is not None:
        return path_at(api_base, protocol, f"/v1{at}")
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


def path_at(api_base: str, protocol: Protocol, path: str) -> str:
    """Where a provider has what is called `/v1/...` here."""
    if protocol is Protocol.ANTHROPIC_MESSAGES:
        return f"{api_base.removesuffix('/v1')}{path}"
    return f"{api_base}{path.removeprefix('/v1')}"


def tongue_of(path: str, headers: Mapping[str, str]) -> Endpoint:
    """The endpoint whose protocol a caller of another path most likely speaks."""
    if path.startswith(("/v1beta/", "/v1alpha/")) or "x-goog-api-key" in headers:
        return GENERATE
    if path.startswith(("/v1/messages", "/v1/complete/")):
        return MESSAGES
    if path.startswith(_OF_OPENAI):
        return CHAT
    return MESSAGES if "anthropic-version" in headers else CHAT


_OF_OPENAI = tuple(f"/v1/{name}" for name in ("chat", "completions", "responses", "embeddings"))
