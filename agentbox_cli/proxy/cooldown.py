"""Which deployments and providers are left alone for a while, and who may try them next.

Pure: every method takes the time. An entry goes *cooling* → *half-open* (its time is over, and one
request in flight may probe it) → gone, with the first success.
"""

from dataclasses import dataclass, replace

from agentbox_cli.providers.model import ErrorKind, RateLimitScope
from agentbox_cli.providers.resolved import Deployment

LONGEST = 600.0
FIRST_PAUSE = 5.0
FAILURES_BEFORE_PAUSE = 2

# Kinds that heal by themselves soon enough to try a cooling link when there is no other.
TRANSIENT = frozenset({ErrorKind.SERVER, ErrorKind.TIMEOUT, ErrorKind.CONNECTION})
RATE_LIMITED = frozenset({ErrorKind.THROTTLE, ErrorKind.QUOTA})

# What a call holds while it probes: the keys of entries; empty if it is no probe.
Probe = frozenset[str]
NO_PROBE: Probe = frozenset()

_WHOLE_PROVIDER = frozenset({ErrorKind.AUTH, ErrorKind.PAYMENT, ErrorKind.QUOTA})
_ONE_DEPLOYMENT = frozenset({ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Why a link cannot be called now.

    Args:
        kind: the failure that began it.
        remaining: seconds until it may be probed; 0 while somebody else probes.
        transient: whether it may be probed early when every link is paused.
    """

    kind: ErrorKind
    remaining: float
    transient: bool


@dataclass(slots=True, kw_only=True)
class _Entry:
    until: float = 0.0
    kind: ErrorKind | None = None
    period: float = 0.0
    failures: int = 0
    probing: bool = False


class Cooldowns:
    """The memory of what failed.

    Args:
        default_seconds: the cooldown of a rate-limited link when the provider names none, and the
            longest pause of a link that fails by itself.
    """

    def __init__(self, default_seconds: float) -> None:
        self._default = default_seconds
        self._entries: dict[str, _Entry] = {}

    def pause(self, deployment: Deployment, now: float) -> Pause | None:
        """Tell why `deployment` must not be called now; None if it may."""
        entries = (self._entries.get(key) for key in _keys(deployment))
        found = [pause for entry in entries if entry and (pause := _pause_of(entry, now))]
        if not found:
            return None
        longest = max(found, key=lambda pause: pause.remaining)
        return replace(longest, transient=all(pause.transient for pause in found))

    def claim(self, deployment: Deployment) -> Probe:
        """Take the probe of a half-open or paused deployment, if there is one to take."""
        entries = {key: self._entries.get(key) for key in _keys(deployment)}
        paused = {key: entry for key, entry in entries.items() if entry and entry.kind}
        if any(entry.probing for entry in paused.values()):
            return NO_PROBE
        for entry in paused.values():
            entry.probing = True
        return frozenset(paused)

    def release(self, probe: Probe) -> None:
        """Give a probe back that found out nothing."""
        for key in probe:
            self._entries[key].probing = False

    def succeeded(self, deployment: Deployment, *, probe: Probe = NO_PROBE) -> None:
        """Note an answer. Only a probe ends a pause: older calls say nothing about now."""
        for key in _keys(deployment):
            entry = self._entries.get(key)
            if entry is not None and (key in probe or entry.kind is None):
                del self._entries[key]

    def failed(
        self,
        deployment: Deployment,
        kind: ErrorKind,
        now: float,
        *,
        retry_after: float | None = None,
        probe: Probe = NO_PROBE,
    ) -> None:
        """Note a failure that may pause the deployment or its whole provider.

        Args:
            deployment: what failed.
            kind: how.
            now: the time, in seconds of the caller's clock.
            retry_after: seconds that the provider asked for.
            probe: what the failed call held.
        """
        self.release(probe)
        if kind is ErrorKind.THROTTLE:
            seconds = self._default if retry_after is None else min(retry_after, LONGEST)
            scope = deployment.provider.spec.rate_limit_scope
            whole = scope is RateLimitScope.ACCOUNT
            self._pause(_key(deployment, whole=whole), kind, now, seconds, probe)
        elif kind in _WHOLE_PROVIDER:
            self._pause(_key(deployment, whole=True), kind, now, LONGEST, probe)
        elif kind in _ONE_DEPLOYMENT:
            self._pause(_key(deployment, whole=False), kind, now, LONGEST, probe)
        elif kind in TRANSIENT:
            self._count(_key(deployment, whole=False), kind, now, probe)
        # The rest speaks about the request, not about the link.

    def _count(self, key: str, kind: ErrorKind, now: float, probe: Probe) -> None:
        entry = self._entries.setdefault(key, _Entry())
        entry.failures += 1
        enough = kind is ErrorKind.TIMEOUT or entry.failures >= FAILURES_BEFORE_PAUSE
        if not (probe or enough):
            return
        if entry.until > now and key not in probe:
            return  # already paused; calls that were under way add nothing
        longer = entry.period * 2 if key in probe else entry.period
        entry.period = min(longer or FIRST_PAUSE, self._default)
        self._pause(key, kind, now, entry.period, probe)

    def _pause(self, key: str, kind: ErrorKind, now: float, seconds: float, probe: Probe) -> None:
        until = now + seconds
        entry = self._entries.get(key)
        if seconds <= 0 or (entry and entry.until > until and key not in probe):
            return  # no call that was under way shortens a pause
        entry = self._entries.setdefault(key, _Entry())
        entry.kind, entry.until = kind, until


def _pause_of(entry: _Entry, now: float) -> Pause | None:
    if entry.kind is None:
        return None
    remaining = max(entry.until - now, 0.0)
    if remaining == 0.0 and not entry.probing:
        return None
    transient = entry.kind in TRANSIENT and not entry.probing
    return Pause(kind=entry.kind, remaining=remaining, transient=transient)


def _keys(deployment: Deployment) -> tuple[str, str]:
    return (deployment.name, deployment.provider.name)


def _key(deployment: Deployment, *, whole: bool) -> str:
    return deployment.provider.name if whole else deployment.name
