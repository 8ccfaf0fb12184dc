"""What `/agentbox/limits` tells of the running proxy, and what a reset there does."""

import time
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from agentbox_cli.config.names import closest
from agentbox_cli.providers.resolved import Resolved
from agentbox_cli.proxy import limits
from agentbox_cli.proxy.limits import Limits
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.request import BadBody


class Reset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller wants to be forgotten.

    Args:
        name: a deployment or a provider; None for everything.
        dry_run: only tell.
    """

    name: str | None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsPage:
    """The limits of a proxy.

    Args:
        memory: what requests learned.
        resolved: what the proxy runs on.
    """

    memory: Memory
    resolved: Resolved

    def show(self) -> dict[str, Any]:
        """Everything that is known."""
        wall = time.time()
        return limits.document(self._observe(wall), wall)

    def reset(self, body: bytes) -> dict[str, Any]:
        """Forget what a caller names, and tell what that was.

        Raises:
            BadBody: the body asks for nothing that can be done.
            LookupError: nothing has that name; the message says what may be meant.
        """
        asked = _read(body)
        wall = time.time()
        found = limits.of(self._observe(wall), asked.name)
        if asked.name is not None and asked.name not in self._names():
            raise LookupError(_unknown(asked.name, self._names()))
        if not asked.dry_run:
            limits.forget(self.memory, found)
        return limits.document(found, wall)

    def _observe(self, wall: float) -> Limits:
        return limits.observe(self.memory, self.resolved.secrets(), time.monotonic(), wall)

    def _names(self) -> list[str]:
        return [*self.resolved.deployments(), *self.resolved.providers]


def _read(body: bytes) -> Reset:
    try:
        return msgspec.json.decode(body, type=Reset)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body is no reset of limits: {error}") from None


def _unknown(name: str, known: list[str]) -> str:
    meant = closest(name, known)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"no link and no provider is called {name[:100]!r}{hint}"
