"""Which variables have their keys in the keyring: names alone, so that it is asked for no other.

Importing the package `keyring` and asking the desktop costs more than most commands.
"""

import re
from collections.abc import Callable
from pathlib import Path

from agentbox_cli.config.atomic import locked_directory, replace_file
from agentbox_cli.config.own_file import read_own
from agentbox_cli.errors import ConfigError

PRIVATE = 0o600

# Names are short and few; what is larger was not written by us.
_LIMIT = 64 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def recorded(file: Path) -> frozenset[str]:
    """The recorded names; a missing file has none, and a line that is no name is passed over.

    Raises:
        ConfigError: the file cannot be read, or is none of ours.
    """
    try:
        text = read_own(file, limit=_LIMIT).decode("ascii", "replace")
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError) as error:
        raise _unusable(file, "read", error) from error
    return frozenset(filter(_NAME.fullmatch, text.splitlines()))


def record(file: Path, variable: str) -> None:
    """Add a name.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    _change(file, lambda names: names | {variable})


def forget(file: Path, variable: str) -> None:
    """Take a name out; fine if it is not there.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    if variable in recorded(file):
        _change(file, lambda names: names - {variable})


def _change(file: Path, edit: Callable[[frozenset[str]], frozenset[str]]) -> None:
    try:
        with locked_directory(file.parent):
            names = edit(recorded(file))
            text = "".join(f"{name}\n" for name in sorted(names))
            replace_file(file, text.encode(), mode=PRIVATE)
    except OSError as error:
        raise _unusable(file, "written", error) from error


def _unusable(file: Path, verb: str, error: OSError | ValueError) -> ConfigError:
    why = (error.strerror if isinstance(error, OSError) else None) or error
    return ConfigError(
        f"{file} cannot be {verb}: {why}", hint="it names the keys that stand in the keyring"
    )
