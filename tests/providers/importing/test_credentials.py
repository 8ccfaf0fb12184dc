import pytest

from agentbox_cli.providers.importing.credentials import (
    Credentials,
    is_placeholder,
    may_be_secret,
    usual_variable,
)


def test_one_key_has_one_variable_and_no_variable_has_two_keys() -> None:
    credentials = Credentials({"A_KEY"})
    assert credentials.variable_for("one", "A_KEY") == "A_KEY_2"
    assert credentials.variable_for("two", "A_KEY") == "A_KEY_3"
    assert credentials.variable_for("one", "B_KEY") == "A_KEY_2"
    assert credentials.in_source == {"A_KEY_2", "A_KEY_3"}


def test_no_key_is_in_what_is_shown() -> None:
    credentials = Credentials(())
    credentials.variable_for("the-key-itself", "A_KEY")
    assert "the-key-itself" not in repr(credentials)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openrouter", "OPENROUTER_API_KEY"),
        ("my-cluster.org", "MY_CLUSTER_ORG_API_KEY"),
        ("10_0_0_5", "_10_0_0_5_API_KEY"),
        ("\u00e9", "__API_KEY"),
    ],
)
def test_a_variable_has_a_name_that_shells_take(name: str, variable: str) -> None:
    assert usual_variable(name) == variable


@pytest.mark.parametrize(
    ("key", "expected"), [("", True), (" Not-Needed ", True), ("sk-1", False)]
)
def test_a_placeholder_is_no_key(key: str, *, expected: bool) -> None:
    assert is_placeholder(key) is expected


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("Authorization", "x", True),
        ("apikey", "x", True),
        ("x-auth", "x", True),
        ("x-title", "sk-abcdefgh12345678", True),
        ("x-title", "LLM", False),
    ],
)
def test_a_header_may_be_a_key_by_its_name_or_its_value(
    header: str, value: str, *, expected: bool
) -> None:
    assert may_be_secret(header, value) is expected
