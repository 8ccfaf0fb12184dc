"""`agentbox litellm models remove`: an alias, or one of its links."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

if TYPE_CHECKING:
    from agentbox_cli.config.document import Document

app = command()


@app.command()
def remove(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The alias.")],
    number: Annotated[
        int | None,
        typer.Argument(metavar="N", help="One link, from 1; else all.", show_default=False),
    ] = None,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove an alias, or one of its links.

    The last link of a chain goes with its alias only.

    Example: agentbox litellm models remove fast 2
    """
    from agentbox_cli.config.chains import remove_alias, remove_link

    def edit(document: "Document") -> str:
        if number is None:
            return remove_alias(document, alias)
        return remove_link(document, alias, number)

    change_config(ctx, edit, dry_run=dry_run, as_json=as_json)
