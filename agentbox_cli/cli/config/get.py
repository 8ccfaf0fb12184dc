"""`agentbox config get`: one value of config.yml."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json, notice, say
from agentbox_cli.cli.setting import config_file

app = command()


@app.command()
def get(
    ctx: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="Which, such as litellm.router.timeout.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print one value of config.yml.

    One that is not set has its default; exit code 1 if it has none. Keys are masked, references
    such as ${NAME} are not replaced.

    Example: agentbox config get litellm.models.default
    """
    from agentbox_cli.config.address import format_address, parse_address
    from agentbox_cli.config.values import value_at

    place = parse_address(path)
    found = value_at(config_file(ctx), place)
    if as_json:
        emit_json(
            "config-get",
            {"path": format_address(place), "set": found.is_set, "value": found.data},
        )
        return
    say(found.text)
    if not found.is_set:
        notice("this is the default; config.yml does not set it")
