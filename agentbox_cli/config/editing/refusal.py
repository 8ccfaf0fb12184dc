"""Edits that are not made, and why."""

from agentbox_cli.config.document import Document, Path
from agentbox_cli.config.names import dotted
from agentbox_cli.config.problems import locate, render
from agentbox_cli.config.tree import Node
from agentbox_cli.errors import ConfigError, Exit

BY_HAND = "edit the file by hand: agentbox config edit"


class EditRefusedError(ConfigError):
    """An edit that cannot be made without touching something else; nothing was changed."""


class NoSuchItemError(EditRefusedError):
    """An index that is too far behind the end of its list: the path is wrong, not the file."""

    exit_code = Exit.USAGE


def refused(
    document: Document, path: Path, reason: str, *, at: Node | None = None, hint: str = BY_HAND
) -> EditRefusedError:
    """Say which value is not edited, where it stands, and why."""
    node = at if at is not None else document.node_at(path)
    line, column = document.position(node.start)
    where = f"{document.name}:{line}:{column}"
    return EditRefusedError(f"{where}: {dotted(path)}: {reason}", hint=hint)


def bar_broken(document: Document) -> None:
    """Refuse to edit what cannot be read.

    Raises:
        EditRefusedError: with the first things that are wrong with the text.
    """
    if document.faults:
        problems = render(locate(document, ()), document.name, limit=3)
        raise EditRefusedError(problems, hint="mend the file first: agentbox config edit")
