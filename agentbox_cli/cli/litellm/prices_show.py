"""`agentbox litellm prices show`: what one model costs."""

from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.litellm.prices import emit_prices, price_table
from agentbox_cli.cli.setting import current_setup
from agentbox_cli.errors import NotSo

if TYPE_CHECKING:
    from agentbox_cli.providers.load import Setup
    from agentbox_cli.providers.resolved import Deployment

app = command()


@app.command()
def show(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(metavar="PROVIDER/MODEL", help="The model.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what one model costs.

    It need not stand in a chain.

    Example: agentbox litellm prices show openai/gpt-4o
    """
    from agentbox_cli.config.chains import split_deployment
    from agentbox_cli.providers.catalog import read_catalog
    from agentbox_cli.usage.prices import Source, price_of

    setup = current_setup(ctx)
    provider, _ = split_deployment(model)
    deployment = _deployment(setup, model)
    if deployment is None:
        known = ", ".join(sorted(setup.resolved.providers))
        raise NotSo(f"{provider!r} is no provider here", hint=f"known: {known}")
    priced = price_of(deployment, setup.resolved.config.usage.prices, read_catalog())
    if as_json:
        emit_prices([priced])
        return
    price_table([priced])
    if priced.source is Source.NONE:
        raise NotSo(
            f"nobody knows what {model} costs",
            hint=f"agentbox litellm prices set {model} --input 1 --output 2",
        )


def _deployment(setup: "Setup", name: str) -> "Deployment | None":
    """A model of a provider, as it would stand in a chain."""
    from agentbox_cli.config.chains import split_deployment
    from agentbox_cli.providers.model import ModelSpec
    from agentbox_cli.providers.resolved import Deployment

    provider_name, model_id = split_deployment(name)
    provider = setup.resolved.providers.get(provider_name)
    if provider is None:
        return None
    model = provider.spec.model(model_id) or ModelSpec(id=model_id)
    return Deployment(provider=provider, model=model)
