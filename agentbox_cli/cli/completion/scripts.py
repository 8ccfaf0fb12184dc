"""The completion scripts: for each shell a frame, filled with tables of the command tree."""

from enum import StrEnum
from pathlib import Path

from agentbox_cli.cli.completion import bash, fish, zsh
from agentbox_cli.cli.completion.tree import Command

_FRAMES = Path(__file__).parent / "frames"


class Shell(StrEnum):
    """The shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# By the name under which the shell looks for it.
FILES = {
    Shell.BASH: "agentbox.bash",
    Shell.ZSH: "_agentbox",
    Shell.FISH: "agentbox.fish",
}

_TABLES = {Shell.BASH: bash.tables, Shell.ZSH: zsh.tables, Shell.FISH: fish.tables}


def script(shell: Shell, tree: Command) -> str:
    """The script of a shell."""
    text = (_FRAMES / FILES[shell]).read_text(encoding="utf-8")
    for mark, table in _TABLES[shell](tree).items():
        text = text.replace(f"@{mark}@", table)
    return text
