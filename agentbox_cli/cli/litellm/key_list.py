"""`agentbox litellm key list`: who has a token."""

import time
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say, table
from agentbox_cli.paths import standard_paths

app = command()


@app.command(name="list")
def listed(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List who has a token.

    The tokens themselves are kept nowhere.

    Example: agentbox litellm key list --json
    """
    from agentbox_cli.config.client_tokens import read_tokens

    file = standard_paths().client_tokens
    tokens = read_tokens(file)
    if as_json:
        rows = [{"name": token.name, "created_at": token.created_at} for token in tokens]
        emit_json("key-list", {"file": str(file), "tokens": rows})
    elif tokens:
        table(("NAME", "MADE"), [(token.name, _day(token.created_at)) for token in tokens])
    else:
        say("nobody has a token; agentbox litellm key add NAME makes one")


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
