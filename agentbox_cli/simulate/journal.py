"""Who was called how often, and, where tests want it, with what."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

KEPT_BODY = 1024 * 1024
MAX_KEYS = 10_000

CallKey = tuple[str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it arrived.

    Args:
        method: the HTTP method.
        path: the path, decoded, without a query.
        deployment: the provider and model that were asked; the model is `*` where none was
            named.
        stream: whether it asked for server-sent events.
        check: the check it belongs to, from its header.
        headers: its headers, names in lower case.
        body: at most its first MiB.
    """

    method: str
    path: str
    deployment: str
    stream: bool
    check: str | None
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body, read as JSON."""
        return msgspec.json.decode(self.body)


class Journal:
    """Counts of calls by check and deployment, and the last few calls themselves.

    Args:
        keep: how many calls are kept whole. Their headers hold credentials: for tests only.

    Attributes:
        left_at: when a caller last went away before the end, on the monotonic clock.
    """

    def __init__(self, *, keep: int = 0) -> None:
        self.keep = keep
        self.calls: Counter[CallKey] = Counter()
        self.cancelled: Counter[CallKey] = Counter()
        self.left_at: dict[CallKey, float] = {}
        self.recent: deque[Call] = deque(maxlen=keep)

    def count(self, deployment: str, *, check: str | None = None) -> int:
        """Tell how often a deployment was called in a check, or outside of any."""
        return self.calls[check, deployment]

    def count_cancelled(self, deployment: str, *, check: str | None = None) -> int:
        """Tell how many of these calls the caller gave up before they were answered."""
        return self.cancelled[check, deployment]

    def arrived(self, key: CallKey) -> None:
        """Count a call."""
        # Names come from requests: a caller must not be able to fill the memory with them.
        if key in self.calls or len(self.calls) < MAX_KEYS:
            self.calls[key] += 1

    def gave_up(self, key: CallKey) -> None:
        """Count a call whose caller went away before the end."""
        if key in self.calls:
            self.cancelled[key] += 1
            self.left_at[key] = time.monotonic()

    def clear(self, check: str | None = None) -> None:
        """Forget one check, or with None everything."""
        for counter in (self.calls, self.cancelled, self.left_at):
            for key in [key for key in counter if check is None or key[0] == check]:
                del counter[key]
        if check is None:
            self.recent.clear()
