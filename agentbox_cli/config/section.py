"""What every section of ours has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A section of `litellm:`: strict, frozen, and empty where only comments stand below it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_sections_are_defaults(cls, value: Any) -> Any:
        # `router:` with nothing but comments below it is null to YAML, and unset to people.
        if value is None:
            return {}
        if not isinstance(value, dict):
            return value
        return {key: below for key, below in value.items() if below is not None or cls._wants(key)}

    @classmethod
    def _wants(cls, key: Any) -> bool:
        field = cls.model_fields.get(key) if isinstance(key, str) else None
        return field is None or field.default_factory is None
