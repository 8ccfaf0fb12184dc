"""`agentbox config unset`: one key of config.yml less."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

if TYPE_CHECKING:
    from agentbox_cli.config.document import Document

app = command()


@app.command()
def unset(
    ctx: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="What, such as litellm.router.timeout.")
    ],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove one key of config.yml.

    Its own comments go with it, and its default holds again. Fine if it is not set.

    Example: agentbox config unset litellm.router.timeout
    """
    from agentbox_cli.config.address import parse_address
    from agentbox_cli.config.edit import delete
    from agentbox_cli.config.schema import refuse_foreign, type_at

    place = parse_address(path)
    refuse_foreign(place)

    def edit(document: "Document") -> str:
        if document.find(place).exists:
            return delete(document, place)
        type_at(place)  # what nobody knows is a typing error
        return document.text

    change_config(ctx, edit, dry_run=dry_run, as_json=as_json)
