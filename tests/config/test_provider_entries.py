import pytest

from agentbox_cli.config.document import parse
from agentbox_cli.config.provider_entries import add_provider, remove_provider
from agentbox_cli.errors import UsageError

TEXT = """\
litellm:
  providers:
    a: {}
    b: {}
  models:
    # of a alone
    one:
      - provider: a
        model: x
    # of both
    two:
      - provider: a
        model: x
      - provider: b
        model: x
      - provider: a
        model: y
"""


def test_an_entry_is_written_in_the_order_of_the_docs() -> None:
    after = add_provider(
        parse("litellm: {enabled: true}\n", "it"),
        "a",
        api_base="http://x",
        protocol="openai",
        key_variable="A_KEY",
    )
    entry = parse(after, "it").data["litellm"]["providers"]["a"]
    assert list(entry.items()) == [
        ("api_base", "http://x"),
        ("api_key", "${A_KEY}"),
        ("protocol", "openai"),
    ]


def test_links_go_with_their_provider_and_aliases_with_their_last_link() -> None:
    after = remove_provider(parse(TEXT, "it"), "a", with_links=True)
    assert (
        after
        == """\
litellm:
  providers:
    b: {}
  models:
    # of both
    two:
      - provider: b
        model: x
"""
    )


def test_links_to_a_provider_that_is_gone_can_go_too() -> None:
    text = TEXT.replace("    a: {}\n", "")
    after = remove_provider(parse(text, "it"), "a", with_links=True)
    assert "provider: a" not in after


@pytest.mark.parametrize("variable", ["", "A-B", "1A", "${A}", "A B"])
def test_what_is_no_variable_is_not_repeated(variable: str) -> None:
    with pytest.raises(UsageError) as refused:
        add_provider(parse("", "it"), "a", key_variable=variable)
    assert refused.value.message == "this is no name of a variable"
