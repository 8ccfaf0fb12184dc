"""`agentbox litellm key add`: a token for a named caller."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, notice, say
from agentbox_cli.cli.setting import config_target
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who gets it, as usage and budgets call them.")
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Find out whether it would work; make nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a token for a caller, and show it once.

    It passes wherever the key does, and its holder is known by the name: in `usage --by caller`,
    in `explain`, in `budgets.per_caller`. Only a hash of it is kept. A running proxy takes it at
    once.

    Example: agentbox litellm key add alice
    """
    from agentbox_cli.daemon.client_tokens import add as add_token
    from agentbox_cli.daemon.client_tokens import would_add
    from agentbox_cli.providers.words import refresh_clients

    paths = standard_paths()
    file = paths.client_tokens
    if dry_run:
        would_add(file, name)
        made = None
    else:
        made = add_token(file, name)
        refresh_clients(paths, config_target(ctx))
    if as_json:
        about = {"name": name, "token": made.token if made else None}
        created = made.kept.created_at if made else None
        emit_json("key-add", {**about, "created_at": created, "file": str(file)})
    else:
        say(made.token if made else f"would make a token for {name}, and keep its hash in {file}")
    if made:
        notice(f"{name} shows it as a Bearer token or x-api-key; it is not shown again")
