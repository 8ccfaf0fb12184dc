"""All that a plugin may import, and all that it needs."""

from agentbox_cli.providers.hookspecs import hookimpl
from agentbox_cli.providers.model import (
    FREE,
    ErrorKind,
    ErrorPattern,
    ModelKind,
    ModelSpec,
    Price,
    Protocol,
    ProviderSpec,
    QuotaWindow,
    RateLimitScope,
)

__all__ = [
    "FREE",
    "ErrorKind",
    "ErrorPattern",
    "ModelKind",
    "ModelSpec",
    "Price",
    "Protocol",
    "ProviderSpec",
    "QuotaWindow",
    "RateLimitScope",
    "hookimpl",
]
