"""`agentbox litellm providers add`: one more provider."""

from typing import Annotated, Literal

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command()
def add(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="NAME", help="The provider's name.")],
    *,
    api_base: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Its address; plugins know theirs.", show_default=False),
    ] = None,
    protocol: Annotated[
        Literal["openai", "anthropic"] | None,
        typer.Option(help="What one that no plugin knows speaks.", show_default=False),
    ] = None,
    key_env: Annotated[
        str | None,
        typer.Option(metavar="VAR", help="The variable that holds its key.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Add a provider to config.yml.

    Only the name of the key's variable is written; plugins know the usual one.

    Example: agentbox litellm providers add anthropic
    """
    from agentbox_cli.config.provider_entries import add_provider
    from agentbox_cli.providers.resolve import ADDRESS_HINT

    change_config(
        ctx,
        lambda document: add_provider(
            document,
            provider,
            api_base=api_base,
            protocol=protocol,
            key_variable=key_env or _usual_variable(ctx, provider),
        ),
        dry_run=dry_run,
        as_json=as_json,
        hints={ADDRESS_HINT: "give its address: --api-base https://.../v1"},
    )


def _usual_variable(ctx: typer.Context, name: str) -> str | None:
    from agentbox_cli.cli.changing import current_registry

    spec = current_registry(ctx).providers.get(name)
    return spec.api_key_env if spec else None
