"""Edits of `.env` files, by the editor that the one beside config.yml is edited with."""

from typing import Any

from agentbox_cli.agents.formats.broken import BrokenTextError
from agentbox_cli.config import envfile
from agentbox_cli.errors import ConfigError

Path = tuple[str, ...]


def data(text: str) -> dict[str, Any]:
    """What the text sets, by variable."""
    return dict(envfile.values_of(text))


def put(text: str, path: Path, value: Any) -> str:
    """Set the variable that is the path's only key.

    Raises:
        BrokenTextError: the text is broken, or cannot be edited safely.
    """
    (name,) = path
    try:
        return envfile.with_variable(text, name, str(value))
    except ConfigError as error:
        raise BrokenTextError(error.message, 1, 1) from error


def drop(text: str, path: Path) -> str:
    """Remove the variable that is the path's only key; what is not there is no error.

    Raises:
        BrokenTextError: the text cannot be edited safely.
    """
    (name,) = path
    try:
        return envfile.without_variable(text, name)
    except ConfigError as error:
        raise BrokenTextError(error.message, 1, 1) from error
