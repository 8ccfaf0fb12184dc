"""All that a plugin may import, and all that it needs."""

from agentbox_cli.config.dummy import DUMMY_KEY
from agentbox_cli.providers.agent import (
    PRIVATE,
    AgentSpec,
    Alias,
    Connection,
    Launch,
    Settings,
    SettingsFormat,
    ToolProgram,
)
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
    "DUMMY_KEY",
    "FREE",
    "PRIVATE",
    "AgentSpec",
    "Alias",
    "Connection",
    "ErrorKind",
    "ErrorPattern",
    "Launch",
    "ModelKind",
    "ModelSpec",
    "Price",
    "Protocol",
    "ProviderSpec",
    "QuotaWindow",
    "RateLimitScope",
    "Settings",
    "SettingsFormat",
    "ToolProgram",
    "hookimpl",
]
