"""`agentbox litellm models move`: another order of a chain."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def move(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias.")],
    old: Annotated[int, typer.Argument(metavar="FROM", help="The link's number, from 1.")],
    new: Annotated[int, typer.Argument(metavar="TO", help="The number it gets.")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Move a link to another place in its chain.

    The link of number 1 is tried first.

    Example: agentbox litellm models move default 2 1
    """
    from agentbox_cli.config.chains import move_link

    change_config(
        ctx,
        lambda document: move_link(document, alias, old, new),
        dry_run=dry_run,
        as_json=as_json,
    )
