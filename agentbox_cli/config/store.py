"""config.yml as a file: found, read, judged, and written. Nothing else writes it."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agentbox_cli.config.document import LINE_BREAK, Document, parse
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue, Problem, Severity, locate, render
from agentbox_cli.config.text_file import (
    NEW_FILE_MODE,
    SIZE_LIMIT,
    NotTextError,
    read_text,
    write,
)
from agentbox_cli.config.tree import OUR_SECTION, Entry, child
from agentbox_cli.config.validate import validate
from agentbox_cli.errors import ConfigError
from agentbox_cli.paths import HOST_CONFIG, Paths, config_candidates

__all__ = [
    "NEW_FILE_MODE",
    "SIZE_LIMIT",
    "LoadedConfig",
    "NoConfigFileError",
    "NotTextError",
    "find",
    "insert_section",
    "load",
    "read_text",
    "require",
    "write",
]


class NoConfigFileError(ConfigError):
    """There is no config file in any of the places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """What a config file says.

    Args:
        host: the validated config; None if the file has an error.
        issues: errors and warnings about the data; those about the text are in the document.
    """

    path: Path
    document: Document
    host: HostConfig | None
    issues: tuple[Issue, ...]

    def problems(self, more: Iterable[Issue] = ()) -> list[Problem]:
        """Everything wrong with the file, located, in the order of the text."""
        return locate(self.document, (*self.issues, *more))


def find(
    explicit: Path | None,
    paths: Paths,
    environ: Mapping[str, str],
    *,
    host_config: Path = HOST_CONFIG,
) -> Path:
    """Find config.yml: the one that `--config` names, else the first place that has one.

    Raises:
        NoConfigFileError: there is none; the message names the places.
    """
    places = [explicit] if explicit is not None else config_candidates(paths, environ)
    places = [host_config if place == HOST_CONFIG else place.expanduser() for place in places]
    found = next((place for place in places if _stands(place)), None)
    if found is None:
        looked = ", ".join(map(str, places))
        option = "" if explicit is None else f" --config {shlex.quote(str(explicit))}"
        raise NoConfigFileError(
            f"there is no config file; looked for {looked}",
            hint=f"run: agentbox{option} litellm init",
        )
    return found.absolute()


def _stands(place: Path) -> bool:
    try:
        return place.exists() or place.is_symlink()
    except (OSError, ValueError):
        return True  # reading it says what is wrong


def load(path: Path) -> LoadedConfig:
    """Read, parse and validate a config file; what is wrong with its content is in the result.

    Raises:
        ConfigError: the file cannot be read, or is no UTF-8 text.
    """
    document = parse(read_text(path), str(path))
    host, issues = validate(document)
    return LoadedConfig(path=path, document=document, host=host, issues=issues)


def require(loaded: LoadedConfig) -> HostConfig:
    """The validated config.

    Raises:
        ConfigError: it has errors; the message shows them, the first 20 at most.
    """
    if loaded.host is not None:
        return loaded.host
    errors = [found for found in loaded.problems() if found.severity is Severity.ERROR]
    raise ConfigError(render(errors, loaded.document.name))


def insert_section(text: str, section: str) -> str:
    """Add the `litellm` section to the text of a config that has none.

    Args:
        text: the config as it is; every character of it is kept.
        section: the section as YAML text, from `litellm:` on.

    Raises:
        ConfigError: the text is broken, has the section already, or is written in a way (braces,
            an end marker) that nothing can be safely added to.
    """
    before = parse(text, "config.yml")
    if before.faults:
        raise ConfigError(render(locate(before, ()), before.name))
    if before.data.get(OUR_SECTION) is not None:
        raise ConfigError(f"the config has a {OUR_SECTION!r} section already")
    wanted = dict(before.data) | parse(section, "section").data
    for candidate in _candidates(before, section):
        after = parse(candidate, before.name)
        # repr is strict about types and order, and finds .nan equal to itself.
        if not after.faults and repr(after.data) == repr(wanted):
            return candidate
    raise ConfigError(
        f"the {OUR_SECTION!r} section cannot be added safely to this file",
        hint="it uses braces, indentation or an end marker at its top level; add it by hand",
    )


def _candidates(document: Document, section: str) -> list[str]:
    """Ways to add the section, the best-looking first."""
    text = document.text
    line_end = "\r\n" if "\r\n" in text else "\n"
    section = LINE_BREAK.sub(line_end, section.rstrip("\r\n") + "\n")
    empty = child(document.root, OUR_SECTION)
    if isinstance(empty, Entry):
        # `litellm:` with nothing below it gives way; what follows on its line stays.
        body = section.rstrip("\r\n")
        return [text[: empty.key.start] + body + text[empty.value.end :]]
    ended = text if not text.strip("\ufeff") or text.endswith(("\n", "\r")) else text + line_end
    return [ended + (line_end if document.data else "") + section, ended + section]
