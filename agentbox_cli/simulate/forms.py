"""Answers in a form: the schema that is wanted, and the least that it accepts."""

from collections.abc import Mapping
from typing import Any

# Where each protocol says it: chat, responses, messages, and messages as they were at first.
_PLACES = (
    ("response_format", "json_schema", "schema"),
    ("text", "format", "schema"),
    ("output_config", "format", "schema"),
    ("output_format", "schema"),
)


def wanted_form(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of the JSON that a request wants instead of words."""
    return next((form for place in _PLACES if (form := _at(fields, place))), None)


def _at(fields: Mapping[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    found: Any = fields
    for name in place:
        found = _object(found).get(name)
    return _object(found)


def least(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The least object that a schema accepts."""
    properties = _object(schema.get("properties"))
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return {
        name: _least_value(_object(properties.get(name)))
        for name in names
        if isinstance(name, str)
    }


def _least_value(schema: Mapping[str, Any]) -> Any:
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    match schema.get("type"):
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "array":
            return []
        case "object":
            return least(schema)
        case _:
            return "simulated"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
