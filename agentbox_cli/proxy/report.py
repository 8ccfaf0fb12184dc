"""The proxy's part of `/agentbox/status`: aliases, links, warnings."""

from typing import Any

from agentbox_cli.providers.resolved import Link, Resolved
from agentbox_cli.proxy.chain import Memory


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
    return [
        {
            "alias": chain.alias,
            "links": [_link_row(link, memory, now, wall) for link in chain.links],
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


def _link_row(link: Link, memory: Memory, now: float, wall: float) -> dict[str, Any]:
    deployment = link.deployment
    state, seconds = _state(link, memory, now, wall)
    return {
        "link": link.number,
        "provider": deployment.provider.name,
        "model": deployment.model.id,
        "lanes": deployment.lanes(),
        "state": state,
        "cooldown_s": seconds,
        "last_error": memory.last_errors.get(deployment.name),
    }


def _state(link: Link, memory: Memory, now: float, wall: float) -> tuple[str, float | None]:
    deployment = link.deployment
    if not deployment.provider.usable:
        return "key-missing", None
    pause = memory.cooldowns.pause(deployment, now)
    if pause is not None:
        return "cooling", round(pause.remaining, 1)
    wait = memory.quotas.exhausted_for(deployment, wall)
    if wait is not None:
        return "exhausted", round(wait, 1)
    return "ok", None
