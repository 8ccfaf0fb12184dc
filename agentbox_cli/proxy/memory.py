"""What requests learn for each other."""

from dataclasses import dataclass, field

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.cooldown import Cooldowns
from agentbox_cli.proxy.quota import Quotas

# Failovers that somebody has to mend: a silently used second link can cost money.
NEEDS_MENDING = frozenset({ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA})


@dataclass(slots=True)
class Memory:
    """What requests learn for each other, and the deployments that somebody has paused."""

    cooldowns: Cooldowns
    quotas: Quotas = field(default_factory=Quotas)
    warnings: dict[str, str] = field(default_factory=dict)
    last_errors: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)


def warning(provider: str, kind: ErrorKind) -> str:
    """What somebody has to mend when calls go to the next link instead of this provider."""
    what = {
        ErrorKind.AUTH: "refuses the key",
        ErrorKind.PAYMENT: "asks for payment",
        ErrorKind.QUOTA: "says that the quota is used up",
    }[kind]
    return f"{provider} {what}: calls go to the next link"
