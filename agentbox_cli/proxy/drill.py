"""Drills: checks of the chain that run beside each other in one daemon without meeting.

A drill header is honoured only with the secret of the daemon's start environment. It gives each
check its own cooldowns, quotas and toggles, and names the check to the simulated providers.
"""

import hmac
from collections import OrderedDict
from dataclasses import dataclass, fields

from agentbox_cli.providers.resolved import Toggles
from agentbox_cli.proxy.cooldown import Cooldowns
from agentbox_cli.proxy.memory import Memory

HEADER = "x-agentbox-drill"
SECRET_VARIABLE = "AGENTBOX_DRILL_SECRET"  # noqa: S105 - the name of a variable
CHECKS_KEPT = 4_096
# A header's value cannot end in a blank, so that no toggle at all has a word too.
NONE_ON = "-"


@dataclass(slots=True, kw_only=True)
class Scope:
    """What a request shares with others: the memory, the toggles, and the check it is part of."""

    memory: Memory
    toggles: Toggles
    check: str | None = None


def drill_header(secret: str, check: str, toggles: Toggles) -> str:
    """The header value of a check with these toggles."""
    on = ",".join(item.name for item in fields(toggles) if getattr(toggles, item.name))
    return f"{secret} {check} {on or NONE_ON}"


class Drills:
    """The scopes of the checks that came by; the oldest are forgotten.

    Args:
        secret: what a drill header must begin with.
        cooldown_seconds: the default cooldown within each scope.
    """

    def __init__(self, secret: str, cooldown_seconds: float) -> None:
        self._secret = secret.encode()
        self._cooldown_seconds = cooldown_seconds
        self._scopes: OrderedDict[str, Scope] = OrderedDict()

    def scope(self, header: str) -> Scope | None:
        """The scope that a drill header names; None if the header is not ours."""
        parts = header.split(" ")
        told = parts[0].encode(errors="replace")  # undecodable bytes came as surrogates
        if len(parts) != 3 or not hmac.compare_digest(told, self._secret):  # noqa: PLR2004 - secret, check, toggles
            return None
        _, check, on = parts
        toggles = Toggles(**{item.name: item.name in on.split(",") for item in fields(Toggles)})
        scope = self._scopes.get(check)
        if scope is None:
            memory = Memory(cooldowns=Cooldowns(self._cooldown_seconds))
            scope = self._scopes[check] = Scope(memory=memory, toggles=toggles, check=check)
            if len(self._scopes) > CHECKS_KEPT:
                self._scopes.popitem(last=False)
        scope.toggles = toggles
        return scope
