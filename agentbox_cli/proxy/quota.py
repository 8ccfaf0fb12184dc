"""Quota windows that providers report in headers: a link with nothing left is skipped unasked.

Pure: every method takes the time, as seconds since the epoch, because windows follow the calendar.
"""

import calendar
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agentbox_cli.providers.model import QuotaWindow, RateLimitScope
from agentbox_cli.providers.resolved import Deployment

MONTH = 28 * 86_400
LONGEST_MONTH = 31 * 86_400
# Clocks are put right by a little all the time.
CLOCK_SLACK = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowState:
    """The last values of one window.

    Args:
        name: `minute`, `day`, or another word of the provider.
        limit: requests allowed; None if the provider does not say.
        remaining: requests left.
        seen_at: when the provider said so, in seconds since the epoch.
        resets_at: when it starts anew.
        seconds: its length.
    """

    name: str
    limit: int | None
    remaining: int
    seen_at: float
    resets_at: float
    seconds: int

    def counts(self, now: float) -> bool:
        """Whether it is not over; one that ends beyond its length is of a clock that was wrong."""
        longest = LONGEST_MONTH if self.seconds >= MONTH else self.seconds
        return 0 < self.resets_at - now <= longest + CLOCK_SLACK


class Quotas:
    """What is left, by account or deployment, less what is in flight."""

    def __init__(self) -> None:
        self.on_change: Callable[[], None] = _nothing
        self._windows: dict[str, dict[str, WindowState]] = {}
        self._in_flight: dict[str, int] = {}

    def exhausted_for(self, deployment: Deployment, now: float) -> float | None:
        """Seconds until `deployment` has quota again; None if it has some now."""
        window = self.exhausted(deployment, now)
        return None if window is None else window.resets_at - now

    def exhausted(self, deployment: Deployment, now: float) -> WindowState | None:
        """The window with nothing left that lasts the longest; None if there is none."""
        key = quota_key(deployment)
        if key not in self._windows:
            return None
        in_flight = self._in_flight.get(key, 0)
        used_up = [
            window
            for window in self._windows[key].values()
            if window.remaining - in_flight <= 0 and window.counts(now)
        ]
        return max(used_up, key=lambda window: window.resets_at, default=None)

    def reserve(self, deployment: Deployment) -> None:
        """Count a call that is about to be made; parallel calls must not share the last unit."""
        if deployment.provider.spec.quota_windows:
            key = quota_key(deployment)
            self._in_flight[key] = self._in_flight.get(key, 0) + 1

    def settle(self, deployment: Deployment) -> None:
        """Stop counting a call that got its headers, or never will."""
        if deployment.provider.spec.quota_windows:
            key = quota_key(deployment)
            self._in_flight[key] = max(self._in_flight.get(key, 0) - 1, 0)

    def observe(self, deployment: Deployment, headers: Mapping[str, str], now: float) -> None:
        """Remember what a provider's answer says of its windows."""
        for window in deployment.provider.spec.quota_windows:
            remaining = _number(headers.get(window.remaining_header))
            if remaining is not None:
                state = WindowState(
                    name=window.name,
                    limit=_number(headers.get(window.limit_header)),
                    remaining=remaining,
                    seen_at=now,
                    resets_at=now + _seconds_to_reset(window, headers, now),
                    seconds=window.seconds,
                )
                self.restore(quota_key(deployment), state)

    def windows(self, deployment: Deployment, now: float) -> list[WindowState]:
        """The windows of a deployment that still count."""
        known = self._windows.get(quota_key(deployment), {})
        return [window for window in known.values() if window.counts(now)]

    def all_windows(self, now: float) -> list[tuple[str, WindowState]]:
        """All windows that still count, each with the account or deployment that it is of."""
        return [
            (key, window)
            for key, windows in self._windows.items()
            for window in windows.values()
            if window.counts(now)
        ]

    def restore(self, key: str, window: WindowState) -> None:
        """Take over a window as it was last seen."""
        self._windows.setdefault(key, {})[window.name] = window
        self.on_change()

    def forget(self, key: str) -> None:
        """Forget the windows of an account or deployment until its next answer."""
        if self._windows.pop(key, None) is not None:
            self.on_change()


def _seconds_to_reset(window: QuotaWindow, headers: Mapping[str, str], now: float) -> float:
    told = _number(headers.get(window.reset_header)) if window.reset_header else None
    if told is not None:
        return float(min(told, window.seconds))
    # Without a word from the provider: gateways count by calendar windows in UTC. Too early a
    # guess costs one 429, too late a guess would waste quota.
    if window.seconds >= MONTH:
        return _end_of_month(now) - now
    return window.seconds - now % window.seconds


def _end_of_month(now: float) -> float:
    today = time.gmtime(now)
    following = (today.tm_year + today.tm_mon // 12, today.tm_mon % 12 + 1, 1, 0, 0, 0)
    return float(calendar.timegm(following))


def _number(text: str | None) -> int | None:
    try:
        return max(int(float(text)), 0) if text else None
    except (ValueError, OverflowError):
        return None


def quota_key(deployment: Deployment) -> str:
    """What the windows of a deployment are of: its account, or itself."""
    spec = deployment.provider.spec
    return spec.name if spec.rate_limit_scope is RateLimitScope.ACCOUNT else deployment.name


def _nothing() -> None:
    """Nobody keeps what changes."""
