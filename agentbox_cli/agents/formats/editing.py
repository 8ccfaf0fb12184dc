"""One way to edit every format: what comes out was read again and says what was asked for."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from agentbox_cli.agents.formats import jsonc, toml
from agentbox_cli.agents.formats.broken import BrokenTextError
from agentbox_cli.providers.agent import SettingsFormat

Path = tuple[str, ...]


class Missing(Enum):
    """Nothing stands there."""

    MISSING = "missing"


MISSING = Missing.MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a format is read and edited."""

    data: Callable[[str], Any]
    put: Callable[[str, Path, Any], str]
    drop: Callable[[str, Path], str]


def data_of(kind: SettingsFormat, text: str) -> Any:
    """A text as plain data.

    Raises:
        BrokenTextError: the text is broken.
    """
    return _format(kind).data(text)


def value_at(kind: SettingsFormat, text: str, path: Path) -> Any:
    """What stands at a path; `MISSING` if nothing does.

    Raises:
        BrokenTextError: the text is broken.
    """
    return _at(_format(kind).data(text), path)


def put(kind: SettingsFormat, text: str, path: Path, value: Any) -> str:
    """Set a value.

    Raises:
        BrokenTextError: the text is broken, or the edit would change more than it should.
    """
    data = _format(kind).data(text)
    if _at(data, path) == value:
        return text
    edited = _format(kind).put(text, path, value)
    return _proven(kind, edited, _with(data, path, value))


def drop(kind: SettingsFormat, text: str, path: Path) -> str:
    """Remove a value; what is not there is no error.

    Raises:
        BrokenTextError: the text is broken, or the edit would change more than it should.
    """
    data = _format(kind).data(text)
    if _at(data, path) is MISSING:
        return text
    edited = _format(kind).drop(text, path)
    return _proven(kind, edited, _without(data, path), _without(data, path, prune=True))


def _format(kind: SettingsFormat) -> Format:
    # Most agents are started without any edit, and YAML alone would double the time for that.
    if kind is SettingsFormat.JSON:
        return Format(data=jsonc.data, put=jsonc.put, drop=jsonc.drop)
    if kind is SettingsFormat.TOML:
        return Format(data=toml.data, put=toml.put, drop=toml.drop)
    from agentbox_cli.agents.formats import env, yaml  # noqa: PLC0415 - as above

    if kind is SettingsFormat.ENV:
        return Format(data=env.data, put=env.put, drop=env.drop)
    if kind is SettingsFormat.YAML:
        return Format(data=yaml.data, put=yaml.put, drop=yaml.drop)
    return Format(data=yaml.list_data, put=yaml.put_item, drop=yaml.drop_item)


def _proven(kind: SettingsFormat, text: str, *wanted: Any) -> str:
    if _format(kind).data(text) not in wanted:
        raise BrokenTextError("this file cannot be edited safely", 1, 1)
    return text


def _at(data: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return MISSING
        data = data[name]
    return data


def _with(data: Any, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(data) or {}
    place = changed
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
    return changed


def _without(data: Any, path: Path, *, prune: bool = False) -> Any:
    """The data without a value; TOML has no empty parent left then."""
    changed = copy.deepcopy(data)
    places = [changed]
    for name in path[:-1]:
        places.append(places[-1][name])
    del places[-1][path[-1]]
    for depth in range(len(path) - 1, 0, -1) if prune else ():
        if not places[depth]:
            del places[depth - 1][path[depth - 1]]
    return changed
