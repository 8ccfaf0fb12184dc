"""What is analysed: pieces of text from files or from a diff, without secrets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentbox_cli.errors import UsageError
from agentbox_cli.mcp.analyst import files, git
from agentbox_cli.mcp.analyst.confidential import holds_secrets, without_secrets
from agentbox_cli.mcp.analyst.workspace import Workspace

# A subject that begins so is a commit, a range of commits, `staged` or `uncommitted`.
COMMIT = "git:"
FILES_LIMIT = 2_000

BY_ITS_NAME = "it holds secrets by its name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A text and the file that it is from; `part` tells which lines where a file is in several."""

    name: str
    text: str
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that was not read, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was gathered.

    Args:
        title: what it is as a whole, where that is known.
        pieces: the texts.
        skipped: what was left out.
        redacted: how many keys were taken out.
    """

    title: str
    pieces: tuple[Piece, ...]
    skipped: tuple[Skipped, ...] = ()
    redacted: int = 0


@dataclass(slots=True, kw_only=True)
class Gatherer:
    """Gathers pieces.

    Args:
        workspace: where files are read.
        environ: whose keys are taken out of texts.
        keys: other keys that are.
    """

    workspace: Workspace
    environ: Mapping[str, str] = field(repr=False)
    keys: Sequence[str] = field(repr=False, default=())
    _skipped: dict[str, str] = field(default_factory=dict, init=False)
    _redacted: int = field(default=0, init=False)

    def gather(self, said: Iterable[str]) -> Subject:
        """Gather files, folders, patterns and commits.

        Raises:
            UsageError: one leads outside or is not there, or nothing can be read at all.
        """
        pieces, titles = list[Piece](), list[str]()
        for one in dict.fromkeys(each.strip() for each in said):
            if one.startswith(COMMIT):
                named = one.removeprefix(COMMIT).strip()
                changes = git.changes(self.workspace.roots[0], named)
                titles.append(self._clean(changes.title))
                pieces += self._patches(changes)
                if named == git.UNCOMMITTED:
                    pieces += self._texts(git.untracked(self.workspace.roots[0]))
            else:
                pieces += self._texts(files.listed(self.workspace, one))
        unique = {(piece.name, piece.text): piece for piece in pieces}
        skipped = tuple(Skipped(name=name, why=why) for name, why in self._skipped.items())
        if not unique:
            raise _nothing(said, skipped)
        return Subject(
            title="\n".join(titles),
            pieces=tuple(unique.values()),
            skipped=skipped,
            redacted=self._redacted,
        )

    def _patches(self, changes: git.Changes) -> list[Piece]:
        told = {change.name: change.patch for change in changes.each}
        pieces = []
        for name in changes.names:
            if holds_secrets(name):
                self._skipped[name] = BY_ITS_NAME
            elif name not in told:
                self._skipped[name] = "the diff was too long" if not changes.whole else "no diff"
            else:
                pieces.append(Piece(name=name, text=self._clean(told[name])))
        return pieces

    def _texts(self, names: Sequence[str]) -> list[Piece]:
        for name in names[FILES_LIMIT:]:
            self._skipped[name] = f"more than {FILES_LIMIT} files"
        return [piece for name in names[:FILES_LIMIT] for piece in self._text(name)]

    def _text(self, name: str) -> list[Piece]:
        try:
            real = self.workspace.name(self.workspace.find(name))
            if holds_secrets(name) or holds_secrets(real):
                self._skipped[name] = BY_ITS_NAME
                return []
            text = files.read(self.workspace, name)
        except files.UnreadableError as error:
            self._skipped[name] = str(error)
        except UsageError as error:
            self._skipped[name] = error.message
        else:
            if text.strip():
                return [Piece(name=name, text=self._clean(text))]
            self._skipped[name] = "it is empty"
        return []

    def _clean(self, text: str) -> str:
        cleaned, number = without_secrets(text, self.environ, self.keys)
        self._redacted += number
        return cleaned


def _nothing(said: Iterable[str], skipped: Sequence[Skipped]) -> UsageError:
    asked = ", ".join(each.strip() for each in said) or "nothing"
    if not skipped:
        return UsageError(
            f"there is nothing to read in {asked[:200]}",
            hint=f"a file, a folder, a pattern such as src/**/*.py, or {COMMIT}COMMIT",
        )
    first = "; ".join(f"{each.name}: {each.why}" for each in skipped[:5])
    return UsageError(f"nothing of {asked[:200]} can be read: {first}", hint="name other files")


def split(piece: Piece, characters: int) -> list[Piece]:
    """A piece in parts of whole lines, none longer than so many characters."""
    if len(piece.text) <= characters:
        return [piece]
    parts, part = list[str](), ""
    for line in _lines(piece.text, characters):
        if part and len(part) + len(line) > characters:
            parts.append(part)
            part = ""
        part += line
    parts.append(part)
    return [
        replace(piece, text=text, part=f"part {number} of {len(parts)}")
        for number, text in enumerate(parts, start=1)
    ]


def _lines(text: str, characters: int) -> list[str]:
    """The lines; one that is too long by itself comes in several."""
    return [
        line[start : start + characters]
        for line in text.splitlines(keepends=True)
        for start in range(0, len(line), characters)
    ]


def packed(pieces: Sequence[Piece], characters: int) -> list[tuple[Piece, ...]]:
    """Pieces together in chunks of at most so many characters, in their order."""
    chunks, chunk, size = list[tuple[Piece, ...]](), list[Piece](), 0
    for piece in (part for each in pieces for part in split(each, characters)):
        length = len(piece.text)
        if chunk and size + length > characters:
            chunks.append(tuple(chunk))
            chunk, size = [], 0
        chunk.append(piece)
        size += length
    return [*chunks, tuple(chunk)] if chunk else chunks
