"""One value of config.yml as people ask for it: as it stands there, or its default."""

import json
import math
from dataclasses import dataclass
from pathlib import Path as FilePath
from textwrap import dedent
from typing import Any

from agentbox_cli.config.document import Document, Path, parse
from agentbox_cli.config.excerpts import Spans, secret_spans
from agentbox_cli.config.masking import masked, starred
from agentbox_cli.config.names import closest, dotted
from agentbox_cli.config.problems import locate, render
from agentbox_cli.config.schema import default_at, known_paths
from agentbox_cli.config.store import read_text
from agentbox_cli.config.tree import OUR_SECTION, Entry, Mapping, Node, Sequence, child, followed
from agentbox_cli.errors import ConfigError, NotSo, UsageError

MASK = "********"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value, with keys masked.

    Args:
        data: what it means, as JSON can carry it.
        text: what people see of it: a section as it is written, with its comments.
        is_set: whether the file has it; else it is the default.
    """

    data: Any
    text: str
    is_set: bool


def value_at(file: FilePath, path: Path) -> Value:
    """Read one value of a config, valid or not.

    Raises:
        ConfigError: the file cannot be read, or is no YAML.
        UsageError: nothing can stand at the path.
        NotSo: the file does not set it, and it has no default.
    """
    document = parse(read_text(file), str(file))
    if document.faults:
        raise ConfigError(render(locate(document, ()), document.name))
    place = document.find(path)
    if not place.exists:
        return _default(document, path)
    node, secrets = followed(place.node), secret_spans(document)
    data = _masked(node, secrets)
    is_section = isinstance(node, Mapping | Sequence)
    text = _written(document, node, secrets) if is_section else _plain(data)
    return Value(data=data, text=text, is_set=True)


def _default(document: Document, path: Path) -> Value:
    if path[:1] != (OUR_SECTION,):
        known = [str(name) for name in document.data]
        meant = closest(str(path[0]), [*known, OUR_SECTION]) if path else None
        hint = f"did you mean {meant!r}?" if meant else f"sections: {', '.join(known)}"
        raise UsageError(f"there is no {dotted(path)} in {document.name}", hint=hint)
    data = default_at(path)
    if data is None:
        raise NotSo(f"{dotted(path)} is not set", hint=_what_there_is(document, path))
    return Value(data=data, text=_plain(data), is_set=False)


def _what_there_is(document: Document, path: Path) -> str:
    """What stands where the path leaves the file."""
    depth = next(end for end in range(len(path)) if not document.find(path[: end + 1]).exists)
    last, node = path[depth], followed(document.find(path[:depth]).node)
    if isinstance(node, Sequence):
        count = len(node.items)
        return f"{dotted(path[:depth])} has {count} item{'' if count == 1 else 's'}, from [0] on"
    known = [str(key) for key in node.data] if isinstance(node, Mapping) else []
    # What the schema knows is no typing error, even if another key looks alike.
    is_known = path[: depth + 1] in known_paths()
    meant = None if is_known else closest(str(last), known)
    return f"did you mean {meant!r}?" if meant else "agentbox config show tells what holds"


def _masked(node: Node, secrets: Spans) -> Any:
    """What a node means, without keys."""
    node = followed(node)
    if (node.start, node.end) in secrets:
        return MASK
    if isinstance(node, Sequence):
        return [_masked(item, secrets) for item in node.items]
    if isinstance(node, Mapping):
        found = {str(key): child(node, str(key)) for key in node.data}
        return {
            starred(key): _masked(entry.value, secrets)
            for key, entry in found.items()
            if isinstance(entry, Entry)
        }
    if isinstance(node.data, str):
        return starred(node.data)
    is_odd = isinstance(node.data, float) and not math.isfinite(node.data)
    return str(node.data) if is_odd else node.data


def _written(document: Document, node: Node, secrets: Spans) -> str:
    """A section as it stands in the text, moved to the left."""
    begin = document.line_start(document.position(node.start)[0])
    before = document.text[begin : node.start]
    # The first key may stand behind `- `; as many blanks keep it in line with the others.
    lead = before if not before.strip() else " " * len(before)
    text = document.text
    for start, end in secrets:
        hidden = (char if char in "\r\n" else MASK[0] for char in text[start:end])
        text = text[:start] + "".join(hidden) + text[end:]
    # A key may stand in a comment, an address or another section too.
    return masked(dedent(lead + text[node.start : node.end]), document)


def _plain(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
