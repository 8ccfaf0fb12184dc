import pytest

from agentbox_cli.config import chains
from agentbox_cli.config.document import parse
from agentbox_cli.errors import UsageError

TEXT = """\
litellm:
  models:
    fast:   # quick
      - provider: a
        model: x/y
      - {provider: b, model: z}
"""


@pytest.mark.parametrize("text", ["", "# only a comment\n", "litellm:\n", "litellm: {}\n"])
def test_the_first_alias_of_a_file_needs_no_section(text: str) -> None:
    after = chains.add_link(parse(text, "it"), "fast", "a", "x")
    assert parse(after, "it").data == {
        "litellm": {"models": {"fast": [{"provider": "a", "model": "x"}]}}
    }


def test_links_in_braces_can_be_moved_and_removed() -> None:
    document = parse(TEXT, "it")
    moved = parse(chains.move_link(document, "fast", 2, 1), "it")
    assert [link["provider"] for link in moved.data["litellm"]["models"]["fast"]] == ["b", "a"]
    left = chains.remove_link(document, "fast", 2)
    assert left == TEXT.replace("      - {provider: b, model: z}\n", "")


def test_an_empty_chain_takes_its_first_link() -> None:
    after = chains.add_link(parse("litellm: {models: {fast: []}}", "it"), "fast", "a", "x")
    assert parse(after, "it").data["litellm"]["models"]["fast"] == [
        {"provider": "a", "model": "x"}
    ]


@pytest.mark.parametrize(
    "text", ["litellm: []", "litellm: {models: 1}", "litellm: {models: {1: 2}}"]
)
def test_data_of_another_shape_has_no_aliases(text: str) -> None:
    with pytest.raises(UsageError, match="has no alias 'fast'"):
        chains.remove_alias(parse(text, "it"), "fast")


@pytest.mark.parametrize(
    ("name", "parts"),
    [("openai/gpt-4o", ("openai", "gpt-4o")), ("a/b/c", ("a", "b/c")), ("a//", ("a", "/"))],
)
def test_a_deployment_is_split_at_its_first_slash(name: str, parts: tuple[str, str]) -> None:
    assert chains.split_deployment(name) == parts


@pytest.mark.parametrize("name", ["", "/", "a", "a/", "/b"])
def test_half_a_deployment_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="is no provider/model"):
        chains.split_deployment(name)


BUDGETED = """\
litellm:
  models:
    fast: [{provider: a, model: x}]
  budgets:
    per_alias:
      fast: {daily_usd: 1} # enough
"""


def test_the_budget_of_an_alias_follows_its_name() -> None:
    renamed = chains.rename_alias(parse(BUDGETED, "it"), "fast", "quick")
    assert renamed == BUDGETED.replace("fast:", "quick:")


def test_a_budget_of_the_new_name_is_left_alone() -> None:
    text = BUDGETED + "      quick: {daily_usd: 2}\n"
    renamed = chains.rename_alias(parse(text, "it"), "fast", "quick")
    assert parse(renamed, "it").data["litellm"]["budgets"] == {
        "per_alias": {"fast": {"daily_usd": 1}, "quick": {"daily_usd": 2}}
    }
