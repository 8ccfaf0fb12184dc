"""`agentbox litellm models rename`: another name for an alias."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def rename(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give an alias another name.

    What model_patterns lead to it follows.

    Example: agentbox litellm models rename fast quick
    """
    from agentbox_cli.config.chains import rename_alias

    change_config(
        ctx,
        lambda document: rename_alias(document, alias, new),
        dry_run=dry_run,
        as_json=as_json,
    )
