"""The JSON Schema of config.yml, from the model that validates it, and its word on one path."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from textwrap import indent
from typing import Any, NoReturn

from pydantic.json_schema import GenerateJsonSchema

from agentbox_cli.config.document import Path, parse
from agentbox_cli.config.masking import starred
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.names import closest, dotted, shortened
from agentbox_cli.config.tree import OUR_SECTION
from agentbox_cli.errors import UsageError

DIALECT = GenerateJsonSchema.schema_dialect

_TITLE = "agentbox config.yml"
_REF = "#/$defs/"
_SECTION_OF_OURS = "LiteLLMConfig"

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}

# What is expected, by the types of JSON Schema; a list and a section are written on one line.
_WORDS: Mapping[str, str] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list such as [a, b]",
    "object": "a section such as {key: value}",
    "string": "text",
}


class _Untitled(GenerateJsonSchema):
    """Titles of fields would only repeat their names."""

    schema_dialect = DIALECT

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


@cache
def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a whole config.yml; other sections than ours are free."""
    generated = HostConfig.model_json_schema(schema_generator=_Untitled)
    sections = generated["$defs"]
    for name, section in sections.items():
        del section["title"]
        for field in section["properties"].values():
            if "additionalProperties" in field:
                field["type"] = ["object", "null"]
            if "$ref" in field:
                field["description"] = _target(field, sections)["description"]
            if "examples" not in field:
                field["examples"] = _samples(field, sections)
        # A section with nothing but comments below it is null to YAML, and unset to people.
        if "required" not in section and name != _SECTION_OF_OURS:
            section["type"] = ["object", "null"]
    return {"$schema": DIALECT, **generated, "title": _TITLE}


def _target(field: Mapping[str, Any], sections: Mapping[str, Any]) -> Any:
    return sections[field["$ref"].removeprefix(_REF)]


def _samples(field: Mapping[str, Any], sections: Mapping[str, Any]) -> list[Any]:
    """What editors may offer for a field whose examples go without saying."""
    if "$ref" in field:
        below = _target(field, sections)["properties"].items()
        return [{name: each["default"] for name, each in below if each.get("default") is not None}]
    for branch in field.get("anyOf", (field,)):
        if "enum" in branch:
            return list(branch["enum"])
        if branch["type"] == "boolean":
            return [True, False]
    return [field["default"]]


