"""The folders that tools may read and write in; nothing outside of them is touched."""

import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from agentbox_cli.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """One folder or several, as their real paths.

    Args:
        roots: absolute, without symbolic links.
    """

    roots: tuple[Path, ...]

    def find(self, said: str) -> Path:
        """The real path of a file or folder in it.

        Args:
            said: relative to a root, or absolute and inside of one.

        Raises:
            UsageError: it leads outside, or is not there.
        """
        places = [self._inside(said, root) for root in self.roots]
        for place in places:
            if place.exists():
                return place
        raise UsageError(f"there is no {said!r} in the workspace", hint=self._near(said))

    def place(self, said: str) -> Path:
        """The real path of something that need not be there yet.

        Raises:
            UsageError: it leads outside.
        """
        return self._inside(said, self.roots[0])

    def holds(self, path: Path) -> bool:
        """Whether a real path lies inside."""
        return any(path.is_relative_to(root) for root in self.roots)

    def root_of(self, path: Path) -> Path:
        """The root that a path inside lies in."""
        return next(root for root in self.roots if path.is_relative_to(root))

    def name(self, path: Path) -> str:
        """What a path inside is called."""
        return path.relative_to(self.root_of(path)).as_posix()

    def _inside(self, said: str, root: Path) -> Path:
        if not said or "\0" in said:
            raise UsageError("the path is empty or no path", hint=self._shown())
        real = Path(os.path.realpath(root / said))
        if not self.holds(real):
            raise UsageError(f"{said!r} leads outside of the workspace", hint=self._shown())
        return real

    def _shown(self) -> str:
        return f"name a path inside {' or '.join(map(str, self.roots))}"

    def _near(self, said: str) -> str:
        folder, _, name = said.rpartition("/")
        try:
            inside = [
                f"{folder}/{each}" if folder else each
                for root in self.roots
                for each in map(_name, self._inside(folder or ".", root).iterdir())
            ]
        except (OSError, UsageError):
            inside = []
        wanted = f"{folder}/{name}" if folder else name
        close = difflib.get_close_matches(wanted, inside, n=1)
        return f"did you mean {close[0]!r}?" if close else self._shown()


def workspace_of(folders: Iterable[Path], *, named: bool) -> Workspace:
    """A workspace of these folders.

    Args:
        folders: where it begins.
        named: whether somebody named them; a whole disk or home is taken only then.

    Raises:
        UsageError: one is no folder, or is too much to be meant.
    """
    roots = tuple(dict.fromkeys(Path(os.path.realpath(each)) for each in folders))
    for root in roots:
        if not root.is_dir():
            raise UsageError(f"the workspace {root} is no folder", hint=_HINT)
        if not named and root in _too_much():
            raise UsageError(
                f"the workspace would be {root}, which is too much to be meant",
                hint=_HINT,
            )
    return Workspace(roots=roots)


_HINT = "start the server in a project, or with: mcp serve --workspace DIR"
_name = attrgetter("name")


def _too_much() -> Sequence[Path]:
    return (Path("/"), Path(os.path.realpath(Path.home())))
