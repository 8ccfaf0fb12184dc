"""The tables of config.yml's fields, from the model that validates it."""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from agentbox_cli.config.mcp_servers import McpServerConfig
from agentbox_cli.config.model import (
    EngineConfig,
    FallbacksConfig,
    LinkConfig,
    LiteLLMConfig,
    ProviderConfig,
    RouterConfig,
)
from agentbox_cli.config.spending import BudgetsConfig, LimitsConfig, PriceConfig, UsageConfig

# Where each section of the model stands in config.yml.
SECTIONS: Mapping[str, type[BaseModel]] = {
    "litellm": LiteLLMConfig,
    "litellm.providers.<name>": ProviderConfig,
    "litellm.models.<alias>": LinkConfig,
    "litellm.mcp_servers.<name>": McpServerConfig,
    "litellm.fallbacks": FallbacksConfig,
    "litellm.router": RouterConfig,
    "litellm.engine": EngineConfig,
    "litellm.usage": UsageConfig,
    "litellm.usage.prices.<provider/model>": PriceConfig,
    "litellm.budgets": BudgetsConfig,
    "litellm.budgets.per_alias.<alias>": LimitsConfig,
}


def tables() -> dict[str, str]:
    """The table of each section, by its place in config.yml."""
    return {place: _table(model) for place, model in SECTIONS.items()}


def _table(model: type[BaseModel]) -> str:
    properties = model.model_json_schema()["properties"]
    rows = [
        f"| `{name}` | {_kind(properties[name])} | {_default(field)} | {_meaning(field)} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(["| field | type | default | meaning |", "|---|---|---|---|", *rows, ""])


def _meaning(field: FieldInfo) -> str:
    section = field.annotation
    if field.description is None and inspect.isclass(section):
        return inspect.getdoc(section) or ""
    return (field.description or "").replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel | SecretStr):
        return "-"
    return f"`{json.dumps(_plain(value))}`"


def _plain(value: object) -> object:
    # 120.0 and 120 are the same to the model; people write the second.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kind(schema: Mapping[str, Any]) -> str:
    """A JSON schema in words."""
    if "anyOf" in schema:
        kinds = [_kind(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return "section"
    return _simple_kind(schema)


def _simple_kind(schema: Mapping[str, Any]) -> str:
    match schema["type"]:
        case "array":
            return f"list of {_kind(schema['items'])}"
        case "object":
            return f"mapping of name to {_kind(schema['additionalProperties'])}"
        case "boolean":
            return "true or false"
        case "integer":
            return f"whole number{_bounds(schema)}"
        case "number":
            return f"number{_bounds(schema)}"
        case _:
            return "text"


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    above = schema.get("exclusiveMinimum")
    if least is not None and most is not None:
        return f", {_plain(least)} to {_plain(most)}"
    if above is not None and most is not None:
        return f" above {_plain(above)}, to {_plain(most)}"
    return f" above {_plain(above)}" if above is not None else ""
