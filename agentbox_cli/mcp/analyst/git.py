"""git, asked about a folder that may not be trusted: nothing of its config is run.

Arguments are lists, names of commits are resolved first, and no pager, hook, file monitor,
external diff, text conversion, filter or check of signatures is started.
"""

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.errors import UsageError

TIMEOUT_SECONDS = 60.0
# A longer diff is cut off; a model would not read it either.
OUTPUT_LIMIT = 16 * 1024 * 1024

STAGED, UNCOMMITTED = "staged", "uncommitted"

_SAFELY = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.quotePath=false"),
    *("-c", "core.pager=cat"),
    # It would start the config's gpg.program.
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never"),
)
_DIFF = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--relative",
    "--submodule=short",
    # Whether files of a submodule changed is asked of a git in there, with the config in there.
    "--ignore-submodules=dirty",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed in one file."""

    name: str
    patch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a commit, or what is not committed yet, changes below a folder.

    Args:
        title: what is told of it: its message, or what it is.
        names: every file that changed.
        each: the changes by file; fewer than names where the diff was cut off.
        whole: whether nothing was cut off.
    """

    title: str
    names: tuple[str, ...]
    each: tuple[Change, ...]
    whole: bool


def tracked(folder: Path) -> list[str] | None:
    """The files below a folder that git does not ignore, relative to it; None without git."""
    listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    done = _run(folder, *listing, "--", ".")
    return None if done is None else sorted(set(_names(done.out)))


def untracked(folder: Path) -> list[str]:
    """The new files below a folder that git neither knows nor ignores."""
    done = _run(folder, "ls-files", "-z", "--others", "--exclude-standard", "--", ".")
    return [] if done is None else sorted(_names(done.out))


def changes(folder: Path, said: str) -> Changes:
    """What a commit changes below a folder.

    Args:
        folder: a folder of the workspace.
        said: a commit, `A..B`, `A...B`, `staged` or `uncommitted`.

    Raises:
        UsageError: it is no repository, its files are elsewhere, or there is no such commit.
    """
    _refuse_elsewhere(folder)
    if said == STAGED:
        return _diff(folder, "What is staged for the next commit.", "--cached")
    if said == UNCOMMITTED:
        begin = _resolved(folder, "HEAD") or _empty_tree(folder)
        return _diff(folder, "What is not committed yet.", begin)
    if "..." in said:
        return _between(folder, said, *said.split("...", 1), forked=True)
    if ".." in said:
        return _between(folder, said, *said.split("..", 1), forked=False)
    commit = _commit(folder, said)
    parent = _resolved(folder, f"{commit}^1") or _empty_tree(folder)
    message = _must(folder, "show", "-s", "--format=%B", commit).out.decode(errors="replace")
    return _diff(folder, f"The commit {commit[:12]}: {message.strip()}", parent, commit)


def _refuse_elsewhere(folder: Path) -> None:
    """A folder may name another repository as its own, and a repository other files as its own."""
    home = _path(folder, "--absolute-git-dir")
    if home is None:
        raise UsageError(f"{folder} is not in a git repository", hint="name a file or folder")
    top = _path(folder, "--show-toplevel") or home  # a bare one has no files
    if not folder.resolve().is_relative_to(top):
        raise UsageError(
            f"the git repository of {folder} has its files in {top}",
            hint="name a file or folder, or unset core.worktree",
        )
    common = _path(folder, "--path-format=absolute", "--git-common-dir") or home
    if not _belongs(top, home, common, said_so=_says_where(folder)):
        raise UsageError(
            f"{folder} names the git repository {common}, which knows nothing of it",
            hint=f"if it is yours: git -C {top} config core.worktree {top}",
        )


def _belongs(top: Path, home: Path, common: Path, *, said_so: bool) -> bool:
    """Whether a repository is inside of its files, or itself says where they are."""
    if home.is_relative_to(top) and common == home:
        return True
    if common == home:
        return said_so  # by core.worktree, as those of submodules do
    # A linked working tree: the repository keeps a file that leads back to it.
    try:
        back = Path(os.fsdecode((home / "gitdir").read_bytes().removesuffix(b"\n")))
    except OSError:
        return False
    return home.is_relative_to(common) and (home / back).resolve() == top / ".git"


def _says_where(folder: Path) -> bool:
    return _run(folder, "config", "--local", "--get", "core.worktree") is not None


def _path(folder: Path, *asked: str) -> Path | None:
    told = _run(folder, "rev-parse", *asked)
    return Path(os.fsdecode(told.out.removesuffix(b"\n"))).resolve() if told else None


