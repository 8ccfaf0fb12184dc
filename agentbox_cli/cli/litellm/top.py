"""`agentbox litellm top`: what goes on now, link by link."""

import os
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json
from agentbox_cli.errors import NotSo
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.daemon.live import Seen, Watch

app = command()

_FASTEST, _SLOWEST = 0.1, 60.0


@app.command()
def top(
    *,
    once: Annotated[bool, typer.Option("--once", help="Print one picture and end.")] = False,
    interval: Annotated[
        float, typer.Option(help="Seconds between pictures.", min=_FASTEST, max=_SLOWEST)
    ] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one picture as JSON.")] = False,
) -> None:
    """Show what goes on: links, rates, cooldowns, quotas, money, failovers.

    Keys: up and down (or k and j) select a link, p pauses it or lets it go on, c clears its
    cooldown, s sorts, q ends. Where there is no terminal one picture is printed.

    Exit code 1 if the proxy does not run.

    Example: agentbox litellm top --once
    """
    from agentbox_cli.daemon.live import Watch

    watch = Watch(standard_paths())
    seen = watch.look()
    if seen.document is None or seen.instance is None:
        raise NotSo(f"the proxy is {seen.state}", hint="agentbox litellm start")
    if as_json:
        url = seen.instance.url
        emit_json("top", {"url": url, "pid": seen.instance.pid, **seen.document})
    elif once or not _is_terminal():
        _print(seen.document, seen.instance.url)
    else:
        _follow(watch, seen, interval)


def _is_terminal() -> bool:
    known = os.environ.get("TERM", "dumb") != "dumb"
    return known and sys.stdin.isatty() and sys.stdout.isatty()


def _print(document: dict[str, Any], url: str) -> None:
    from agentbox_cli.cli.live.drawing import print_lines, width_of_output
    from agentbox_cli.cli.live.frame import Size, frame
    from agentbox_cli.cli.live.view import View

    size = Size(width=width_of_output())
    print_lines(frame(document, View(), size, url=url, clock=_clock()))


def _follow(watch: "Watch", seen: "Seen", interval: float) -> None:
    from agentbox_cli.cli.live.following import Following
    from agentbox_cli.cli.live.screen import Screen

    with Screen() as screen:
        Following(watch=watch, screen=screen, seen=seen, clock=_clock).run(interval)


def _clock() -> str:
    return time.strftime("%H:%M:%S")
