"""Which headers pass, both ways: allow-lists, so that nothing new slips through.

The client's credentials, cookies and organisation never go upstream, a provider's cookies never
come back, and `anthropic-beta` goes to Anthropic only.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeGuard

from pydantic import SecretStr

from agentbox_cli.providers.model import Protocol
from agentbox_cli.providers.resolved import ResolvedProvider
from agentbox_cli.proxy.encoding import is_readable
from agentbox_cli.proxy.endpoints import DEFAULT_ANTHROPIC_VERSION

ALIAS = "x-agentbox-alias"
SERVED_BY = "x-agentbox-served-by"
LINK = "x-agentbox-link"
ATTEMPTS = "x-agentbox-attempts"
REQUEST_ID = "x-agentbox-request-id"
BUDGET = "x-agentbox-budget"
TOKENS_FROM = "x-agentbox-token-count"


_TO_ANY = ("user-agent", "accept", "idempotency-key", "x-client-request-id")
_TO_OPENAI_STYLE = (*_TO_ANY, "openai-beta")
_TO_ANTHROPIC = (*_TO_ANY, "anthropic-beta", "anthropic-version")
_PASSED = {Protocol.ANTHROPIC_MESSAGES: _TO_ANTHROPIC, Protocol.GOOGLE_GENERATE: _TO_ANY}

_BACK = frozenset(
    {
        "content-type",
        "content-encoding",
        "content-disposition",
        "retry-after",
        "retry-after-ms",
        "request-id",
        "x-request-id",
        "x-should-retry",
        "openai-processing-ms",
        "openai-version",
        "openai-model",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
    }
)
_BACK_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")


def upstream_headers(
    client: Mapping[str, str],
    provider: ResolvedProvider,
    protocol: Protocol,
    *,
    stream: bool,
    idempotency_key: str,
) -> dict[str, str]:
    """The headers of a provider call.

    Args:
        client: what the client sent, looked up without regard to case.
        provider: whose credentials and extra headers are put in.
        protocol: what is spoken upstream.
        stream: whether a stream was asked for; streams are asked for unencoded.
        idempotency_key: used where the provider takes one and the client named none.
    """
    anthropic = protocol is Protocol.ANTHROPIC_MESSAGES
    passed = _PASSED.get(protocol, _TO_OPENAI_STYLE)
    headers = {name: value for name in passed if can_be_sent(value := client.get(name))}
    headers["content-type"] = "application/json"
    accepted = client.get("accept-encoding", "")
    headers["accept-encoding"] = "identity" if stream else _encodings(accepted)
    if provider.spec.idempotency_key:
        headers.setdefault("idempotency-key", idempotency_key)
    if anthropic:
        headers.setdefault("anthropic-version", DEFAULT_ANTHROPIC_VERSION)
    headers |= _credentials(provider.key.value, protocol)
    for name, secret in provider.headers.items():
        headers[name.lower()] = secret.get_secret_value()
    return headers


def client_headers(upstream: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers of a provider's answer that the client gets, in lower case."""
    return {
        name: value
        for key, value in upstream
        if (name := _passes_back(key)) and can_be_sent(value)
    }


@lru_cache(maxsize=256)
def _passes_back(key: str) -> str:
    """The name in lower case; empty if the header stays here."""
    name = key.lower()
    return name if name in _BACK or name.startswith(_BACK_PREFIXES) else ""


def can_be_sent(value: str | None) -> TypeGuard[str]:
    """Whether a header may have this value."""
    # What aiohttp reads, control characters and broken UTF-8 among it, it may refuse to write.
    return value is not None and value.isprintable()


@lru_cache
def _encodings(accepted: str) -> str:
    """What the client accepts and the chain can read too: an unread error cannot be told apart."""
    offered = accepted.split(",")
    readable = [item.strip() for item in offered if is_readable(item.partition(";")[0])]
    return ", ".join(readable) or "identity"


def _credentials(key: SecretStr | None, protocol: Protocol) -> dict[str, str]:
    if key is None:
        return {}
    if name := _KEY_HEADERS.get(protocol):
        return {name: key.get_secret_value()}
    return {"authorization": f"Bearer {key.get_secret_value()}"}


_KEY_HEADERS = {
    Protocol.ANTHROPIC_MESSAGES: "x-api-key",
    Protocol.GOOGLE_GENERATE: "x-goog-api-key",
}
