"""`agentbox litellm providers remove`: one provider less."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def remove(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="NAME", help="The provider's name.")],
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Remove its links too, and aliases without any other."),
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove a provider from config.yml.

    One that chains use stays, unless --force takes its links away too.

    Example: agentbox litellm providers remove anthropic
    """
    from agentbox_cli.config.provider_entries import remove_provider

    change_config(
        ctx,
        lambda document: remove_provider(document, provider, with_links=force),
        dry_run=dry_run,
        as_json=as_json,
    )
