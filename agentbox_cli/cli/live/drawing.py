"""Lines with styles, as text for this terminal."""

import shutil
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text


def print_lines(lines: Sequence[Text]) -> None:
    """Print lines: with styles on a terminal, else as they are."""
    for line in drawn(lines):
        sys.stdout.write(f"{line.rstrip()}\n")


def drawn(lines: Sequence[Text]) -> list[str]:
    """Each line as a terminal of this kind takes it; without colour if that is wished."""
    if not sys.stdout.isatty():
        return [line.plain for line in lines]
    console = Console(file=sys.stdout, highlight=False, emoji=False, markup=False)
    told = []
    for line in lines:
        with console.capture() as captured:
            console.print(line, end="", soft_wrap=True)
        told.append(captured.get())
    return told


def width_of_output() -> int | None:
    """The width of the terminal; None where the output is none, and nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
