"""What the proxy runs on: every default filled in, every key looked up, as frozen data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from agentbox_cli.config.model import LiteLLMConfig
from agentbox_cli.config.redaction import is_credential
from agentbox_cli.providers.model import (
    ErrorClass,
    ErrorKind,
    ModelKind,
    ModelSpec,
    Protocol,
    ProviderSpec,
)

# The endpoints by which people know the protocols, in the order in which they are shown.
ENDPOINTS: Mapping[str, tuple[Protocol, ModelKind]] = {
    "chat": (Protocol.OPENAI_CHAT, ModelKind.CHAT),
    "messages": (Protocol.ANTHROPIC_MESSAGES, ModelKind.CHAT),
    "responses": (Protocol.OPENAI_RESPONSES, ModelKind.CHAT),
    "generate": (Protocol.GOOGLE_GENERATE, ModelKind.CHAT),
    "embeddings": (Protocol.OPENAI_EMBEDDINGS, ModelKind.EMBEDDING),
}


class Lane(StrEnum):
    """How a call reaches a deployment: from the proxy itself, or through LiteLLM."""

    DIRECT = "direct"
    LITELLM = "litellm"
    NONE = "none"


class KeyState(StrEnum):
    """Whether a provider's key is at hand."""

    SET = "set"
    MISSING = "missing"
    NOT_NEEDED = "not-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """A provider's key and where it was found."""

    state: KeyState
    value: SecretStr | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedProvider:
    """A provider as this config uses it.

    Args:
        spec: what is known of it; made up for a provider that only the config knows.
        api_base: where it is; None if the daemon serves it itself.
        key: its key.
        headers: headers added to every call.
        configured: whether the config names it.
    """

    spec: ProviderSpec
    api_base: str | None
    key: ProviderKey
    headers: Mapping[str, SecretStr] = field(default_factory=dict)
    configured: bool = True

    @property
    def name(self) -> str:
        """The provider's name in the config."""
        return self.spec.name

    @property
    def usable(self) -> bool:
        """Whether a call can be made at all."""
        return self.key.state is not KeyState.MISSING

    def secrets(self) -> Iterator[SecretStr]:
        """Its key, and every header that carries one."""
        if self.key.value is not None:
            yield self.key.value
        for name, value in self.headers.items():
            if is_credential(name):
                yield value


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A model at a provider.

    Attributes:
        name: `provider/model`, the deployment's name everywhere.
    """

    provider: ResolvedProvider
    model: ModelSpec
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Each request asks for it eight times.
        object.__setattr__(self, "name", f"{self.provider.name}/{self.model.id}")

    def speaks(self, protocol: Protocol) -> bool:
        """Whether a call in `protocol` reaches the provider untranslated."""
        return protocol in self.provider.spec.protocols and self.lane(protocol) is Lane.DIRECT

    def lane(self, protocol: Protocol) -> Lane:
        """The lane of a call in `protocol`: direct where the provider speaks it itself.

        Google's protocol takes the lane of a chat where the provider does not speak it.
        """
        wanted = ModelKind.EMBEDDING if protocol is Protocol.OPENAI_EMBEDDINGS else ModelKind.CHAT
        if self.model.kind is not wanted:
            return Lane.NONE
        if protocol in self.provider.spec.protocols:
            return Lane.DIRECT
        if protocol is Protocol.GOOGLE_GENERATE:
            # The proxy itself makes a chat of it, for LiteLLM loses parts of it (measured).
            return self.lane(Protocol.OPENAI_CHAT)
        return Lane.LITELLM if wanted in self.provider.spec.litellm_prefix else Lane.NONE

    def lanes(self) -> dict[str, str]:
        """The lane of every endpoint, as `--json` shows it."""
        return {name: self.lane(protocol).value for name, (protocol, _) in ENDPOINTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One step of a chain: a deployment, and how it is called from here.

    Args:
        number: its place in the chain, from 1.
        deployment: what is called.
        timeout: seconds for it to answer.
        stream_timeout: seconds that its stream may pause after the first content.
        connect_timeout: seconds for a connection to it.
        max_input_tokens: tokens that a prompt may have; None if unknown.
        drop_params: request parameters it must not receive.
    """

    number: int
    deployment: Deployment
    timeout: float
    stream_timeout: float = 120.0
    connect_timeout: float = 10.0
    max_input_tokens: int | None = None
    drop_params: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """An alias and its links; `source` is `config` or the plugins that propose it."""

    alias: str
    links: tuple[Link, ...]
    source: str = "config"

    @property
    def kind(self) -> ModelKind:
        """What the chain's models are for."""
        return self.links[0].deployment.model.kind

    @property
    def usable(self) -> bool:
        """Whether at least one link can be called."""
        return any(link.deployment.provider.usable for link in self.links)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePattern:
    """Names that lead to an alias; `source` is `config` or the agent that asks for such names."""

    pattern: str
    alias: str
    source: str = "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toggles:
    """Which failures move a call to the next link."""

    on_rate_limit: bool = True
    on_context_window: bool = True
    on_error: bool = True
    on_content_policy: bool = True

    def move_on(self, kind: ErrorKind) -> bool:
        """Whether a failure of this kind moves on to the next link, and may begin a cooldown."""
        if kind.error_class is ErrorClass.RATE_LIMIT:
            return self.on_rate_limit
        if kind.error_class is ErrorClass.CONTEXT_WINDOW:
            return self.on_context_window
        return self.on_content_policy if kind is ErrorKind.CONTENT_POLICY else self.on_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """Retries and times, in seconds; `total_timeout` None means links times their timeout."""

    num_retries: int = 3
    timeout: float = 120.0
    stream_timeout: float = 120.0
    connect_timeout: float = 10.0
    total_timeout: float | None = None
    retry_after_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """All that the proxy runs on; of `patterns` the first that fits a name counts."""

    config: LiteLLMConfig
    providers: Mapping[str, ResolvedProvider]
    chains: Mapping[str, Chain]
    toggles: Toggles
    router: Router
    patterns: tuple[NamePattern, ...] = ()

    def secrets(self) -> Iterator[SecretStr]:
        """Every key, and every header that carries one."""
        for provider in self.providers.values():
            yield from provider.secrets()

    def deployments(self) -> dict[str, Deployment]:
        """Every deployment that stands in a chain, by name."""
        return {
            link.deployment.name: link.deployment
            for chain in self.chains.values()
            for link in chain.links
        }
