"""`agentbox litellm providers logout`: a provider's key, taken out again."""

from typing import Annotated

import typer

from agentbox_cli.cli.app import command
from agentbox_cli.cli.changing import AsJson, DryRun
from agentbox_cli.cli.litellm.key_place import emit_key_change, env_file, variable_of
from agentbox_cli.cli.output import say
from agentbox_cli.errors import UsageError
from agentbox_cli.paths import standard_paths

app = command()


@app.command()
def logout(
    ctx: typer.Context,
    provider: Annotated[str, typer.Argument(metavar="NAME", help="The provider.")],
    *,
    env: Annotated[
        str | None,
        typer.Option(
            "--env-file",
            metavar="FILE",
            help="Remove it here instead of in the .env beside config.yml.",
            show_default=False,
        ),
    ] = None,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Remove it from the desktop's keyring.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove a provider's key from .env.

    Fine if there is none. A key in the environment stays; only you can unset it.

    Example: agentbox litellm providers logout openai
    """
    if keyring and env:
        raise UsageError("--keyring and --env-file are two places", hint="take one")
    variable = variable_of(ctx, provider)
    if keyring:
        _from_keyring(variable, dry_run=dry_run, as_json=as_json)
        return
    from agentbox_cli.config.key_files import drop_key

    file = env_file(ctx, env)
    change = drop_key(file, variable, dry_run=dry_run)
    if as_json:
        emit_key_change(variable, file, existed=change.existed, changed=change.changed)
    elif not change.existed:
        say(f"{variable} does not stand in {file}")
    elif dry_run:
        say(change.diff)
    else:
        say(f"removed {variable} from {file}")


def _from_keyring(variable: str, *, dry_run: bool, as_json: bool) -> None:
    from agentbox_cli.config.keyring_names import forget
    from agentbox_cli.config.keyrings import drop_key, find_key, require_keyring

    if not dry_run:
        # First, so that a keyring that fails, or is gone for good, is not asked ever after.
        forget(standard_paths().keyring_names, variable)
    require_keyring()
    existed = find_key(variable) is not None if dry_run else drop_key(variable)
    if as_json:
        emit_key_change(variable, None, existed=existed, changed=existed)
    elif not existed:
        say(f"{variable} does not stand in the keyring")
    elif dry_run:
        say(f"would remove {variable} from the keyring")
    else:
        say(f"removed {variable} from the keyring")
