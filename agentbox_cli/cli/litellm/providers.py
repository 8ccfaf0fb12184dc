"""`agentbox litellm providers`: the configured providers, and those that plugins offer."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentbox_cli.cli.app import ProvidersCommands, listing
from agentbox_cli.cli.output import emit_json, table
from agentbox_cli.cli.setting import current_setup

if TYPE_CHECKING:
    from agentbox_cli.providers.load import Setup

app = listing(ProvidersCommands)


@app.callback()
def providers(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the providers and their keys.

    No key is shown, only whether it is set and where it was found. Those that config.yml names
    come first, then those that plugins offer.

    Example: agentbox litellm providers
    """
    if ctx.invoked_subcommand is not None:
        return
    rows = _rows(current_setup(ctx))
    if as_json:
        emit_json("providers", {"providers": rows})
        return
    table(
        ["PROVIDER", "TITLE", "CONFIGURED", "KEY", "FROM", "ADDRESS"],
        [
            [
                row["name"],
                row["title"],
                "yes" if row["configured"] else "no",
                row["key"],
                row["key_source"] or "",
                row["api_base"] or "",
            ]
            for row in rows
        ],
    )


def _rows(setup: "Setup") -> list[dict[str, Any]]:
    from agentbox_cli.config.masking import starred_data
    from agentbox_cli.providers.resolved import KeyState

    resolved, registry = setup.resolved, setup.registry
    rows = []
    for name in [
        *resolved.providers,
        *(n for n in registry.providers if n not in resolved.providers),
    ]:
        provider = resolved.providers.get(name)
        spec = provider.spec if provider else registry.providers[name]
        plugin = registry.origins.get(name)
        unset = KeyState.MISSING if spec.api_key_env else KeyState.NOT_NEEDED
        rows.append(
            {
                "name": name,
                "title": spec.title,
                "plugin": plugin.name if plugin else None,
                "distribution": plugin.distribution if plugin else None,
                "configured": bool(provider and provider.configured),
                "api_base": starred_data(provider.api_base if provider else spec.api_base),
                "key": (provider.key.state if provider else unset).value,
                "key_source": provider.key.source if provider else None,
                "models": [model.id for model in spec.models],
            }
        )
    return rows
