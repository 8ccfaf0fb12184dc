"""`agentbox litellm limits reset`: forget a cooldown and the windows of a quota."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.limit_words import forgotten
from agentbox_cli.cli.output import emit_json, notice, say
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def reset(
    link: Annotated[
        str | None,
        typer.Argument(
            metavar="LINK", help="A link, as provider/model, or a provider.", show_default=False
        ),
    ] = None,
    *,
    all_links: Annotated[bool, typer.Option("--all", help="Reset every link.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be forgotten, and forget nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Forget what keeps a link from being called.

    Its next call then tells anew how it is. For a link that is its cooldown and quota windows,
    those of its provider's account included; for a provider those of all its links.

    Example: agentbox litellm limits reset openai/gpt-4o
    """
    from agentbox_cli.daemon.limits import reset_limits

    if (link is None) is not all_links:
        hint = "agentbox litellm limits"
        raise UsageError("name one link or provider, or give --all", hint=hint)
    told = reset_limits(standard_paths(), link, dry_run=dry_run)
    if not told.live:
        notice(f"the proxy is {told.state}: this is about what it wrote down last")
    if as_json:
        emit_json("limits-reset", {"live": told.live, "dry_run": dry_run, **told.document})
        return
    for line in forgotten(told.document, "would forget" if dry_run else "forgot"):
        say(line)
