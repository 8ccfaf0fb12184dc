"""`agentbox litellm stop`: the daemon and everything it started."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import notice, say
from agentbox_cli.paths import standard_paths

# The daemon cuts what is open after 30 s by itself; killing it is for when it does not.
GRACE_SECONDS = 35.0

app = command()


@app.command()
def stop(
    *,
    grace: Annotated[
        float, typer.Option(help="Seconds for open streams to finish.", min=0)
    ] = GRACE_SECONDS,
    force: Annotated[bool, typer.Option("--force", help="Cut open streams at once.")] = False,
) -> None:
    """Stop the proxy; fine if it is stopped already.

    Open streams may finish first.

    Example: agentbox litellm stop --grace 5
    """
    say(end(grace=grace, force=force))


def end(*, grace: float = GRACE_SECONDS, force: bool = False) -> str:
    """Stop the daemon and say what was done."""
    from agentbox_cli.daemon import lifecycle

    told: list[float] = []

    def waiting(seconds: float) -> None:
        if seconds >= 1 and not told:
            told.append(seconds)
            notice(f"waiting for open streams to finish ({grace:g} s at most; --force cuts them)")

    stopped = lifecycle.stop(standard_paths(), grace_seconds=grace, force=force, on_wait=waiting)
    if not stopped.was_running:
        return "the proxy is not running"
    return "the proxy was killed" if stopped.killed else "the proxy has stopped"
