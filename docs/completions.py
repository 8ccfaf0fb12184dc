"""Write the completion scripts anew: `python -m docs.completions`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from agentbox_cli.cli.app import root
from agentbox_cli.cli.completion.scripts import FILES, Shell, script
from agentbox_cli.cli.completion.tree import command_tree

FOLDER = Path(__file__).parents[1] / "completions"


def scripts() -> Iterator[tuple[Path, str]]:
    """Every script and its text as it should be."""
    tree = command_tree(typer.main.get_command(root()))
    for shell in Shell:
        yield FOLDER / FILES[shell], script(shell, tree)


def main() -> int:
    """Write the scripts that are not fresh."""
    FOLDER.mkdir(exist_ok=True)
    for file, text in scripts():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            sys.stderr.write(f"wrote {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
