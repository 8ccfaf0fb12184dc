"""pydantic's errors as sentences for people, each at its place in the data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.names import closest, dotted, shortened
from agentbox_cli.config.problems import Issue
from agentbox_cli.config.rules import Rule

_KEY = "[key]"

_WANTED: Mapping[str, str] = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a section",
    "model_type": "a section",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    """One error of pydantic, with the path as it is in the data.

    Args:
        value: what stands at the path.
        is_branch: one of several errors, one for each type that a union allows.
    """

    kind: str
    path: tuple[str | int, ...]
    on_key: bool
    is_branch: bool
    value: Any
    message: str
    context: Mapping[str, Any]


def in_words(details: Iterable[ErrorDetails], data: Mapping[Any, Any]) -> Iterator[Issue]:
    """Turn pydantic's errors into issues.

    Args:
        details: the errors, without their input.
        data: what was validated.
    """
    errors = (_error(detail, data) for detail in details)
    for _, group in groupby(
        filter(_is_true, errors), key=lambda error: (error.path, error.on_key)
    ):
        alike = list(group)
        if all(error.is_branch for error in alike):
            yield _wrong_type(alike)
        else:
            yield from map(_issue, alike)


def _error(detail: ErrorDetails, data: Mapping[Any, Any]) -> _Error:
    path: list[str | int] = []
    value: Any = data
    is_branch = False
    loc = detail["loc"]
    for index, part in enumerate(loc):
        if below := _below(value, part):
            step, value = below
            path.append(step)
        elif detail["type"] == "missing" and index == len(loc) - 1:
            path.append(part)
        elif part != _KEY:
            is_branch = True  # pydantic names the type of a union here, as in (..., 0, 'int')
    return _Error(
        kind=detail["type"],
        path=tuple(path),
        on_key=loc[-1:] == (_KEY,),
        is_branch=is_branch and detail["type"] in _WANTED,
        value=value,
        message=detail["msg"],
        context=detail.get("ctx", {}),
    )


def _below(value: Any, part: str | int) -> tuple[str | int, Any] | None:
    if isinstance(value, list) and isinstance(part, int):
        return part, value[part]
    if not isinstance(value, dict):
        return None
    # pydantic names the key false as 0, and null or 1.5 by their text (measured).
    named = [key for key in value if key == part or str(key) == part]
    return (_as_step(named[0]), value[named[0]]) if named else None


def _as_step(key: Any) -> str | int:
    return key if type(key) is int else str(key)


def _is_true(error: _Error) -> bool:
    # pydantic calls a list too short when its items are wrong (measured).
    return not (error.kind == "too_short" and error.value)


def _issue(error: _Error) -> Issue:
    if error.on_key:
        return _bad_key(error)
    if error.kind in _WANTED:
        return _wrong_type([error])
    return _WORDS.get(error.kind, _otherwise)(error)


def _bad_key(error: _Error) -> Issue:
    if error.kind == "string_type":
        message, hint = "a name must be text", "put it in quotes"
        return Issue(path=error.path, message=message, hint=hint, on="key", rule=Rule.BAD_NAME)
    message = f"this name cannot be used: {error.message.removeprefix('Value error, ')}"
    return Issue(path=error.path, message=message, on="key", rule=Rule.BAD_NAME)


def _wrong_type(errors: list[_Error]) -> Issue:
    error = errors[0]
    wanted = " or ".join(_WANTED[each.kind] for each in errors)
    message = f"must be {wanted}, is {_kind(error.value)}"
    hint = _type_hint(errors)
    return Issue(path=error.path, message=message, hint=hint, rule=Rule.WRONG_TYPE)


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a section"}
    return kinds.get(type(value), "something else")


def _type_hint(errors: list[_Error]) -> str | None:
    value, kinds = errors[0].value, {error.kind for error in errors}
    if isinstance(value, str) and "${" in value:
        return "references such as ${NAME} work in api_key, headers and env only"
    if "bool_type" in kinds:
        return _bool_hint(value)
    if kinds & {"int_type", "float_type"} and _is_number(value):
        return "write it without quotes"
    if "string_type" in kinds and isinstance(value, bool | int | float):
        return "put it in quotes"
    if "tuple_type" in kinds and value is not None:
        return "start each item with '- '"
    return None


def _bool_hint(value: Any) -> str | None:
    meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
    word = str(value).lower()
    if word in meant:
        return f"YAML 1.2 reads {word!r} as text; write {meant[word]}"
    if word in ("true", "false"):
        return "write it without quotes"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.replace(".", "", 1).isdecimal()


def _unknown(error: _Error) -> Issue:
    key, parent = str(error.path[-1]), error.path[:-1]
    fields = list(fields_at(parent))
    message, hint = f"unknown key {shortened(key)!r}", None
    home = _home_of(key)
    if meant := closest(key, fields):
        message += f"; did you mean {meant!r}?"
    elif home:
        hint = f"{key!r} belongs below {home}"
    else:
        hint = f"known keys: {', '.join(fields)}"
    return Issue(path=error.path, message=message, hint=hint, on="key", rule=Rule.UNKNOWN_KEY)


def _missing(error: _Error) -> Issue:
    field = fields_at(error.path[:-1])[str(error.path[-1])]
    message, hint = f"the key {error.path[-1]!r} is missing", f"{error.path[-1]}: {field}"
    return Issue(path=error.path, message=message, hint=hint, rule=Rule.MISSING_KEY)


def _choice(error: _Error) -> Issue:
    message = f"must be {error.context['expected']}"
    known = [word.strip("'") for word in message.replace(",", " ").split() if word[0] == "'"]
    meant = closest(error.value, known) if isinstance(error.value, str) else None
    hint = f"did you mean {meant!r}?" if meant else None
    return Issue(path=error.path, message=message, hint=hint, rule=Rule.NOT_A_CHOICE)


def _range(words: str, limit: str) -> Callable[[_Error], Issue]:
    def issue(error: _Error) -> Issue:
        message = f"must be {words} {error.context[limit]:g}"
        return Issue(path=error.path, message=message, rule=Rule.OUT_OF_RANGE)

    return issue


def _empty_list(error: _Error) -> Issue:
    hint = "add an item such as `- provider: openai` with its `model: ...`"
    message = "this chain is empty"
    return Issue(path=error.path, message=message, hint=hint, rule=Rule.EMPTY_CHAIN)


def _otherwise(error: _Error) -> Issue:
    message = error.message.removeprefix("Value error, ")
    uses_reference = isinstance(error.value, str) and "${" in error.value
    hint = "references such as ${NAME} work in api_key, headers and env only"
    return Issue(path=error.path, message=message, hint=hint if uses_reference else None)


def _key_not_text(error: _Error) -> Issue:
    message, hint = "a key must be text", "put it in quotes"
    return Issue(path=error.path, message=message, hint=hint, on="key", rule=Rule.BAD_NAME)


_WORDS: Mapping[str, Callable[[_Error], Issue]] = {
    "extra_forbidden": _unknown,
    "invalid_key": _key_not_text,
    "missing": _missing,
    "literal_error": _choice,
    "greater_than": _range("more than", "gt"),
    "greater_than_equal": _range("at least", "ge"),
    "less_than": _range("less than", "lt"),
    "less_than_equal": _range("at most", "le"),
    "too_short": _empty_list,
}


def fields_at(path: tuple[str | int, ...]) -> dict[str, str]:
    """The keys that a section may have, with their descriptions; empty where any key may stand."""
    annotation: Any = HostConfig
    for part in path:
        annotation = _step(annotation, part)
    return _fields(annotation)


def _fields(annotation: Any) -> dict[str, str]:
    model = _bare(annotation)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {name: field.description or "" for name, field in model.model_fields.items()}


def _step(annotation: Any, part: str | int) -> Any:
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return bare.model_fields[str(part)].annotation
    arguments = get_args(bare)
    return arguments[1] if get_origin(bare) is dict else arguments[0]


def _bare(annotation: Any) -> Any:
    """An annotation without `Annotated[...]` and `| None`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _bare(arguments[0])
    if origin in (Union, UnionType):
        return _bare(next(each for each in arguments if each is not NoneType))
    return annotation


def _home_of(key: str) -> str | None:
    """The section that does know a key."""
    section = HostConfig.model_fields["litellm"].annotation
    for name, field in (section.model_fields if section else {}).items():
        if key in _fields(field.annotation):
            return dotted(("litellm", name))
    return "litellm" if section and key in section.model_fields else None
