"""The tools of each server as somebody took them for good: `mcp.pins.json` beside config.yml.

What a tool says of itself is read by models, so a server could talk them into something by a later
change. One that is not as it was pinned is kept from clients until it is accepted.
"""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from agentbox_cli.config.atomic import locked_directory, replace_file
from agentbox_cli.config.excerpts import printable
from agentbox_cli.errors import ConfigError
from agentbox_cli.mcp.gateway.tools import Definition, Tool, ToolState, fingerprint, pin_of

FILE_NAME = "mcp.pins.json"

_SCHEMA = "agentbox.mcp-pins/1"
_MODE = 0o600


class PinnedBy(StrEnum):
    """Who took the tools for good."""

    ADD = "add"
    FIRST_CONTACT = "first-contact"  # nobody: they were the first that the gateway saw
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The pinned tools of one server.

    Args:
        by: who pinned them.
        at: when, in ISO 8601.
        tools: what is kept of each, by name.
        before: what the last acceptance replaced, by name; None where nothing was pinned.
    """

    by: PinnedBy
    at: str
    tools: Mapping[str, Definition]
    before: Mapping[str, Definition | None] = field(default_factory=dict)


def pins_file(config_file: Path) -> Path:
    """Where the pins of a config.yml stand: beside it, so that they travel with it."""
    return config_file.parent / FILE_NAME


def read_pins(file: Path) -> dict[str, Pins]:
    """The pins by server; none where there is no file.

    Raises:
        ConfigError: it cannot be read. Nothing may be taken for pinned then, or for not pinned.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return {str(name): _pins(entry) for name, entry in data["servers"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "restore it, or remove it: every server's tools are pinned anew then"
        raise ConfigError(f"{file} is no file of pinned tools", hint=hint) from error


def pin(file: Path, server: str, tools: Iterable[Tool], by: PinnedBy) -> Pins:
    """Take tools for good, beside those that are pinned already.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    fresh = {tool.name: pin_of(tool.definition) for tool in tools if is_usable(tool)}
    with _locked(file):
        every = read_pins(file)
        before = every[server].tools if server in every else {}
        replaced = {name: before.get(name) for name in fresh} if by is PinnedBy.ACCEPT else {}
        every[server] = Pins(by=by, at=_now(), tools={**before, **fresh}, before=replaced)
        _write(file, every)
        return every[server]


def take_back(file: Path, server: str, names: Iterable[str]) -> None:
    """Pin tools again as they were before the last acceptance; those that were new are not pinned.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    with _locked(file):
        every = read_pins(file)
        pins, chosen = every[server], set(names)
        old = {name: kept for name, kept in pins.before.items() if name in chosen}
        merged = {**pins.tools, **old}
        every[server] = replace(
            pins,
            at=_now(),
            tools={name: kept for name, kept in merged.items() if kept is not None},
            before={name: kept for name, kept in pins.before.items() if name not in chosen},
        )
        _write(file, every)


def first_pins(tools: Iterable[Tool]) -> Pins:
    """Pins of tools that nobody pinned yet, in memory."""
    usable = {tool.name: pin_of(tool.definition) for tool in tools if is_usable(tool)}
    return Pins(by=PinnedBy.FIRST_CONTACT, at=_now(), tools=usable)


def forget(file: Path, server: str) -> None:
    """Drop a server's pins.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    if server not in read_pins(file):
        return
    with _locked(file):
        every = read_pins(file)
        every.pop(server, None)
        _write(file, every)


def is_usable(tool: Tool) -> bool:
    """Whether a tool can be pinned: anything but an invalid one."""
    return tool.state is not ToolState.INVALID


def difference(server: str, tool: Tool, pinned: Definition | None) -> str:
    """What accepting a tool would change, as a unified diff of its JSON."""
    name = f"{server}/{tool.name}"
    new = pin_of(tool.definition)
    return _diff(pinned, new, f"pinned {name}", f"listed {name}")


def way_back(server: str, name: str, pins: Pins) -> str:
    """What taking the acceptance of a tool back would change, as a unified diff of its JSON."""
    shown = f"{server}/{name}"
    now, old = pins.tools.get(name), pins.before[name]
    return _diff(now, old, f"accepted {shown}", f"pinned before {shown}")


def _diff(old: Definition | None, new: Definition | None, title: str, other: str) -> str:
    texts = [_text(each) if each is not None else [] for each in (old, new)]
    lines = difflib.unified_diff(texts[0], texts[1], title, other, lineterm="")
    return "\n".join(map(printable, lines))


def _text(definition: Definition) -> list[str]:
    shown = {key: definition[key] for key in definition if key != "description"}
    # Its lines are what is read, so they are shown as lines.
    description = str(definition.get("description", "")).splitlines()
    return [*description, *json.dumps(shown, indent=2, sort_keys=True).splitlines()]


def _pins(entry: Mapping[str, Any]) -> Pins:
    tools = {str(name): dict(kept["definition"]) for name, kept in entry["tools"].items()}
    before = {
        str(name): None if kept is None else dict(kept)
        for name, kept in entry.get("before", {}).items()
    }
    return Pins(by=PinnedBy(entry["by"]), at=str(entry["at"]), tools=tools, before=before)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    try:
        with locked_directory(file.parent):
            yield
    except OSError as error:
        raise ConfigError(f"cannot lock {file.parent}: {error.strerror}") from error


def _write(file: Path, every: Mapping[str, Pins]) -> None:
    document = {
        "schema": _SCHEMA,
        "servers": {name: _entry(pins) for name, pins in sorted(every.items())},
    }
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    try:
        replace_file(file.resolve(), text.encode("ascii"), mode=_MODE)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from error


def _entry(pins: Pins) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "by": pins.by.value,
        "at": pins.at,
        "tools": {
            name: {"sha256": fingerprint(kept).removeprefix("sha256:"), "definition": kept}
            for name, kept in sorted(pins.tools.items())
        },
    }
    return entry | ({"before": dict(sorted(pins.before.items()))} if pins.before else {})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
