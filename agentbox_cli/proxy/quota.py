"""Quota windows that providers report in headers: a link with nothing left is skipped unasked.

Pure: every method takes the time, as seconds since the epoch, because windows follow the calendar.
"""

import calendar
import time
from collections.abc import Mapping
from dataclasses import dataclass

from agentbox_cli.providers.model import QuotaWindow, RateLimitScope
from agentbox_cli.providers.resolved import Deployment

MONTH = 28 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowState:
    """The last values of one window: requests allowed, requests left, and when it starts anew."""

    name: str
    limit: int | None
    remaining: int
    resets_at: float


class Quotas:
    """What is left, by account or deployment, less what is in flight."""

    def __init__(self) -> None:
        self._windows: dict[str, dict[str, WindowState]] = {}
        self._in_flight: dict[str, int] = {}

    def exhausted_for(self, deployment: Deployment, now: float) -> float | None:
        """Seconds until `deployment` has quota again; None if it has some now."""
        key = _key(deployment)
        in_flight = self._in_flight.get(key, 0)
        waits = [
            window.resets_at - now
            for window in self._windows.get(key, {}).values()
            if window.resets_at > now and window.remaining - in_flight <= 0
        ]
        return max(waits, default=None)

    def reserve(self, deployment: Deployment) -> None:
        """Count a call that is about to be made; parallel calls must not share the last unit."""
        if deployment.provider.spec.quota_windows:
            key = _key(deployment)
            self._in_flight[key] = self._in_flight.get(key, 0) + 1

    def settle(self, deployment: Deployment) -> None:
        """Stop counting a call that got its headers, or never will."""
        if deployment.provider.spec.quota_windows:
            key = _key(deployment)
            self._in_flight[key] = max(self._in_flight.get(key, 0) - 1, 0)

    def observe(self, deployment: Deployment, headers: Mapping[str, str], now: float) -> None:
        """Remember what a provider's answer says of its windows."""
        for window in deployment.provider.spec.quota_windows:
            remaining = _number(headers.get(window.remaining_header))
            if remaining is not None:
                self._windows.setdefault(_key(deployment), {})[window.name] = WindowState(
                    name=window.name,
                    limit=_number(headers.get(window.limit_header)),
                    remaining=remaining,
                    resets_at=now + _seconds_to_reset(window, headers, now),
                )

    def windows(self, deployment: Deployment, now: float) -> list[WindowState]:
        """The windows of a deployment that still count."""
        known = self._windows.get(_key(deployment), {})
        return [window for window in known.values() if window.resets_at > now]


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


def _key(deployment: Deployment) -> str:
    spec = deployment.provider.spec
    return spec.name if spec.rate_limit_scope is RateLimitScope.ACCOUNT else deployment.name
