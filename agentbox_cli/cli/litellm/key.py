"""`agentbox litellm key`: the install's key, for callers that the kernel cannot vouch for."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, say
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def key(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the key for callers other than you.

    Other users and containers call the proxy with it, your own processes need none. It is made
    when it is first asked for.

    Example: export ANTHROPIC_AUTH_TOKEN=$(agentbox litellm key)
    """
    from agentbox_cli.daemon.key import read_or_create

    file = standard_paths().key_file
    value = read_or_create(file)
    if as_json:
        emit_json("key", {"key": value, "file": str(file)})
    else:
        say(value)
