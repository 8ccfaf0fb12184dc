"""A text file of a user: read whole, and written so that nobody ever reads a part of it."""

import os
import re
from pathlib import Path

from agentbox_cli.config.atomic import NEW_DIRECTORY_MODE, ChangedMeanwhileError, replace_file
from agentbox_cli.config.files import read_regular, unusable
from agentbox_cli.errors import ConfigError

SIZE_LIMIT = 4 * 1024 * 1024
NEW_FILE_MODE = 0o600

_LINE_BREAK = re.compile(r"\r\n|[\r\n]")


class NotTextError(ConfigError):
    """A file is no UTF-8 text.

    Args:
        message: which, where and why.
        hint: what to do next.
        line, column: the place, counted from 1.
    """

    def __init__(self, message: str, *, hint: str, line: int, column: int) -> None:
        super().__init__(message, hint=hint)
        self.line = line
        self.column = column


def read_text(path: Path) -> str:
    """Read a file as UTF-8, byte order mark and line ends included.

    Raises:
        ConfigError: it is missing, unreadable, no regular file, too large, or not UTF-8.
    """
    data = read_regular(path, SIZE_LIMIT).data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        lines = _LINE_BREAK.split(data[: error.start].decode("utf-8"))
        line, column = len(lines), len(lines[-1]) + 1
        raise NotTextError(
            f"{path}:{line}:{column}: this is not UTF-8 text (byte 0x{data[error.start]:02x})",
            hint="save the file with the encoding UTF-8",
            line=line,
            column=column,
        ) from None


def write(
    path: Path, text: str, *, mode: int = NEW_FILE_MODE, instead_of: str | None = None
) -> None:
    """Write a file so that readers see the old text or the new one, never a part.

    A symbolic link is kept and its target written; an existing file keeps its mode, owner and
    extended attributes. A file that cannot be replaced is written in place: a mount point, one
    with several names, one in a directory that is not ours.

    Args:
        path: the file; missing directories are made.
        text: its new text.
        mode: of a file that does not exist yet.
        instead_of: the text that it must still have; None for any.

    Raises:
        ConfigError: it cannot be written, or has another text; it is then unharmed.
    """
    target = Path(os.path.realpath(path))
    expected = None if instead_of is None else instead_of.encode()
    try:
        target.parent.mkdir(mode=NEW_DIRECTORY_MODE, parents=True, exist_ok=True)
        replace_file(target, text.encode(), mode=mode, expected=expected)
    except ChangedMeanwhileError:
        raise ConfigError(
            f"{path} was changed by another program at the same time; nothing was written",
            hint="look at it and try again",
        ) from None
    except OSError as error:
        raise unusable(path, "written", error) from error
