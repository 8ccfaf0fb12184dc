from pydantic_core import ErrorDetails

from agentbox_cli.config.problems import Issue
from agentbox_cli.config.wording import fields_at, in_words


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
