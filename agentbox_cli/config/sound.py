"""What is left of a config without what is wrong with it, so that more can be found out."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from agentbox_cli.config.document import Document, Path
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.config.wording import in_words

# A cut can leave something behind that is wrong without it, such as a chain without links.
_ROUNDS = 10


def sound_part(document: Document, wrong: Iterable[Path]) -> HostConfig | None:
    """The config without what is wrong with it; None where nothing would be left."""
    data: dict[Any, Any] = {OUR_SECTION: deepcopy(document.data.get(OUR_SECTION))}
    for _ in range(_ROUNDS):
        for path in sorted({_existing(data, path) for path in wrong}, key=_order, reverse=True):
            _cut(data, path)
        try:
            return HostConfig.model_validate(data)
        except ValidationError as error:
            details = error.errors(include_input=False, include_url=False)
            wrong = [issue.path for issue in in_words(details, data)]
    return None


def _existing(data: Any, path: Path) -> Path:
    """The path itself, or of a missing key the section that lacks it."""
    for depth, part in enumerate(path):
        name = _name(data, part)
        if name is None:
            return path[:depth]
        data = data[name[0]]
    return path


def _name(data: Any, part: str | int) -> tuple[Any] | None:
    """The key or index that a part of a path means, as it stands in the data."""
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return (part,)
    keys = [key for key in data if str(key) == str(part)] if isinstance(data, dict) else []
    return (keys[0],) if keys else None


def _order(path: Path) -> list[tuple[bool, str | int]]:
    return [(isinstance(part, str), part) for part in path]


def _cut(data: Any, path: Path) -> None:
    *above, last = path or ("",)
    for part in above:
        name = _name(data, part)
        data = data[name[0]] if name else None
    name = _name(data, last)
    if name:
        del data[name[0]]
