"""`agentbox completions`: the script that makes a shell complete our commands."""

import sys
from typing import Annotated

import typer

from agentbox_cli.cli.app import command, root
from agentbox_cli.cli.completion.scripts import Shell, script
from agentbox_cli.cli.completion.tree import command_tree

app = command()


@app.command()
def completions(
    shell: Annotated[Shell, typer.Argument(help="The shell that is to complete.")],
) -> None:
    """Print the script that completes commands in a shell.

    No file of yours is changed. For bash and zsh, put the line of the example into ~/.bashrc or
    ~/.zshrc; for fish, write the script to ~/.config/fish/completions/agentbox.fish.

    Example: eval "$(agentbox completions bash)"
    """
    sys.stdout.write(script(shell, command_tree(typer.main.get_command(root()))))
