"""`agentbox litellm models`: the aliases and their chains, and the commands that edit them."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import ModelsCommands, listing
from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.cli.setting import current_setup

app = listing(ModelsCommands)


@app.callback()
def models(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the aliases and their chains.

    The first link is tried first. Below stand the names that lead to an alias, such as those that
    agents ask for by themselves; `model_patterns` in config.yml overrides them.

    Example: agentbox litellm models --json
    """
    if ctx.invoked_subcommand is not None:
        return
    from agentbox_cli.providers.listing import models_document

    resolved = current_setup(ctx).resolved
    chains = resolved.chains.values()
    if as_json:
        emit_json("models", models_document(resolved))
        return
    table(
        ["ALIAS", "LINK", "PROVIDER", "MODEL", "CONTEXT", "KEY", "SOURCE"],
        [
            [
                chain.alias if link.number == 1 else "",
                f"{link.number}/{len(chain.links)}",
                link.deployment.provider.name,
                link.deployment.model.id,
                f"{link.max_input_tokens:,}" if link.max_input_tokens else "?",
                link.deployment.provider.key.state.value,
                chain.source if link.number == 1 else "",
            ]
            for chain in chains
            for link in chain.links
        ],
    )
    if resolved.patterns:
        say()
        table(
            ["NAMES", "ALIAS", "SOURCE"],
            [[each.pattern, each.alias, each.source] for each in resolved.patterns],
        )
