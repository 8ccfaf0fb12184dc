"""Which deployments and providers are left alone for a while, and who may try them next.

Pure: every method takes the time. An entry goes *cooling* → *half-open* (its time is over, and one
request in flight may probe it) → gone, with the first success.
"""

from collections.abc import Callable
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
_ONE_DEPLOYMENT = TRANSIENT | {ErrorKind.THROTTLE, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Why a link cannot be called now.

    Args:
        name: what is left alone: a deployment, or a provider with all of its own.
        kind: the failure that began it.
        remaining: seconds until it may be probed; 0 while somebody else probes.
        since: when it began, on the caller's clock.
        message: what the provider said.
        transient: whether it may be probed early when every link is paused.
    """

    name: str
    kind: ErrorKind
    remaining: float
    since: float
    message: str
    transient: bool


@dataclass(slots=True, kw_only=True)
class _Entry:
    until: float = 0.0
    promised: float = 0.0  # a provider asked for this; until then nobody probes early
    kind: ErrorKind | None = None
    since: float = 0.0
    message: str = ""
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
        self.on_change: Callable[[], None] = _nothing
        self._default = default_seconds
        self._entries: dict[str, _Entry] = {}

    def pause(self, deployment: Deployment, now: float) -> Pause | None:
        """Tell why `deployment` must not be called now; None if it may."""
        if not self._entries:
            return None  # as nearly always
        found = [
            pause
            for key in _keys(deployment)
            if (entry := self._entries.get(key)) and (pause := _pause_of(key, entry, now))
        ]
        if len(found) < 2:  # noqa: PLR2004 - its own and its provider's; rarely both
            return found[0] if found else None
        longest = max(found, key=lambda pause: pause.remaining)
        return replace(longest, transient=all(pause.transient for pause in found))

    def pauses(self, now: float) -> list[Pause]:
        """Everything that is left alone now."""
        found = (_pause_of(key, entry, now) for key, entry in self._entries.items())
        return [pause for pause in found if pause is not None]

    def restore(self, pause: Pause, now: float) -> bool:
        """Take a pause up again that began in an earlier run, unless it is too long to be true."""
        if not 0 < pause.remaining <= max(LONGEST, self._default):
            return False
        self._entries[pause.name] = _Entry(
            until=now + pause.remaining,
            promised=now + pause.remaining,
            kind=pause.kind,
            since=pause.since,
            message=pause.message,
        )
        return True

    def forget(self, name: str) -> None:
        """End a pause, and forget the failures that would soon begin the next."""
        if self._entries.pop(name, None) is not None:
            self.on_change()

    def claim(self, deployment: Deployment) -> Probe:
        """Take the probe of a half-open or paused deployment, if there is one to take."""
        if not self._entries:
            return NO_PROBE
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
            if (entry := self._entries.get(key)) is not None:
                entry.probing = False

    def succeeded(self, deployment: Deployment, *, probe: Probe = NO_PROBE) -> None:
        """Note an answer. Only a probe ends a pause: older calls say nothing about now."""
        if not self._entries:
            return
        for key in _keys(deployment):
            entry = self._entries.get(key)
            if entry is not None and (key in probe or entry.kind is None):
                del self._entries[key]
                self.on_change()

    def failed(  # noqa: PLR0913 - all that decides about a pause
        self,
        deployment: Deployment,
        kind: ErrorKind,
        now: float,
        *,
        retry_after: float | None = None,
        message: str = "",
        probe: Probe = NO_PROBE,
    ) -> None:
        """Note a failure that may pause the deployment or its whole provider.

        Args:
            deployment: what failed.
            kind: how.
            now: the time, in seconds of the caller's clock.
            retry_after: seconds that the provider asked for.
            message: what the provider said, in one line.
            probe: what the failed call held.
        """
        self.release(probe)
        key = _scope(deployment, kind)
        if key is None:
            return  # it speaks about the request, not about the link
        if kind in TRANSIENT:
            seconds = self._count(key, kind, now, probe)
        elif kind is ErrorKind.THROTTLE:
            seconds = self._default if retry_after is None else min(retry_after, LONGEST)
        else:
            seconds = LONGEST
        if self._pause(key, kind, now, seconds, probe):
            self._entries[key].message = message
            self.on_change()

    def _count(self, key: str, kind: ErrorKind, now: float, probe: Probe) -> float:
        """Count a failure, and give the seconds of the pause that it begins; 0 if it begins none.

        Calls that were under way when a pause began add nothing to it.
        """
        entry = self._entries.setdefault(key, _Entry())
        entry.failures += 1
        enough = kind is ErrorKind.TIMEOUT or entry.failures >= FAILURES_BEFORE_PAUSE
        if not (probe or enough) or (entry.until > now and key not in probe):
            return 0.0
        longer = entry.period * 2 if key in probe else entry.period
        entry.period = min(longer or FIRST_PAUSE, self._default)
        return entry.period

    def _pause(self, key: str, kind: ErrorKind, now: float, seconds: float, probe: Probe) -> bool:
        until = now + seconds
        entry = self._entries.get(key)
        if entry is not None and kind not in TRANSIENT:
            entry.promised = max(entry.promised, until)
        if seconds <= 0 or (entry and entry.until > until and not _replaces(probe, key, entry)):
            return False  # no call that was under way shortens a pause
        entry = self._entries.setdefault(key, _Entry())
        if entry.kind is None:
            entry.since = now
        entry.kind, entry.until = kind, until
        if kind not in TRANSIENT:
            entry.promised = max(entry.promised, until)
        return True


def _pause_of(key: str, entry: _Entry, now: float) -> Pause | None:
    if entry.kind is None:
        return None
    remaining = max(entry.until - now, entry.promised - now, 0.0)
    if remaining == 0.0 and not entry.probing:
        return None
    return Pause(
        name=key,
        kind=entry.kind,
        remaining=remaining,
        since=entry.since,
        message=entry.message,
        transient=entry.kind in TRANSIENT and not entry.probing and now >= entry.promised,
    )


def _replaces(probe: Probe, key: str, entry: _Entry) -> bool:
    """Whether a probe knows better. Only faults are probed early; another pause began since."""
    return key in probe and entry.kind in TRANSIENT


def _keys(deployment: Deployment) -> tuple[str, str]:
    return (deployment.name, deployment.provider.name)


def _scope(deployment: Deployment, kind: ErrorKind) -> str | None:
    """What a failure speaks for; None if for the request alone."""
    of_account = deployment.provider.spec.rate_limit_scope is RateLimitScope.ACCOUNT
    if kind in _WHOLE_PROVIDER or (kind is ErrorKind.THROTTLE and of_account):
        return deployment.provider.name
    if kind in _ONE_DEPLOYMENT:
        return deployment.name
    return None


def _nothing() -> None:
    """Nobody keeps what changes."""
