"""`agentbox litellm providers login`: a key, asked for and put where it is looked up."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.litellm.key_place import emit_key_change, env_file, variable_of
from agentbox_cli.cli.output import notice, say
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import standard_paths

if TYPE_CHECKING:
    from pydantic import SecretStr

LONGEST = 64 * 1024

app = command()


@app.command()
def login(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="NAME", help="The provider.")],
    *,
    env: Annotated[
        str | None,
        typer.Option(
            "--env-file",
            metavar="FILE",
            help="Write here instead of the .env beside config.yml.",
            show_default=False,
        ),
    ] = None,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Put it into the desktop's keyring.")
    ] = False,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read the key from stdin.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a provider's key and store it.

    It goes into the .env beside config.yml, which nobody else may read (0600), under the name of
    the variable that the provider's api_key refers to. It is never shown.

    Example: agentbox litellm providers login openai
    """
    if keyring and env:
        raise UsageError("--keyring and --env-file are two places", hint="take one")
    variable = variable_of(ctx, provider)
    if keyring:
        _into_keyring(variable, stdin=stdin, dry_run=dry_run, as_json=as_json)
    else:
        file = env_file(ctx, env)
        _into_file(file, variable, stdin=stdin, dry_run=dry_run, as_json=as_json)
    _tell_what_counts_first(variable)
    if not dry_run:
        notice("a running proxy takes it with: agentbox litellm restart")


def _into_keyring(variable: str, *, stdin: bool, dry_run: bool, as_json: bool) -> None:
    from agentbox_cli.config.keyring_names import record
    from agentbox_cli.config.keyrings import find_key, put_key, require_keyring

    require_keyring()
    existed = as_json and find_key(variable) is not None
    if not dry_run:
        put_key(variable, _key(variable, stdin=stdin))
        record(standard_paths().keyring_names, variable)
    if as_json:
        emit_key_change(variable, None, existed=existed, changed=True)
    else:
        say(f"{'would put' if dry_run else 'put'} {variable} into the keyring")


def _into_file(file: Path, variable: str, *, stdin: bool, dry_run: bool, as_json: bool) -> None:
    from agentbox_cli.config.key_files import put_key

    change = put_key(file, variable, None, dry_run=True)
    if not dry_run:
        change = put_key(file, variable, _key(variable, stdin=stdin), dry_run=False)
    if as_json:
        emit_key_change(variable, file, existed=change.existed, changed=change.changed)
    elif dry_run:
        say(change.diff)
    else:
        say(f"{'replaced' if change.existed else 'wrote'} {variable} in {file}")


def _key(variable: str, *, stdin: bool) -> "SecretStr":
    from agentbox_cli.config.key_files import checked_key

    return checked_key(_piped() if stdin else _asked(variable))


def _piped() -> str:
    text = sys.stdin.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise UsageError("what stands on stdin is too long for a key")
    return text


def _asked(variable: str) -> str:
    import getpass
    import warnings

    refusal = UsageError(
        "a key can only be asked for on a terminal", hint="pipe it in with --stdin"
    )
    if not sys.stdin.isatty():
        raise refusal
    with warnings.catch_warnings():
        # Rather no key than one that is typed in plain sight.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"{variable} (not shown): ")
        except getpass.GetPassWarning:
            raise refusal from None


def _tell_what_counts_first(variable: str) -> None:
    for name in (variable, f"{variable}_FILE"):
        if os.environ.get(name):
            notice(f"warning: {name} is set in this environment, which counts first")
