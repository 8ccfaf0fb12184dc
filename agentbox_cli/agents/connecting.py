"""Write the proxy into an agent's own config, and take it out again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentbox_cli.agents import record as records
from agentbox_cli.agents.formats.broken import BrokenTextError
from agentbox_cli.agents.formats.editing import put
from agentbox_cli.agents.places import expand
from agentbox_cli.agents.record import FileRecord, Record, Value, digest
from agentbox_cli.agents.undoing import without_ours
from agentbox_cli.config import text_file
from agentbox_cli.config.atomic import locked_directory
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.agent import AgentSpec, Settings, SettingsFormat

MODELS = "models"
TOOLS = "tools"
SERVER = "server"

Parts = dict[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What becomes of one file; None stands for no file.

    Args:
        kept: paths of values that were ours and that somebody changed: they stay.
    """

    path: Path
    before: str | None
    after: str | None
    kept: tuple[str, ...] = ()

    @property
    def diff(self) -> str:
        """The change as a unified diff."""
        import difflib  # noqa: PLC0415 - not needed to start an agent

        lines = difflib.unified_diff(
            (self.before or "").splitlines(keepends=True),
            (self.after or "").splitlines(keepends=True),
            str(self.path) if self.before is not None else "/dev/null",
            str(self.path) if self.after is not None else "/dev/null",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command did, or would do.

    Args:
        was_connected: whether anything of ours was recorded before.
        changes: each file that was looked at.
    """

    agent: str
    was_connected: bool
    changes: tuple[FileChange, ...]

    @property
    def changed(self) -> bool:
        """Whether a file differs."""
        return any(change.before != change.after for change in self.changes)


def connect(
    paths: Paths,
    agent: AgentSpec,
    wanted: Mapping[str, tuple[Settings, ...]],
    environ: Mapping[str, str],
    *,
    dry_run: bool = False,
) -> Outcome:
    """Write settings into the agent's own config; a second time it changes nothing more.

    Args:
        paths: where the record is kept.
        agent: whose config.
        wanted: the settings by part: `models`, `tools` or `server`; other parts stay as they are.
        environ: what the paths of the files depend on.
        dry_run: whether to write nothing.

    Raises:
        ConfigError: a file is broken or cannot be read or written; it is then unharmed.
    """
    with locked_directory(paths.agents_dir):
        old, asked = records.read(paths, agent.name), _targets(wanted, environ)
        plan = {}
        for path in dict.fromkeys([*old, *asked]):
            entry = old.get(path) or _found(path, asked[path].format)
            kept = {part: each for part, each in entry.parts.items() if part not in wanted}
            parts = kept | (asked[path].parts if path in asked else {})
            plan[path] = _rewritten(path, entry, parts)
        return _finish(paths, agent, old, plan, dry_run=dry_run)


def disconnect(
    paths: Paths, agent: AgentSpec, parts: tuple[str, ...], *, dry_run: bool = False
) -> Outcome:
    """Take parts of what we wrote out of the agent's own config.

    Args:
        paths: where the record is kept.
        agent: whose config.
        parts: `models`, `tools`, `server`, or several.
        dry_run: whether to write nothing.

    Raises:
        ConfigError: a file is broken or cannot be read or written; it is then unharmed.
    """
    with locked_directory(paths.agents_dir):
        old = records.read(paths, agent.name)
        plan = {}
        for path, entry in old.items():
            left = {part: values for part, values in entry.parts.items() if part not in parts}
            plan[path] = _rewritten(path, entry, left)
        return _finish(paths, agent, old, plan, dry_run=dry_run)


def is_untouched(path: Path, entry: FileRecord) -> bool:
    """Whether a file is as we left it.

    Raises:
        ConfigError: it cannot be read.
    """
    text = _read(path)
    return text is not None and digest(text) == entry.after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What is wanted in one file."""

    format: SettingsFormat
    parts: Parts = field(default_factory=dict)


def _targets(
    wanted: Mapping[str, tuple[Settings, ...]], environ: Mapping[str, str]
) -> dict[str, _Target]:
    found: dict[str, _Target] = {}
    for part, settings in wanted.items():
        for each in settings:
            path = str(expand(each.path, environ))
            target = found.setdefault(path, _Target(format=each.format))
            target.parts[part] = (*target.parts.get(part, ()), *each.values)
    return found


def _found(path: str, kind: SettingsFormat) -> FileRecord:
    text = _read(Path(path))
    return FileRecord(format=kind, before=text, after=digest(text or ""))


def _rewritten(path: str, entry: FileRecord, parts: Parts) -> tuple[FileChange, FileRecord]:
    """A file with the values of these parts, and no others of ours."""
    text = _read(Path(path))
    with _located(path):
        clean = without_ours(text, entry)
        after = clean.text
        for values in parts.values():
            for place, value in values:
                after = put(entry.format, after or "", place, value)
    record = replace(entry, before=clean.text, after=digest(after or ""), parts=parts)
    kept = tuple(".".join(place) for place in clean.kept)
    return FileChange(path=Path(path), before=text, after=after, kept=kept), record


def _finish(
    paths: Paths,
    agent: AgentSpec,
    old: Record,
    plan: Mapping[str, tuple[FileChange, FileRecord]],
    *,
    dry_run: bool,
) -> Outcome:
    changes = tuple(change for change, _ in plan.values())
    new = {path: entry for path, (_, entry) in plan.items() if entry.parts}
    if not dry_run:
        # The record first: whatever happens then, it is known what is ours.
        records.write(paths, agent.name, old | new)
        for change in changes:
            _write(change)
        records.write(paths, agent.name, new)
    return Outcome(agent=agent.name, was_connected=bool(old), changes=changes)


def _read(path: Path) -> str | None:
    return text_file.read_text(path) if path.exists() else None


def _write(change: FileChange) -> None:
    if change.before == change.after:
        return
    if change.after is not None:
        text_file.write(change.path, change.after, instead_of=change.before or "")
        return
    try:
        change.path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{change.path} cannot be removed: {error.strerror}") from error


@contextmanager
def _located(path: str) -> Iterator[None]:
    try:
        yield
    except BrokenTextError as error:
        raise ConfigError(
            f"{path}:{error.line}:{error.column}: {error.message}",
            hint="mend the file or move it away; nothing was written",
        ) from error


def settings_text(path: Path, settings: Settings) -> str:
    """The text of an agent's file with settings in it; nothing is written.

    Raises:
        ConfigError: the file is broken or cannot be read.
    """
    text = _read(path) or ""
    with _located(str(path)):
        for place, value in settings.values:
            text = put(settings.format, text, place, value)
    return text
