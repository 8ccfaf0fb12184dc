"""Paths in an agent's description, made into paths of this user."""

import re
from collections.abc import Mapping
from pathlib import Path

_INNERMOST = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^${}]*))?\}")


def expand(path: str, environ: Mapping[str, str]) -> Path:
    """Fill in `${NAME:-default}`, defaults within defaults included, and `~` at the front."""
    while found := _INNERMOST.search(path):
        value = environ.get(found[1]) or found[2] or ""
        path = path[: found.start()] + value + path[found.end() :]
    home = environ.get("HOME") or str(Path.home())
    return Path(home + path[1:] if path == "~" or path.startswith("~/") else path)


def shown(path: Path, environ: Mapping[str, str]) -> str:
    """A path for people, with `~` for their home."""
    home = environ.get("HOME")
    if home and path.is_relative_to(home):
        return f"~/{path.relative_to(home)}"
    return str(path)
