"""What is known of quota windows and cooldowns, as plain data: for people, and for a restart.

Times are seconds since the epoch here; cooldowns are counted on a clock of their own.
"""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from pydantic import SecretStr

from agentbox_cli.config.redaction import redact
from agentbox_cli.providers.model import ErrorKind
from agentbox_cli.proxy.cooldown import Pause
from agentbox_cli.proxy.memory import NEEDS_MENDING, Memory, warning
from agentbox_cli.proxy.quota import WindowState

# No config can ask for a longer cooldown.
LONGEST_KEPT = 86_400.0

Count = Annotated[int, Meta(ge=0)]


class Window(Struct, frozen=True, kw_only=True):
    """A quota window of a provider's account, or of one deployment: whichever `name` names."""

    name: str
    window: str
    limit: Count | None
    remaining: Count
    seen_at: float
    resets_at: float
    seconds: Count

    @property
    def state(self) -> WindowState:
        """The same as the chain keeps it."""
        return WindowState(
            name=self.window,
            limit=self.limit,
            remaining=self.remaining,
            seen_at=self.seen_at,
            resets_at=self.resets_at,
            seconds=self.seconds,
        )


class Cooling(Struct, frozen=True, kw_only=True):
    """A provider or a deployment that is left alone."""

    name: str
    kind: ErrorKind
    since: float
    until: float
    message: str


class Limits(Struct, frozen=True, kw_only=True):
    """Everything that keeps links from being called, and the windows that soon may."""

    as_of: float
    windows: tuple[Window, ...] = ()
    cooling: tuple[Cooling, ...] = ()


def observe(memory: Memory, secrets: Iterable[SecretStr], now: float, wall: float) -> Limits:
    """The limits that a memory knows of.

    Args:
        memory: what requests learned.
        secrets: what no message may show.
        now: the time on the clock of the cooldowns.
        wall: seconds since the epoch.
    """
    known = list(secrets)
    return Limits(
        as_of=wall,
        windows=tuple(window_of(name, state) for name, state in memory.quotas.all_windows(wall)),
        cooling=tuple(cooling(pause, known, now, wall) for pause in memory.cooldowns.pauses(now)),
    )


def cooling(pause: Pause, secrets: Iterable[SecretStr], now: float, wall: float) -> Cooling:
    """A pause in seconds since the epoch, without keys."""
    return Cooling(
        name=pause.name,
        kind=pause.kind,
        since=wall - (now - pause.since),
        until=wall + pause.remaining,
        message=redact(pause.message, secrets),
    )


def restore(memory: Memory, limits: Limits, now: float, wall: float) -> None:
    """Let a memory know of limits from an earlier run; those that are over are left out."""
    for window in limits.windows:
        if window.state.counts(wall):
            memory.quotas.restore(window.name, window.state)
    for each in limits.cooling:
        pause = Pause(
            name=each.name,
            kind=each.kind,
            remaining=each.until - wall,
            since=now - (wall - each.since),
            message=each.message,
            transient=False,
        )
        if memory.cooldowns.restore(pause, now) and each.kind in NEEDS_MENDING:
            memory.warnings[each.name] = warning(each.name, each.kind)


def forget(memory: Memory, limits: Limits) -> None:
    """Let a memory forget these limits."""
    for window in limits.windows:
        memory.quotas.forget(window.name)
    for each in limits.cooling:
        memory.cooldowns.forget(each.name)
        memory.warnings.pop(each.name, None)


def of(limits: Limits, name: str | None) -> Limits:
    """Those limits that keep `name` from being called: a deployment, a provider; None for all.

    What holds for a provider holds for its deployments, and a provider stands for all of its own.
    """
    return _picked(limits, name, wanted=True)


def without(limits: Limits, name: str | None) -> Limits:
    """All other limits."""
    return _picked(limits, name, wanted=False)


def current(limits: Limits, wall: float) -> Limits:
    """Those limits that are not over, and may be true."""
    return msgspec.structs.replace(
        limits,
        windows=tuple(each for each in limits.windows if each.state.counts(wall)),
        cooling=tuple(
            each
            for each in limits.cooling
            if 0 < each.until - wall <= LONGEST_KEPT and 0 <= each.since <= each.until
        ),
    )


def document(limits: Limits, wall: float) -> dict[str, Any]:
    """The limits as `--json` shows them."""
    return {
        "as_of": limits.as_of,
        "windows": [window_row(each, wall) for each in limits.windows],
        "cooling": [cooling_row(each, wall) for each in limits.cooling],
    }


def window_row(window: Window, wall: float) -> dict[str, Any]:
    """One window as `--json` shows it."""
    limit = window.limit
    return {
        "name": window.name,
        "window": window.window,
        "limit": limit,
        "used": None if limit is None else max(limit - window.remaining, 0),
        "remaining": window.remaining,
        "resets_at": round(window.resets_at, 1),
        "resets_in_s": round(max(window.resets_at - wall, 0.0), 1),
    }


def cooling_row(each: Cooling, wall: float) -> dict[str, Any]:
    """One cooldown as `--json` shows it."""
    return {
        "name": each.name,
        "class": each.kind.error_class.value,
        "kind": each.kind.value,
        "since": round(each.since, 1),
        "until": round(each.until, 1),
        "remaining_s": round(max(each.until - wall, 0.0), 1),
        "message": each.message,
    }


def window_of(name: str, state: WindowState) -> Window:
    """A window as the chain keeps it, with what it is of."""
    return Window(
        name=name,
        window=state.name,
        limit=state.limit,
        remaining=state.remaining,
        seen_at=state.seen_at,
        resets_at=state.resets_at,
        seconds=state.seconds,
    )


def _picked(limits: Limits, name: str | None, *, wanted: bool) -> Limits:
    return msgspec.structs.replace(
        limits,
        windows=tuple(each for each in limits.windows if _meets(name, each.name) is wanted),
        cooling=tuple(each for each in limits.cooling if _meets(name, each.name) is wanted),
    )


def _meets(name: str | None, of: str) -> bool:
    if name is None or name == of:
        return True
    return of.startswith(f"{name}/") or name.startswith(f"{of}/")
