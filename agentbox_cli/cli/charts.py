"""Charts in the terminal."""

import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agentbox_cli.cli.output import say
from agentbox_cli.cli.spending import counted, dollars

if TYPE_CHECKING:
    from agentbox_cli.usage.series import Series

_HEIGHT = 12


def plot_usage(series: "Series") -> None:
    """Draw tokens, cost and failovers over time."""
    if not any(row.requests for row in series.rows):
        say("nothing was used in that time")
        return
    rows = series.rows
    _bars(series, "tokens", [row.input_tokens + row.output_tokens for row in rows], counted)
    unpriced = sum(row.unpriced for row in rows)
    without = f", without {unpriced:,} unpriced calls" if unpriced else ""
    none = "not known" if unpriced else "none"
    costs = [row.cost_usd for row in rows]
    _bars(series, f"cost in dollars{without}", costs, dollars, none=none)
    _bars(series, "requests that fell back", [row.fell_back for row in rows], counted)


def _bars(
    series: "Series",
    title: str,
    values: list[Any],
    worded: Callable[[Any], str],
    *,
    none: str = "none",
) -> None:
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
    steps = _steps(max(values))
    figure.ruler("y").ticks(steps, [worded(step) for step in steps])
    # Signs without colour are right for pipes and for NO_COLOR, and tell as much.
    say(plotext.uncolorize(figure.build()))


def _steps(most: float) -> list[float]:
    """Where the axis is marked: at nothing, the most, and between; whole numbers stay whole."""
    steps = [most * part / 4 for part in range(5)]
    return sorted({round(step) for step in steps}) if isinstance(most, int) else steps


def _width() -> int:
    return min(shutil.get_terminal_size().columns, 160) if sys.stdout.isatty() else 80
