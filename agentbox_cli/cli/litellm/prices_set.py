"""`agentbox litellm prices set`: a price of the user's own."""

from typing import Annotated, Any

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, change_config

app = command()


@app.command("set")
def set_price(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(metavar="PROVIDER/MODEL", help="What it is for.")],
    *,
    input_usd: Annotated[float, typer.Option("--input", min=0, help="Dollars for 1M of prompt.")],
    output_usd: Annotated[
        float, typer.Option("--output", min=0, help="Dollars for 1M of answer.")
    ],
    cached_usd: Annotated[
        float | None,
        typer.Option("--cached", min=0, help="Dollars for 1M from a cache.", show_default=False),
    ] = None,
    cache_written_usd: Annotated[
        float | None,
        typer.Option("--cache-write", min=0, help="Dollars for 1M into one.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Set a price of your own in config.yml.

    It counts from the next start on; `usage reprice` gives it to past calls too.

    Example: agentbox litellm prices set openai/gpt-4o --input 2.5 --output 10
    """
    from agentbox_cli.config.chains import split_deployment
    from agentbox_cli.config.edit import set_value

    split_deployment(model)
    told = {
        "input_usd": input_usd,
        "output_usd": output_usd,
        "cached_usd": cached_usd,
        "cache_written_usd": cache_written_usd,
    }
    price: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    path = ("litellm", "usage", "prices", model)
    change_config(
        ctx,
        lambda document: set_value(document, path, price),
        dry_run=dry_run,
        as_json=as_json,
    )
