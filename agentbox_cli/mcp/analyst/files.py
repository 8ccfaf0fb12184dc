"""Files of the workspace as text: which there are below a folder, and what is in one."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from agentbox_cli.mcp.analyst import git
from agentbox_cli.mcp.analyst.workspace import Workspace

# Longer ones are data rather than something that was written.
FILE_LIMIT = 1024 * 1024
_SNIFFED = 8192
# What no .gitignore need name where there is no git.
_NEVER = frozenset({"node_modules", "__pycache__", "venv", "dist", "build", "target"})
_WILD = frozenset("*?[")


class UnreadableError(Exception):
    """A file that is not read, with the reason in words."""


def listed(workspace: Workspace, said: str) -> list[str]:
    """The names of the files that a file, a folder or a pattern stands for.

    Args:
        workspace: where to look.
        said: `src`, `src/main.py`, `src/**/*.py`.

    Raises:
        UsageError: it leads outside, or is not there.
    """
    if _WILD.isdisjoint(said):
        path = workspace.find(said)
        if not path.is_dir():
            return [workspace.name(path)]
        below = "" if path in workspace.roots else f"{workspace.name(path)}/"
        return [f"{below}{name}" for name in _below(path)]
    fits = re.compile(_expression(said.removeprefix("./")))
    found = (name for root in workspace.roots for name in _below(root))
    return [name for name in found if fits.fullmatch(name)]


def read(workspace: Workspace, name: str) -> str:
    """The text of a file.

    Raises:
        UnreadableError: it is no text, too long, or leads outside.
        UsageError: it is not there.
    """
    path = workspace.find(name)
    try:
        # Not followed a second time, and a pipe that nobody writes to does not hang.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableError(str(error.strerror).lower()) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError("it is no regular file")
        _refuse_moved(workspace, descriptor)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(FILE_LIMIT + 1)
    finally:
        os.close(descriptor)
    if len(data) > FILE_LIMIT:
        raise UnreadableError(f"it is larger than {FILE_LIMIT // 1024} KiB")
    if b"\0" in data[:_SNIFFED]:
        raise UnreadableError("it is no text")
    return data.decode(errors="replace")


def _refuse_moved(workspace: Workspace, descriptor: int) -> None:
    """Look again at what was opened: a folder on the way may have become a link meanwhile."""
    try:
        opened = Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return  # this system does not tell
    if not workspace.holds(opened):
        raise UnreadableError("it leads outside of the workspace")


def _below(folder: Path) -> list[str]:
    known = git.tracked(folder)
    return sorted(_walked(folder)) if known is None else known


def _walked(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each not in _NEVER and each[0] != "."]
        for name in names:
            yield (Path(place) / name).relative_to(folder).as_posix()


def _expression(pattern: str) -> str:
    """A pattern of paths as a regular expression: `**` crosses folders, `*` does not."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^\]/]+\])", pattern)
    return "".join(_WORDS.get(part) or _class(part) for part in parts)


_WORDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _class(part: str) -> str:
    if len(part) > 2 and part[0] == "[" and part[-1] == "]":  # noqa: PLR2004 - both brackets
        inside = part[1:-1].replace("\\", r"\\")
        return f"[^{inside[1:]}]" if inside[0] == "!" else f"[{inside}]"
    return re.escape(part)
