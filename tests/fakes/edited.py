"""What `git diff` would show of an edited file."""

import difflib


def edited_lines(before: str, after: str) -> list[str]:
    """The lines that went (`-`) and came (`+`), blank ones between sections aside."""
    compared = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    lines = (line.rstrip("\n") for line in compared if line[0] in "-+")
    return [line for line in lines if line[1:].strip()]
