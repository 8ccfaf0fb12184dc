"""The proxy's part of `/agentbox/status`: aliases, links, warnings."""

from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.providers.resolved import Deployment, Link, Resolved
from agentbox_cli.proxy.limits import Cooling, cooling, cooling_row
from agentbox_cli.proxy.memory import Memory
from agentbox_cli.proxy.quota import WindowState, quota_key


def alias_rows(
    resolved: Resolved, memory: Memory, now: float, wall: float
) -> list[dict[str, Any]]:
    """Every alias with its links and their state.

    Args:
        resolved: the chains.
        memory: cooldowns, quotas, last errors.
        now: the time on the clock of the cooldowns.
        wall: seconds since the epoch, the clock of the quotas.
    """
    skips = Skips(memory=memory, secrets=tuple(resolved.secrets()), now=now, wall=wall)
    return [
        {
            "alias": chain.alias,
            "links": [_link_row(link, skips) for link in chain.links],
        }
        for chain in resolved.chains.values()
    ]


def warnings_of(resolved: Resolved, memory: Memory) -> list[str]:
    """What somebody should mend."""
    missing = [
        f"{provider.name} has no key: its links are skipped"
        for provider in resolved.providers.values()
        if provider.configured and not provider.usable
    ]
    return [
        *missing,
        *memory.warnings.values(),
        *(_dead(alias) for alias in dead_aliases(resolved)),
    ]


def dead_aliases(resolved: Resolved) -> list[str]:
    """The configured aliases that cannot answer at all."""
    return [
        chain.alias
        for chain in resolved.chains.values()
        if chain.source == "config" and not chain.usable
    ]


def _dead(alias: str) -> str:
    return f"alias {alias} has no usable link"


def _link_row(link: Link, skips: "Skips") -> dict[str, Any]:
    deployment = link.deployment
    state, skipped = skips.of(deployment)
    return {
        "link": link.number,
        "provider": deployment.provider.name,
        "model": deployment.model.id,
        "lanes": deployment.lanes(),
        "context_window": link.max_input_tokens,
        "state": state,
        "cooldown_s": skipped["remaining_s"] if skipped else None,
        "skipped": skipped,
        "last_error": skips.memory.last_errors.get(deployment.name),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Skips:
    """Why links are passed over, at one moment."""

    memory: Memory
    secrets: tuple[SecretStr, ...]
    now: float
    wall: float

    def of(self, deployment: Deployment) -> tuple[str, dict[str, Any] | None]:
        """The state of a deployment's links, and what keeps them from being called."""
        if not deployment.provider.usable:
            return "key-missing", None
        if deployment.name in self.memory.paused:
            return "paused", None
        pause = self.memory.cooldowns.pause(deployment, self.now)
        if pause is not None:
            return "cooling", cooling_row(
                cooling(pause, self.secrets, self.now, self.wall), self.wall
            )
        window = self.memory.quotas.exhausted(deployment, self.wall)
        if window is not None:
            return "exhausted", cooling_row(_used_up(deployment, window), self.wall)
        return "ok", None


def _used_up(deployment: Deployment, window: WindowState) -> Cooling:
    left = f"{window.remaining} of {window.limit}" if window.limit else f"{window.remaining}"
    in_flight = ", the rest in flight" if window.remaining else ""
    return Cooling(
        name=quota_key(deployment),
        kind=ErrorKind.QUOTA,
        since=window.seen_at,
        until=window.resets_at,
        message=f"{left} requests left in this {window.name}{in_flight}",
    )
