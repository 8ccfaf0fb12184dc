"""What becomes of each tool that a server lists: passed on, or left out for a reason. Pure."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from mcp_types import Tool as ToolModel
from pydantic import ValidationError

# What models read of a tool, and so what may talk them into something.
PINNED = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")

# What a server tells models beside its tools: pinned as one, by a name that no tool can have.
INSTRUCTIONS = "@instructions"

# Clients pass names on to models, which refuse a whole request for one name with other characters.
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_LARGEST = 256 * 1024

Definition = Mapping[str, Any]


class ToolState(StrEnum):
    """What becomes of a tool; only those that are `ok` can be seen and called by clients."""

    OK = "ok"
    DENIED = "denied"  # by `allow` or `deny`
    NEW = "new"  # not there when the server's tools were pinned
    CHANGED = "changed"  # not as it was pinned
    INVALID = "invalid"  # nobody could use it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool as its server lists it.

    Args:
        name: the server's name for it.
        definition: all that the server says of it.
        state: what becomes of it.
        reason: why it is left out; None for one that is not.
    """

    name: str
    definition: Definition
    state: ToolState = ToolState.OK
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the config says of a server's tools: globs of those that may be used."""

    allow: Sequence[str] = ()
    deny: Sequence[str] = ()

    def why_not(self, name: str) -> str | None:
        """Why a tool may not be used; None if it may."""
        if found := next((glob for glob in self.deny if fnmatchcase(name, glob)), None):
            return f"`deny` has {found}"
        if self.allow and not any(fnmatchcase(name, glob) for glob in self.allow):
            return "`allow` does not have it"
        return None


def sorted_tools(
    listed: Iterable[Any], chosen: Filter, pinned: Mapping[str, Definition] | None
) -> tuple[Tool, ...]:
    """What becomes of the tools of a server.

    Args:
        listed: what the server lists, whatever that is.
        chosen: the globs of the config.
        pinned: the tools as they were pinned, by name; None if none are pinned yet.
    """
    found: dict[str, Tool] = {}
    repeated: list[Tool] = []
    for raw in listed:
        tool = _read(raw)
        if tool.name in found and tool.definition:
            reason = "the server lists this name twice; the first one counts"
            repeated.append(_with(tool, ToolState.INVALID, reason))
        elif not tool.definition:
            repeated.append(tool)
        else:
            found[tool.name] = _judged(tool, chosen, pinned)
    return (*found.values(), *repeated)


def instructions_of(
    text: str, chosen: Filter, pinned: Mapping[str, Definition] | None
) -> Tool | None:
    """What becomes of a server's instructions; None if it has none. Only `deny` leaves them out.

    Args:
        text: as the server says them.
        chosen: the globs of the config.
        pinned: as for `sorted_tools`.
    """
    if not text:
        return None
    tool = Tool(name=INSTRUCTIONS, definition={"name": INSTRUCTIONS, "description": text})
    return _judged(tool, Filter(deny=chosen.deny), pinned)


def pin_of(definition: Definition) -> dict[str, Any]:
    """What is kept of a tool, to be compared and shown later."""
    return {key: definition[key] for key in PINNED if definition.get(key) is not None}


def fingerprint(definition: Definition) -> str:
    """A hash of what models read of a tool."""
    text = json.dumps(pin_of(definition), sort_keys=True, ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _read(raw: Any) -> Tool:
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        return Tool(
            name="?", definition={}, state=ToolState.INVALID, reason="it is listed without a name"
        )
    reason = _why_invalid(raw)
    state = ToolState.INVALID if reason else ToolState.OK
    return Tool(name=raw["name"][:128], definition=raw, state=state, reason=reason)


def _why_invalid(raw: dict[str, Any]) -> str | None:
    if not _NAME.fullmatch(raw["name"]):
        return "its name has characters that models do not take, or is too long"
    if len(json.dumps(raw)) > _LARGEST:
        return f"its definition has more than {_LARGEST // 1024} KiB"
    schema = raw.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return "its inputSchema is no schema of an object"
    try:
        ToolModel.model_validate(raw, by_name=False)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"its definition is not valid: {place}: {first['msg']}"
    return _why_no_schema(schema, "inputSchema") or _why_no_schema(
        raw.get("outputSchema"), "outputSchema"
    )


def _why_no_schema(schema: Any, place: str) -> str | None:
    if schema is None:
        return None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return f"its {place} is no schema of an object"
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        return f"its {place} is no JSON Schema: {error.message[:200]}"
    return None


def _judged(tool: Tool, chosen: Filter, pinned: Mapping[str, Definition] | None) -> Tool:
    if tool.state is not ToolState.OK:
        return tool
    if reason := chosen.why_not(tool.name):
        return _with(tool, ToolState.DENIED, reason)
    if pinned is None:
        return tool
    if tool.name not in pinned:
        return _with(tool, ToolState.NEW, "it came after the server's tools were pinned")
    if fingerprint(tool.definition) != fingerprint(pinned[tool.name]):
        return _with(tool, ToolState.CHANGED, "it is not as it was pinned")
    return tool


def _with(tool: Tool, state: ToolState, reason: str) -> Tool:
    return Tool(name=tool.name, definition=tool.definition, state=state, reason=reason)
