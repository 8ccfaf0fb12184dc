"""Figures: a measured value, what it should be, and the statistics behind it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    Args:
        name: what was measured.
        value: the result, in `unit`.
        unit: ms, s, MB, req/s, x (a ratio), calls.
        spread: the middle half of the rounds; None where there is one value only.
        at_most: the target, where small is good.
        at_least: the target, where large is good.
    """

    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
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
        """`met` or `missed`; empty if there is no target."""
        if self.at_most is not None:
            return "met" if self.value <= self.at_most else "missed"
        if self.at_least is not None:
            return "met" if self.value >= self.at_least else "missed"
        return ""


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


def shown(number: float) -> str:
    """A number with about three digits that mean something."""
    size = abs(number)
    if size >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if size >= 10 else f"{number:.2f}"
