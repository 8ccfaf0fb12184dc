"""`agentbox litellm key remove`: a named caller's token no longer opens anything."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.cli.setting import config_target
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token it is.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be removed, and remove nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take a caller's token back, at once.

    A running proxy refuses its next request; an answer that is under way may finish. What its
    holder used stays in usage.

    Example: agentbox litellm key remove alice
    """
    from agentbox_cli.daemon.client_tokens import remove as remove_token
    from agentbox_cli.providers.words import refresh_clients

    paths = standard_paths()
    gone = remove_token(paths.client_tokens, name, dry_run=dry_run)
    if not dry_run:
        refresh_clients(paths, config_target(ctx))
    if as_json:
        about = {"name": gone.name, "created_at": gone.created_at}
        emit_json("key-remove", {**about, "removed": not dry_run})
    else:
        say(f"{'would remove' if dry_run else 'removed'} the token of {gone.name}")
