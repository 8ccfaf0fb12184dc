"""What goes on, in words and bars that fit a line."""

import time
from typing import Any

from agentbox_cli.cli.output import clean
from agentbox_cli.cli.spending import dollars, shows_blocks

Row = dict[str, Any]
_BAR = 6


def shown_state(row: Row) -> str:
    """The state of a link, and for how long."""
    left = row["cooldown_s"]
    return row["state"] if left is None else f"{row['state']} {short(left)}"


def short(seconds: float) -> str:
    """A span in one unit, in four signs at the most."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def took(milliseconds: float | None) -> str:
    """How long something took, in five signs."""
    if milliseconds is None:
        return "-"
    if milliseconds < 999.5:  # noqa: PLR2004 - rounds to less than a second
        return f"{milliseconds:.0f}ms"
    seconds = milliseconds / 1_000
    return f"{seconds:.1f}s" if seconds < 99.95 else f"{seconds:.0f}s"  # noqa: PLR2004 - five signs


def pace(per_second: float) -> str:
    """A rate, with as many digits as say something."""
    if not per_second:
        return "-"
    if per_second >= 10_000:  # noqa: PLR2004 - in thousands from there on
        return f"{per_second / 1_000:.0f}k"
    return f"{per_second:.1f}" if per_second < 99.95 else f"{per_second:.0f}"  # noqa: PLR2004 - four signs


def quota(row: Row) -> str:
    """The window that is used up the most, as a bar."""
    used = [share for window in row["windows"] if (share := _share(window)) is not None]
    return share_bar(max(used)) if used else ""


def share_bar(share: float) -> str:
    """A share of 1 as a bar and a number."""
    filled = min(round(max(share, 0.0) * _BAR), _BAR)
    signs = "█░" if shows_blocks() else "#."
    return f"{signs[0] * filled}{signs[1] * (_BAR - filled)} {min(share, 9.99):>4.0%}"


def _share(window: Row) -> float | None:
    if not window["limit"]:
        return None
    return 1.0 - float(window["remaining"]) / float(window["limit"])


def today(document: Row) -> str:
    """What was used today."""
    known = document["today"]
    if known is None:
        return "today: not known"
    cost = dollars(known["cost_usd"], unpriced=known.get("unpriced", 0))
    told = [f"today {cost}"]
    if "requests" in known:
        told.append(f"{known['requests']:,} requests")
        told.append(f"{known['fell_back']:,} fell back, {known['failed']:,} failed")
    if known.get("saved_usd"):
        told.append(f"saved {dollars(known['saved_usd'])}")
    return ", ".join(told)


def budget(row: Row) -> str:
    """How a budget stands."""
    whose = "" if row["scope"] == "all" else f" of {row['scope']} {clean(row['name'])}"
    each = {"day": "daily", "month": "monthly"}[row["period"]]
    if row["spent_usd"] is None:
        return f"{each} budget{whose} ? of {dollars(row['limit_usd'])}"
    gone = row["spent_usd"] + row["reserved_usd"]
    share = gone / row["limit_usd"] if row["limit_usd"] else 1.0
    spent = f"{dollars(row['spent_usd'])} of {dollars(row['limit_usd'])}"
    return f"{each} budget{whose} {share_bar(share)} {spent}"


def details(row: Row) -> list[str]:
    """All else about one link."""
    told = [f"{clean(row['link'])} in {', '.join(map(clean, row['aliases']))}"]
    told[0] += f"; in flight: {row['in_flight']}, calls in a minute: {row['calls']}"
    if skipped := row["skipped"]:
        until = time.strftime("%H:%M:%S", time.localtime(skipped["until"]))
        said = f": {skipped['message']}" if skipped["message"] else ""
        told.append(clean(f"{row['state']} after {skipped['kind']} until {until}{said}"))
    elif row["windows"]:
        told.append(", ".join(map(_window, row["windows"])))
    elif row["last_error"]:
        told.append(f"last error: {row['last_error']}")
    return told


def _window(row: Row) -> str:
    of = f"/{row['limit']}" if row["limit"] is not None else ""
    return f"{row['window']}: {row['remaining']}{of} left, anew in {short(row['resets_in_s'])}"


def failover(row: Row) -> str:
    """A request that the first link did not answer."""
    clock = time.strftime("%H:%M:%S", time.localtime(row["at"]))
    failed = ", ".join(f"{one['link']} {one['label']}" for one in row["failed"])
    arrow = "→" if shows_blocks() else "->"
    then = row["served_by"] or f"{row['end']} {row['status'] or ''}".strip()
    return clean(f"{clock} {row['request_id'][:12]} {row['alias']}: {failed} {arrow} {then}")
