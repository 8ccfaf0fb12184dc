"""Charts in the terminal."""

import shutil
import sys
from typing import TYPE_CHECKING, Any

from agentbox_cli.cli.output import say

if TYPE_CHECKING:
    from agentbox_cli.usage.series import Series

_HEIGHT = 12


def plot_usage(series: "Series") -> None:
    """Draw tokens, cost and failovers over time."""
    if not any(row.requests for row in series.rows):
        say("nothing was used in that time")
        return
    rows = series.rows
    _bars(series, "tokens", [row.input_tokens + row.output_tokens for row in rows])
    unpriced = sum(row.unpriced for row in rows)
    known = (
        f"cost in dollars, without {unpriced:,} unpriced calls" if unpriced else "cost in dollars"
    )
    _bars(series, known, [row.cost_usd for row in rows], none="not known" if unpriced else "none")
    _bars(series, "requests that fell back", [row.fell_back for row in rows])


def _bars(series: "Series", title: str, values: list[Any], *, none: str = "none") -> None:
    import plotext

    if not any(values):
        say(f"{title}: {none}\n")  # an axis of nothing would have to be made up
        return

    figure = plotext.figure
    figure.clear()
    figure.plot_size(_width(), _HEIGHT)
    figure.title(f"{title} by {series.step}")
    marker = "█" if "utf" in (sys.stdout.encoding or "").lower() else "#"
    figure.draw(figure.bar([label[5:] for label in series.labels], values, marker=marker))
    # Signs without colour are right for pipes and for NO_COLOR, and tell as much.
    say(plotext.uncolorize(figure.build()))


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 160) if sys.stdout.isatty() else 80
