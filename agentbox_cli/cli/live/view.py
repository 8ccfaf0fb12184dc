"""What somebody looks at: which link is selected, and how the links are sorted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_STATES = ("cooling", "exhausted", "paused", "key-missing")

SORTS: Mapping[str, Callable[[Row], Any]] = {
    "chain": lambda _: 0,
    "calls": lambda row: -row["rates"]["10s"]["calls_per_s"],
    "tokens": lambda row: -row["rates"]["10s"]["tokens_per_s"],
    "latency": lambda row: -(row["latency_ms"]["p95"] or 0.0),
    "failed": lambda row: -row["failed"],
    "state": lambda row: _STATES.index(row["state"]) if row["state"] in _STATES else len(_STATES),
}


@dataclass(slots=True)
class View:
    """What is selected, and in which order.

    Args:
        sort: a key of SORTS.
        selected: the name of a link; empty until there is one.
        message: what became of the last key.
    """

    sort: str = "chain"
    selected: str = ""
    message: str = ""

    def ordered(self, links: Sequence[Row]) -> list[Row]:
        """The links in the order that is wanted; those that are alike as in the config."""
        return sorted(links, key=SORTS[self.sort])

    def settle(self, links: Sequence[Row]) -> None:
        """Select the first link if the selected one is not there."""
        names = [row["link"] for row in self.ordered(links)]
        if self.selected not in names:
            self.selected = names[0] if names else ""

    def move(self, links: Sequence[Row], step: int) -> None:
        """Select the link that stands some steps further down."""
        names = [row["link"] for row in self.ordered(links)]
        if self.selected in names:
            place = names.index(self.selected) + step
            self.selected = names[max(0, min(place, len(names) - 1))]

    def sort_next(self) -> None:
        """Take the next order."""
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + 1) % len(names)]
        self.message = f"sorted by {self.sort}"