def schema_text() -> str:
    """The JSON Schema as the text of a file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def type_at(path: Path) -> dict[str, Any]:
    """The JSON Schema of what stands at a path, with references replaced.

    Raises:
        UsageError: nothing can stand there; the message says where the path leaves the schema,
            the hint what was meant or is known.
    """
    refuse_foreign(path)
    node = json_schema()
    for depth, part in enumerate(path):
        node = _resolved(_below(node, path[:depth], part))
    return node


def default_at(path: Path) -> Any:
    """What holds at a path where nothing is set, as plain data; None for nothing.

    Raises:
        UsageError: nothing can stand there.
    """
    return _default(type_at(path))


def _default(node: Mapping[str, Any]) -> Any:
    if "properties" not in node or "required" in node:
        return node.get("default")
    below = {name: _default(_resolved(field)) for name, field in node["properties"].items()}
    return {name: value for name, value in below.items() if value is not None} or None


def parse_value(path: Path, text: str) -> Any:
    """Read a value as people type it, by the type that the schema wants at a path.

    Text is taken as it is; numbers, `true` and `false` as such; lists and sections as YAML on one
    line or as JSON. Ranges and names are left to validation, which shows the place.

    Raises:
        UsageError: nothing can stand at the path, or the text is of another type.
    """
    node = type_at(path)
    kinds = _kinds(node)
    if "enum" in node or any("enum" in branch for branch in node.get("anyOf", ())):
        return _choice(path, node, text)
    for kind in ("null", "integer", "number", "boolean", "array", "object"):
        if kind in kinds and (found := _READERS[kind](text)) is not _NOTHING:
            return found
    if "string" not in kinds:
        _refuse_type(path, kinds, text)
    return text


def known_paths(data: Any = None) -> dict[Path, Mapping[str, Any]]:
    """Every path of our section that can be set, sections before what is below, and its schema.

    Args:
        data: the data of a config, whose aliases, providers and items take the places that the
            schema leaves open.
    """
    ours = data.get(OUR_SECTION) if isinstance(data, dict) else None
    return dict(_paths((OUR_SECTION,), type_at((OUR_SECTION,)), ours))


def _paths(
    path: Path, node: Mapping[str, Any], data: Any
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    yield path, node
    if "properties" in node:
        for name, below in node["properties"].items():
            value = data.get(name) if isinstance(data, dict) else None
            yield from _paths((*path, name), _resolved(below), value)
    elif "additionalProperties" in node and isinstance(data, dict):
        for name, value in data.items():
            yield from _paths((*path, str(name)), _resolved(node["additionalProperties"]), value)
    elif "items" in node and isinstance(data, list):
        for index, value in enumerate(data):
            yield from _paths((*path, index), _resolved(node["items"]), value)


def refuse_foreign(path: Path) -> None:
    """Keep to our section: others belong to other programs.

    Raises:
        UsageError: the path leads elsewhere; the hint says what was meant, if that is clear.
    """
    if path[:1] == (OUR_SECTION,):
        return
    message = f"only the {OUR_SECTION!r} section can be changed"
    if not path:
        raise UsageError(message, hint=f"a path begins with {OUR_SECTION}.")
    short = (OUR_SECTION, *path)
    try:
        type_at(short)
    except UsageError:
        raise UsageError(
            f"{message}, and {dotted(path)} is not in it",
            hint=_did_you_mean(str(path[0]), [OUR_SECTION])
            or f"a path begins with {OUR_SECTION}.",
        ) from None
    raise UsageError(f"there is no {dotted(path)}", hint=f"did you mean {dotted(short)}?")


def _below(node: Mapping[str, Any], above: Path, part: str | int) -> Any:
    """The schema one step further down."""
    if "items" in node and isinstance(part, int):
        return node["items"]
    if "items" in node:
        place = dotted(above)
        raise UsageError(f"{place} is a list", hint=f"name an item of it, such as {place}[0]")
    if isinstance(part, int) and {"properties", "additionalProperties"} & node.keys():
        raise UsageError(f"{dotted(above)} is a section, so [{part}] cannot stand below it")
    if "properties" in node:
        return node["properties"].get(part) or _refuse_key(node["properties"], above, str(part))
    if isinstance(node.get("additionalProperties"), dict):
        return node["additionalProperties"]
    wanted = _wanted(_kinds(node))
    raise UsageError(f"{dotted(above)} is {wanted}, so nothing can stand below it")


def _refuse_key(known: Mapping[str, Any], above: Path, key: str) -> NoReturn:
    message = f"unknown key {shortened(key)!r} in {dotted(above)}"
    hint = _did_you_mean(key, known) or f"known keys: {', '.join(known)}"
    raise UsageError(message, hint=hint)


def _did_you_mean(name: str, known: Mapping[str, Any] | list[str]) -> str | None:
    meant = closest(name, known)
    return f"did you mean {meant!r}?" if meant else None


def _resolved(node: Mapping[str, Any]) -> dict[str, Any]:
    # What stands beside a reference, such as a description, holds for this place.
    if "$ref" not in node:
        return dict(node)
    target = _target(node, json_schema()["$defs"])
    return {**target, **{name: value for name, value in node.items() if name != "$ref"}}


def _kinds(node: Mapping[str, Any]) -> frozenset[str]:
    """The types that fit; an empty section is none that somebody would type."""
    branches = node.get("anyOf", (node,))
    types = [branch["type"] for branch in branches]
    flat = {kind for one in types for kind in ([one] if isinstance(one, str) else one)}
    return frozenset(flat - {"null"} if flat & {"object", "string"} else flat)


_NOTHING = object()


def _null(text: str) -> Any:
    return None if text == "null" else _NOTHING


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else _NOTHING


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return _NOTHING
    return float(text)


def _boolean(text: str) -> Any:
    return _BOOLEANS.get(text, _NOTHING)


def _array(text: str) -> Any:
    data = _yaml(text)
    return data if isinstance(data, list) else _NOTHING


def _object(text: str) -> Any:
    data = _yaml(text)
    return data if isinstance(data, dict) else _NOTHING


_READERS = {
    "null": _null,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
}


def _yaml(text: str) -> Any:
    # Below our section, duplicate keys and odd tags are faults.
    document = parse(f"{OUR_SECTION}:\n{indent(text, '  ')}", "the value")
    if document.faults:
        fault = document.faults[0]
        raise UsageError(f"the value is not YAML: {fault.message}", hint=fault.hint)
    return document.data.get(OUR_SECTION)


def _choice(path: Path, node: Mapping[str, Any], text: str) -> str:
    branches = node.get("anyOf", (node,))
    known = [str(value) for branch in branches for value in branch.get("enum", ())]
    if text in known:
        return text
    listed = f"{', '.join(known[:-1])} or {known[-1]}"
    raise UsageError(
        f"{dotted(path)} must be {listed}, is {_shown(text)}", hint=_did_you_mean(text, known)
    )


def _refuse_type(path: Path, kinds: frozenset[str], text: str) -> NoReturn:
    hint = None
    if "boolean" in kinds:
        meant = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false"}
        meant |= {"true": "true", "false": "false", "0": "false"}
        word = meant.get(text.lower())
        hint = f"write {word}" if word else None
    raise UsageError(f"{dotted(path)} must be {_wanted(kinds)}, is {_shown(text)}", hint=hint)


def _shown(text: str) -> str:
    return repr(starred(shortened(text)))


def _wanted(kinds: frozenset[str]) -> str:
    return " or ".join(words for kind, words in _WORDS.items() if kind in kinds)
