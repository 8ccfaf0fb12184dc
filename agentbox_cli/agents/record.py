"""What was written into an agent's own config, kept so that it can be taken back."""

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentbox_cli.config import text_file
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import Paths
from agentbox_cli.providers.agent import SettingsFormat

_SCHEMA = 1

# The path of a value, and the value.
Value = tuple[tuple[str, ...], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of an agent.

    Args:
        format: how it is written.
        before: its text without anything of ours; None if there was no file.
        after: a digest of the text that we wrote.
        parts: our values by the part that they belong to: `models`, `tools` or `server`.
    """

    format: SettingsFormat
    before: str | None
    after: str
    parts: dict[str, tuple[Value, ...]] = field(default_factory=dict)

    def values(self) -> list[Value]:
        """Our values of all parts; one that several parts have, once."""
        return list({value[0]: value for each in self.parts.values() for value in each}.values())


# By the absolute path of the file.
Record = dict[str, FileRecord]


def digest(text: str) -> str:
    """What tells two texts apart."""
    return sha256(text.encode()).hexdigest()


def record_file(paths: Paths, agent: str) -> Path:
    """Where an agent's record is; old texts with the user's keys may be in it, so it is 0600."""
    return paths.agents_dir / f"{agent}.connected.json"


def read(paths: Paths, agent: str) -> Record:
    """The record of an agent; empty if it is not connected.

    Raises:
        ConfigError: there is one that cannot be read.
    """
    file = record_file(paths, agent)
    if not file.exists():
        return {}
    try:
        document = json.loads(text_file.read_text(file))
        return {path: _file_record(entry) for path, entry in document["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{file} is damaged, so it is not known what was written for {agent}",
            hint="remove agentbox's values from the agent's config by hand, then this file",
        ) from error


def write(paths: Paths, agent: str, record: Record) -> None:
    """Keep a record; an empty one is removed.

    Raises:
        ConfigError: it cannot be written.
    """
    file = record_file(paths, agent)
    if not record:
        file.unlink(missing_ok=True)
        return
    files = {path: asdict(entry) for path, entry in record.items()}
    document = {"schema": _SCHEMA, "agent": agent, "files": files}
    text_file.write(file, json.dumps(document) + "\n")


def _file_record(entry: Any) -> FileRecord:
    return FileRecord(
        format=SettingsFormat(entry["format"]),
        before=entry["before"],
        after=entry["after"],
        parts={
            part: tuple((tuple(path), value) for path, value in values)
            for part, values in entry["parts"].items()
        },
    )
