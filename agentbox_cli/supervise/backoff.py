"""How long to wait before a program that ended is started again."""

from dataclasses import dataclass, replace

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
# Who lived this long is taken for healthy: its end starts a new series.
STABLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The ends of a program in a row, each soon after its start.

    Args:
        ends: how many there were.
    """

    ends: int = 0

    @property
    def delay(self) -> float:
        """Seconds until the next start: 0.5, doubling with each end, at most 30."""
        if self.ends == 0:
            return 0.0
        # Bounded before it is computed: 2.0**1100 overflows.
        return min(FIRST_SECONDS * 2.0 ** min(self.ends - 1, 16), LONGEST_SECONDS)

    def after(self, lived_seconds: float) -> "Backoff":
        """The series with one more end, of a program that lived this long."""
        return replace(self, ends=1 if lived_seconds >= STABLE_SECONDS else self.ends + 1)
