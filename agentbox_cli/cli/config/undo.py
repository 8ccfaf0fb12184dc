"""`agentbox config undo`: the last change taken back."""

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun, tell_change
from agentbox_cli.cli.setting import config_file
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def undo(ctx: typer.Context, *, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Take the last change of config.yml back.

    The text of the last backup returns, byte for byte, even if it is not valid. A second time
    takes that back.

    Example: agentbox config undo --dry-run
    """
    from agentbox_cli.config import change

    done = change.undo(standard_paths(), config_file(ctx), dry_run=dry_run)
    tell_change(ctx, done, dry_run=dry_run, as_json=as_json)
