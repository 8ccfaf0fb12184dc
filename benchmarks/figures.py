"""Figures: a measured value, what it should be, and the statistics behind it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

MET, MISSED, OPEN = "met", "missed", "open"
# Of a normal curve, what lies within so many deviations: 95 %.
_SURE = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    Args:
        name: what was measured.
        value: the result, in `unit`.
        unit: ms, s, MB, req/s, x (a ratio), calls.
        spread: the middle half of the rounds; None where there is one value only.
        sure: between what the true median lies, with 95 % certainty; None where that is not told.
        at_most: the target, where small is good.
        at_least: the target, where large is good.
    """

    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    sure: tuple[float, float] | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        """The target for people; empty if there is none."""
        if self.at_most is not None:
            return f"<= {shown(self.at_most)}"
        return f">= {shown(self.at_least)}" if self.at_least is not None else ""

    @property
    def verdict(self) -> str:
        """`met` or `missed`, `open` where the noise hides which; empty without a target."""
        low, high = self.sure or (self.value, self.value)
        if self.at_most is not None:
            return _verdict(surely=high <= self.at_most, perhaps=low <= self.at_most)
        if self.at_least is not None:
            return _verdict(surely=low >= self.at_least, perhaps=high >= self.at_least)
        return ""


def _verdict(*, surely: bool, perhaps: bool) -> str:
    if surely:
        return MET
    return OPEN if perhaps else MISSED


def of_pairs(
    name: str, values: Sequence[float], unit: str, *, at_most: float | None = None
) -> Figure:
    """The median of many pairs, and between what it would lie if there were still more."""
    return Figure(
        name=name,
        value=statistics.median(values),
        unit=unit,
        sure=sure_median(values),
        at_most=at_most,
    )


def of_rounds(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Figure:
    """The median of several rounds, and their middle half."""
    return Figure(
        name=name,
        value=statistics.median(values),
        unit=unit,
        spread=middle_half(values) if len(values) > 1 else None,
        at_most=at_most,
        at_least=at_least,
    )


def differences(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """What the first costs more than the second, round by round."""
    return [a - b for a, b in zip(ours, theirs, strict=True)]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How many times the second the first is, round by round."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def middle_half(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third quartile; of two values, both."""
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def sure_median(values: Sequence[float]) -> tuple[float, float]:
    """Between what the median lies with 95 % certainty, however the values are spread.

    By their ranks alone: of so many values, how many fall below the true median is binomial.
    """
    ordered, half = sorted(values), _SURE * math.sqrt(len(values)) / 2
    low = max(0, math.floor(len(ordered) / 2 - half))
    high = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + half))
    return ordered[low], ordered[high]


def shown(number: float) -> str:
    """A number with about three digits that mean something."""
    size = abs(number)
    if size >= 100:
        return f"{number:.0f}"
    if size >= 10:
        return f"{number:.1f}"
    return f"{number:.3f}" if 0.1 <= size < 1 else f"{number:.2f}"
