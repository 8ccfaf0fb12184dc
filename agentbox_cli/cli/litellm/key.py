"""`agentbox litellm key`: the install's key, and the commands for tokens of named callers."""

from pathlib import Path
from typing import Annotated

import typer

from agentbox_cli.cli.app import KeyCommands, listing
from agentbox_cli.cli.output import emit_json, notice, say
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import standard_paths

app = listing(KeyCommands)


@app.callback()
def key(
    ctx: typer.Context,
    *,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new key; the old one opens nothing more.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="With --rotate: change nothing."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the key for callers other than you.

    Other users and containers call the proxy with it, your own processes need none. It is made
    when it is first asked for. `key add` makes tokens for those whom usage and budgets should know
    by name.

    Example: export ANTHROPIC_AUTH_TOKEN=$(agentbox litellm key)
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx.invoked_subcommand, rotate=rotate, dry_run=dry_run, as_json=as_json)
        return
    from agentbox_cli.daemon import key as install_key

    file = standard_paths().key_file
    if dry_run:
        _tell_plan(file, rotate=rotate, as_json=as_json)
        return
    value = install_key.rotate(file) if rotate else install_key.read_or_create(file)
    if as_json:
        emit_json("key", {"key": value, "file": str(file)})
    else:
        say(value)
    if rotate:
        notice("a running proxy takes the new key with: agentbox litellm restart")


def _refuse_options(command: str, **given: bool) -> None:
    """Options in front of a command below are not its own: to pass over them would mislead."""
    if any(given.values()):
        raise UsageError(
            f"the options of `key {command}` stand behind it",
            hint=f"agentbox litellm key {command} --help",
        )


def _tell_plan(file: Path, *, rotate: bool, as_json: bool) -> None:
    if not rotate:
        raise UsageError("--dry-run goes with --rotate", hint="agentbox litellm key --help")
    if as_json:
        emit_json("key", {"key": None, "file": str(file)})
    else:
        say(f"would {'replace the' if file.exists() else 'make a'} key in {file}")