def _between(folder: Path, said: str, begin: str, end: str, *, forked: bool) -> Changes:
    first, last = _commit(folder, begin or "HEAD"), _commit(folder, end or "HEAD")
    if forked:
        first = _must(folder, "merge-base", first, last).out.decode().strip()
    log = _must(folder, "log", "--format=- %s", "--max-count=100", f"{first}..{last}")
    return _diff(folder, f"The commits {said}:\n{log.out.decode(errors='replace')}", first, last)


def _diff(folder: Path, title: str, *what: str) -> Changes:
    off = _filters_off(folder)
    named = _must(folder, "diff", *_DIFF, "--name-only", "-z", *what, "--", ".", more=off)
    patches = _must(folder, "diff", *_DIFF, *what, "--", ".", more=off)
    names = tuple(_names(named.out))
    each = tuple(_split(patches.out.decode(errors="replace"), names))
    return Changes(title=title, names=names, each=each, whole=patches.whole and named.whole)


def _filters_off(folder: Path) -> dict[str, str]:
    """Variables without which a diff of the working tree runs the programs of `filter.*`.

    No option of git does it (2.39), so each setting is emptied by its name. Not by `-c`, which
    ends a name at its first `=`.
    """
    found = _run(folder, "config", "--null", "--name-only", "--get-regexp", _FILTERS)
    if found is None:
        return {}
    if not found.whole:
        raise UsageError(f"the git config of {folder} is too long", hint="name a file or folder")
    names = dict.fromkeys(_names(found.out))
    numbered = {
        f"GIT_CONFIG_{kind}_{number}": value
        for number, name in enumerate(names)
        for kind, value in (("KEY", name), ("VALUE", _emptied(name)))
    }
    return numbered | {"GIT_CONFIG_COUNT": str(len(names))}


def _emptied(setting: str) -> str:
    return "false" if setting.endswith(".required") else ""


def _split(patches: str, names: Sequence[str]) -> Iterator[Change]:
    """The patch of each file; a header of a name that git had to quote belongs to nobody."""
    heads = {f"diff --git a/{name} b/{name}": name for name in names}
    name, lines = None, list[str]()
    for line in patches.split("\n"):
        if line.startswith("diff --git "):
            if name is not None:
                yield Change(name=name, patch="\n".join(lines))
            name, lines = heads.get(line), []
        lines.append(line)
    if name is not None:
        yield Change(name=name, patch="\n".join(lines))


def _commit(folder: Path, said: str) -> str:
    found = _resolved(folder, said)
    if found is None:
        raise UsageError(
            f"there is no commit {said[:100]!r}",
            hint=f"a hash, a branch, a tag, A..B, {STAGED} or {UNCOMMITTED}",
        )
    return found


def _resolved(folder: Path, said: str) -> str | None:
    if not said or "\0" in said:
        return None
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{said}^{{commit}}")
    done = _run(folder, *asked)
    return done.out.decode().strip() if done is not None else None


def _empty_tree(folder: Path) -> str:
    return _must(folder, "hash-object", "-t", "tree", os.devnull).out.decode().strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    out: bytes
    whole: bool


def _must(folder: Path, *arguments: str, more: Mapping[str, str] | None = None) -> _Done:
    done = _run(folder, *arguments, more=more)
    if done is None:
        raise UsageError(f"git {arguments[0]} fails in {folder}", hint=f"git {arguments[0]}")
    return done


def _run(folder: Path, *arguments: str, more: Mapping[str, str] | None = None) -> _Done | None:
    """Run git; None if it fails, or there is no git."""
    try:
        process = subprocess.Popen(
            ["git", "--no-pager", *_SAFELY, *arguments],
            cwd=folder,
            env={**_environment(), **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    late = threading.Timer(TIMEOUT_SECONDS, process.kill)
    late.start()
    try:
        out = process.stdout.read(OUTPUT_LIMIT + 1)
        whole = len(out) <= OUTPUT_LIMIT
        if not whole:
            process.kill()
        code = process.wait()
    finally:
        late.cancel()
        process.stdout.close()
    return _Done(out=out[:OUTPUT_LIMIT], whole=whole) if code == 0 or not whole else None


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        # For gits that do not know the line above; unlike protocol.allow no config undoes it.
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_LITERAL_PATHSPECS": "1",
    }


def _names(out: bytes) -> list[str]:
    return [os.fsdecode(name) for name in out.split(b"\0") if name]
