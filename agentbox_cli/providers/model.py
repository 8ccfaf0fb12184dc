"""What a provider plugin tells about a provider: plain, frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Protocol(StrEnum):
    """A wire protocol that a provider speaks or a client asks in."""

    OPENAI_CHAT = "openai-chat"
    OPENAI_EMBEDDINGS = "openai-embeddings"
    OPENAI_RESPONSES = "openai-responses"
    ANTHROPIC_MESSAGES = "anthropic-messages"
    GOOGLE_GENERATE = "google-generate"


class ModelKind(StrEnum):
    """What a model is for; a chain holds models of one kind."""

    CHAT = "chat"
    EMBEDDING = "embedding"


class RateLimitScope(StrEnum):
    """What a 429 speaks for: the whole account, or the model that was asked."""

    ACCOUNT = "account"
    MODEL = "model"


class ErrorClass(StrEnum):
    """How an attempt failed, as far as the user's toggles tell it apart."""

    RATE_LIMIT = "rate_limit"
    CONTEXT_WINDOW = "context_window"
    ERROR = "error"


class ErrorKind(StrEnum):
    """How an attempt failed, finer than its class."""

    THROTTLE = "throttle"
    QUOTA = "quota"
    CONTEXT_WINDOW = "context_window"
    SERVER = "server"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    PAYMENT = "payment"
    UNSUPPORTED = "unsupported"
    BAD_REQUEST = "bad_request"
    CONTENT_POLICY = "content_policy"

    @property
    def error_class(self) -> ErrorClass:
        """The class that this kind belongs to."""
        return _CLASS_OF.get(self, ErrorClass.ERROR)

    @property
    def label(self) -> str:
        """The word that people and headers see: the class, or for `error` the kind."""
        if self.error_class is ErrorClass.ERROR:
            return self.value
        return self.error_class.value


_CLASS_OF = {
    ErrorKind.THROTTLE: ErrorClass.RATE_LIMIT,
    ErrorKind.QUOTA: ErrorClass.RATE_LIMIT,
    ErrorKind.CONTEXT_WINDOW: ErrorClass.CONTEXT_WINDOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPattern:
    """A message that tells the kind of a failure where the status does not.

    Args:
        pattern: a regular expression, searched in the error's text without regard to case.
        kind: what it means.
        status: only for answers with this status; None for any.
    """

    pattern: str
    kind: ErrorKind
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaWindow:
    """A quota that a provider reports in its response headers.

    Args:
        name: `minute`, `hour`, `day`, `month`, or another word of the provider.
        limit_header: names how many requests the window allows.
        remaining_header: names how many are left.
        reset_header: names the seconds until it starts anew, where the provider says so.
        seconds: the length of the window.
    """

    name: str
    limit_header: str
    remaining_header: str
    seconds: int
    reset_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens.

    Args:
        input_usd, output_usd: for the prompt and the answer.
        cached_usd: for prompt tokens read from a cache; None if as the others.
        cache_written_usd: for prompt tokens written to a cache; None if as the others.
    """

    input_usd: float
    output_usd: float
    cached_usd: float | None = None
    cache_written_usd: float | None = None


FREE = Price(input_usd=0.0, output_usd=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model that a provider offers.

    Args:
        id: the provider's own id, sent upstream as it is.
        kind: chat or embedding.
        context_window: tokens that prompt and answer may hold together; None if unknown.
        price: dollars for a million tokens; None if unknown.
        capabilities: of `tools`, `vision`, `reasoning`, `code`; None if unknown.
        rename: request parameters this model knows by another name (`max_tokens` for one).
        drop: request parameters this model refuses.
        embedding_space: embeddings of one space may replace each other; by default the id.
    """

    id: str
    kind: ModelKind = ModelKind.CHAT
    context_window: int | None = None
    price: Price | None = None
    capabilities: frozenset[str] | None = None
    rename: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    drop: frozenset[str] = frozenset()
    embedding_space: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """A provider: where it is, what it speaks, how it fails.

    Args:
        name: the key under `litellm.providers` in config.yml.
        title: its name for people.
        protocols: what it speaks itself; calls in these pass through untranslated.
        litellm_prefix: LiteLLM's provider prefix by model kind, for translated calls.
        api_base: its address; OpenAI-style ones include `/v1`, Anthropic's does not.
        api_key_env: the variable that usually holds its key; None if it needs no key.
        models: the models it is known to offer; others may be configured too.
        default_aliases: alias to model, what `init` proposes.
        rank: `init` puts links of a lower rank first.
        quota_windows: the quotas it reports in headers.
        rate_limit_scope: what one 429 speaks for.
        stream_usage: whether it reports usage in streams when asked by `stream_options`.
        idempotency_key: whether it takes an `Idempotency-Key`: a repeated call counts once.
        error_patterns: its own wordings of failures.
        docs_url: where people get a key and read on.
        served_here: True for the simulated provider, which the daemon serves itself.
    """

    name: str
    title: str
    protocols: frozenset[Protocol]
    litellm_prefix: Mapping[ModelKind, str] = field(default_factory=lambda: MappingProxyType({}))
    api_base: str | None = None
    api_key_env: str | None = None
    models: tuple[ModelSpec, ...] = ()
    default_aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rank: int = 50
    quota_windows: tuple[QuotaWindow, ...] = ()
    rate_limit_scope: RateLimitScope = RateLimitScope.MODEL
    stream_usage: bool = True
    idempotency_key: bool = False
    error_patterns: tuple[ErrorPattern, ...] = ()
    docs_url: str | None = None
    served_here: bool = False

    def model(self, model_id: str) -> ModelSpec | None:
        """What is known about a model of this provider, or None."""
        return next((model for model in self.models if model.id == model_id), None)
