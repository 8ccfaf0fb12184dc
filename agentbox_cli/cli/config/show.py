"""`agentbox config show`: what config.yml amounts to."""

import sys
from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.output import emit_json
from agentbox_cli.cli.setting import config_file, current_setup

app = command()


@app.command()
def show(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what config.yml amounts to, defaults filled in.

    Aliases that plugins propose stand in it too. Keys are masked, and references such as ${NAME}
    are not replaced.

    Example: agentbox config show --json
    """
    from agentbox_cli.config.document import parse
    from agentbox_cli.config.edit import set_value
    from agentbox_cli.providers.effective import effective

    section = effective(current_setup(ctx).resolved)
    if as_json:
        emit_json("config-show", {"file": str(config_file(ctx)), "litellm": section})
        return
    sys.stdout.write(set_value(parse("", "config.yml"), ("litellm",), section))
