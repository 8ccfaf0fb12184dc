from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agentbox_cli.config.document import parse
from agentbox_cli.config.model import HostConfig
from agentbox_cli.config.problems import Issue
from agentbox_cli.config.rules import Rule
from agentbox_cli.config.validate import validate
from agentbox_cli.config.wording import fields_at, in_words

# What each type of pydantic's schema may complain of, in strict mode (measured).
KINDS: dict[str, set[str]] = {
    "any": set(),
    "bool": {"bool_type"},
    "default": set(),
    "dict": {"dict_type"},
    "definition-ref": set(),
    "definitions": set(),
    "float": {"float_type"},
    "function-after": {"value_error"},
    "function-before": set(),
    "function-plain": set(),
    "function-wrap": set(),
    "int": {"int_type"},
    "is-instance": set(),  # of SecretStr, whose schema tells `string_type` instead
    "json-or-python": set(),
    "lax-or-strict": set(),
    "literal": {"literal_error"},
    "model": {"model_type"},
    "model-field": {"missing"},
    "model-fields": {"extra_forbidden", "invalid_key"},
    "nullable": set(),
    "str": {"string_type"},
    "tuple": {"tuple_type"},
    "union": set(),
}
LIMITS = {
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "lt": "less_than",
    "min_length": "too_short",
}

# One config for each, with where and what is told of it.
EXAMPLES = {
    "bool_type": ("enabled: 3", "must be true or false, is a number", Rule.WRONG_TYPE),
    "dict_type": ("models: x", "must be a section, is text", Rule.WRONG_TYPE),
    "extra_forbidden": ("prot: 1", "unknown key 'prot'", Rule.UNKNOWN_KEY),
    "float_type": ("router: {timeout: x}", "must be a number, is text", Rule.WRONG_TYPE),
    "greater_than": ("router: {timeout: 0}", "must be more than 0", Rule.OUT_OF_RANGE),
    "greater_than_equal": ("port: -1", "must be at least 0", Rule.OUT_OF_RANGE),
    "int_type": ("port: x", "must be a whole number, is text", Rule.WRONG_TYPE),
    "invalid_key": ("1: 2", "a key must be text", Rule.BAD_NAME),
    "less_than_equal": ("port: 70000", "must be at most 65535", Rule.OUT_OF_RANGE),
    "literal_error": ("auth: x", "must be 'same-user' or 'key'", Rule.NOT_A_CHOICE),
    "missing": ("models: {a: [{model: x}]}", "the key 'provider' is missing", Rule.MISSING_KEY),
    "model_type": ("router: x", "must be a section, is text", Rule.WRONG_TYPE),
    "string_type": ("bind: 1", "must be text, is a number", Rule.WRONG_TYPE),
    "too_short": ("models: {a: []}", "this chain is empty", Rule.EMPTY_CHAIN),
    "tuple_type": ("allowed_hosts: x", "must be a list, is text", Rule.WRONG_TYPE),
    "value_error": ("providers: {a b: {}}", "this name cannot be used: use", Rule.BAD_NAME),
}


# No schema stands here, or one that plain data in strict mode never meets.
UNUSED = {"metadata", "serialization", "cls", "expected", "function", "lax_schema", "json_schema"}


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema of pydantic-core that validates something."""
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield node
        for name, below in node.items():
            if name not in UNUSED:
                yield from schemas(below)
    elif isinstance(node, list | tuple):
        for below in node:
            yield from schemas(below)


def possible_kinds() -> set[str]:
    kinds: set[str] = set()
    for schema in schemas(HostConfig.__pydantic_core_schema__):
        kinds |= KINDS[schema["type"]]
        kinds |= {kind for limit, kind in LIMITS.items() if schema.get(limit) is not None}
    return kinds


def test_every_kind_that_the_model_can_raise_has_an_example() -> None:
    assert possible_kinds() == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_kind_is_told_in_our_own_words_at_its_place(kind: str) -> None:
    section, told, rule = EXAMPLES[kind]
    document = parse(f"litellm: {{{section}}}\n", "config.yml")
    with pytest.raises(ValidationError) as raised:
        HostConfig.model_validate(document.data)
    assert kind in {error["type"] for error in raised.value.errors()}
    _, (issue,) = validate(document)
    assert issue.message.startswith(told)
    assert issue.rule is rule
    assert document.find(issue.path[:-1] if kind == "missing" else issue.path).exists


def test_a_kind_that_nobody_foresaw_has_pydantics_words_and_a_position() -> None:
    data = {"litellm": {"models": {"a": [{"provider": "x", "model": "y"}]}}}
    loc = ("litellm", "models", "a", 0, "function-wrap[made_up()]", "model")
    detail: Any = {"type": "of_tomorrow", "loc": loc, "msg": "Input should be blue", "input": 1}
    (issue,) = in_words([detail], data)
    assert issue.message == "Input should be blue"
    assert issue.path == ("litellm", "models", "a", 0, "model")
    assert issue.rule is Rule.BAD_VALUE


def in_word(detail: ErrorDetails, data: object) -> Issue:
    (issue,) = in_words([detail], {"litellm": data})
    return issue


def test_an_unknown_kind_of_error_keeps_its_own_words_and_its_place() -> None:
    detail = ErrorDetails(
        type="from_the_future", loc=("litellm", "bind"), msg="Not like this", input=None
    )
    issue = in_word(detail, {"bind": "x"})
    assert (issue.path, issue.message) == (("litellm", "bind"), "Not like this")


def test_a_number_that_must_be_less_is_told_so() -> None:
    detail = ErrorDetails(
        type="less_than", loc=("litellm", "port"), msg="", input=None, ctx={"lt": 5.0}
    )
    assert in_word(detail, {"port": 5}).message == "must be less than 5"


def test_a_value_of_an_odd_type_is_something_else() -> None:
    detail = ErrorDetails(type="int_type", loc=("litellm", "port"), msg="", input=None)
    assert in_word(detail, {"port": {1, 2}}).message == "must be a whole number, is something else"


def test_the_fields_of_a_section_are_found_through_lists_and_names() -> None:
    assert "litellm" in fields_at(())
    assert "provider" in fields_at(("litellm", "models", "default", 0))
    assert "api_key" in fields_at(("litellm", "providers", "x"))
    assert fields_at(("litellm", "models")) == {}
    assert fields_at(("litellm", "bind")) == {}
    assert fields_at(("litellm", "allowed_clients", 0)) == {}
