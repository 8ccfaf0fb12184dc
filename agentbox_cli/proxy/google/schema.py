"""A schema in Google's words, which are OpenAPI 3.0's, as JSON Schema."""

from typing import Any

from agentbox_cli.proxy.google.told import Told

_COUNTS = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_UNKNOWN = frozenset({"nullable", "propertyOrdering", "property_ordering", "example"})
_OF_NAMES = frozenset({"properties", "$defs", "defs"})


def json_schema(schema: Any) -> Any:
    """A schema with types in lower case, `null` as a type, and counts that are numbers."""
    if isinstance(schema, list):
        return [json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: _told(name, value) for name, value in schema.items() if name not in _UNKNOWN}
    if told.get("type") == "type_unspecified":
        del told["type"]
    return _or_null(told) if schema.get("nullable") is True else told


def _told(name: str, value: Any) -> Any:
    if name == "type" and isinstance(value, str):
        return value.lower()
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)  # Google writes 64 bits as text
    if name in _OF_NAMES and isinstance(value, dict):
        return {key: json_schema(each) for key, each in value.items()}
    if name in {"enum", "default", "required", "const"}:
        return value
    return json_schema(value)


def _or_null(told: Told) -> Told:
    kind = told.get("type")
    if isinstance(kind, str) and kind != "null":
        return told | {"type": [kind, "null"]}
    return told
