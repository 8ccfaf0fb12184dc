"""`agentbox litellm limits`: what is left of quotas, what cools, and the command that resets."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import LimitsCommands, listing
from agentbox_cli.cli.litellm.limit_tables import cooling_table, windows_table
from agentbox_cli.cli.output import emit_json, notice, say
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from agentbox_cli.daemon.limits import Told

app = listing(LimitsCommands)


@app.callback()
def limits(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is left of quotas, and what cools.

    Providers tell of their windows with each answer. If the proxy does not run, what it wrote
    down last is shown.

    Example: agentbox litellm limits --json
    """
    if ctx.invoked_subcommand is not None:
        return
    from agentbox_cli.daemon.limits import known_limits

    told = known_limits(standard_paths())
    if not told.live:
        notice(f"the proxy is {told.state}: this is what it wrote down last")
    if as_json:
        emit_json("limits", {"live": told.live, **told.document})
    else:
        _tell(told)


def _tell(told: "Told") -> None:
    windows, cooling = told.document["windows"], told.document["cooling"]
    if windows:
        windows_table(windows)
    else:
        say("no quota window is known")
    say()
    if cooling:
        cooling_table(cooling)
    else:
        say("nothing cools")
