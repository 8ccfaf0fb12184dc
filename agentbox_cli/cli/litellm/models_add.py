"""`agentbox litellm models add`: one more link, or one more alias."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def add(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The name agents call.")],
    link: Annotated[
        str, typer.Argument(metavar="PROVIDER/MODEL", help="What it leads to.", show_default=False)
    ],
    *,
    at: Annotated[
        int | None,
        typer.Option(metavar="N", help="Its number; by default the last.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Add a link to an alias, or a new alias.

    Links are tried in their order, from 1 on.

    Example: agentbox litellm models add fast openai/gpt-4o-mini --at 1
    """
    from agentbox_cli.config.chains import add_link, split_deployment

    provider, model = split_deployment(link)
    change_config(
        ctx,
        lambda document: add_link(document, alias, provider, model, at=at),
        dry_run=dry_run,
        as_json=as_json,
    )
