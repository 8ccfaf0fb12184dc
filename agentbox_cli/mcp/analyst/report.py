"""The report of an analysis: one Markdown file in the workspace, written whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from agentbox_cli.config.atomic import replace_file
from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst.confidential import holds_secrets
from agentbox_cli.mcp.analyst.workspace import Workspace

# How a file begins that may be written again.
MARK = "<!-- agentbox report -->"
_ENDINGS = (".md", ".markdown", ".txt")


def place_of(workspace: Workspace, said: str, *, overwrite: bool) -> Path:
    """Where a report is written; asked before anything is spent.

    Raises:
        UsageError: it lies outside, is not ours to overwrite, or cannot be a report.
    """
    path = workspace.place(said)
    if path.suffix.lower() not in _ENDINGS or holds_secrets(workspace.name(path)):
        raise UsageError(f"{said!r} is no place for a report", hint="a file that ends in .md")
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise UsageError(f"{said!r} is there and no regular file", hint="name another report_file")
    if path.exists() and not overwrite and not _is_report(path):
        raise UsageError(
            f"{said!r} is there and no report of agentbox",
            hint="name another report_file, or pass overwrite: true",
        )
    return path


def write(workspace: Workspace, path: Path, text: str) -> str:
    """Write a report; gives its name in the workspace.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Looked at again: a folder may have become a link meanwhile.
        if not workspace.holds(path.parent.resolve()) or path.is_symlink():
            raise UsageError(f"{path} leads outside of the workspace by now")
        replace_file(path, f"{MARK}\n{text.rstrip()}\n".encode(), mode=0o644)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", hint="name another") from error
    return workspace.name(path)


def page(title: str, facts: Sequence[tuple[str, str]], text: str) -> str:
    """A report's text: what was asked, who answered, and the answer."""
    rows = "\n".join(f"- {name}: {' '.join(value.split())}" for name, value in facts if value)
    return f"# {' '.join(title.split())}\n\n{rows}\n\n{text}"


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except OSError:
        return False
